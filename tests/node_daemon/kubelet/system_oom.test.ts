import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { kernelLog } from "../../../core/platform/kernel_log.ts";
import { SystemOomWatcher, systemOomMessage } from "../../../node_daemon/kubelet/system_oom.ts";

const told = `6,100,5000,-;eth0: renamed from veth
 SUBSYSTEM=net
4,101,6000,-;stress invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
6,102,6001,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=a) (b,pid=12,uid=0
3,103,6002,-;Out of memory: Killed process 12 (a) (b) total-vm:18664kB, anon-rss:16128kB, UID:0 pgtables:80kB
3,104,7000,-;Memory cgroup out of memory: Killed process 13 (tail) total-vm:18664kB, anon-rss:16128kB
12,105,7001,-;Out of memory: Killed process 99 (written by a program) total-vm:1kB
`;
const older = "3,106,8000,-;Out of memory: Kill process 14 (java) score 900 or sacrifice child\n";
const records = async (text: string) => {
  const folder = await mkdtemp(join(tmpdir(), "wherry-kmsg-"));
  try {
    await writeFile(join(folder, "kmsg"), text);
    return await kernelLog(join(folder, "kmsg"));
  } finally {
    await rm(folder, { recursive: true });
  }
};

it("kernelLog() gives what the kernel said, and nothing that programs wrote, nor where it may not be read", async () => {
  expect((await records(told)).map(({ sequence }) => sequence)).toEqual([100, 101, 102, 103, 104]);
  expect((await records(told))[0]?.text).toBe("eth0: renamed from veth");
  expect(await kernelLog("/nowhere/kmsg")).toEqual([]);
});

it("SystemOomWatcher tells once of what the machine's lack of memory ended, and not of what a group's did", async () => {
  let [count, text, reads] = [7, told, 0];
  const watcher = new SystemOomWatcher({
    count: async () => count,
    log: () => {
      reads++;
      return records(text);
    },
  });
  expect(await watcher.look()).toEqual([]);
  expect(await watcher.look()).toEqual([]);
  expect(reads).toBe(0);
  count = 9;
  const [victim, ...more] = await watcher.look();
  expect(victim && systemOomMessage(victim)).toBe("System OOM encountered, victim process: a) (b, pid: 12");
  expect(more).toEqual([]);
  [count, text] = [10, told + older];
  expect(await watcher.look()).toEqual([{ pid: 14, name: "java" }]);
  expect(await watcher.look()).toEqual([]);
});

it("SystemOomWatcher leaves out what was ended before it began to look", async () => {
  const [log, counts] = [() => records(told), [1, 2]];
  const watcher = new SystemOomWatcher({ count: async () => counts.shift(), log });
  await watcher.look();
  // The last one was a group's.
  expect(await watcher.look()).toEqual([]);
  expect(await watcher.look()).toEqual([]);
});
