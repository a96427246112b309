import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { signalProcess } from "../../../core/platform/processes.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openProcessRuntime } from "../../../node_daemon/runtime/process.ts";
import { openNamespaces } from "../../../node_daemon/runtime/process_namespace.ts";
import { findContainerProcesses, isRunning, type ProcessIdentity } from "../../../node_daemon/runtime/process_table.ts";
import type { ContainerConfig, ContainerRuntime, SandboxConfig, Ulimit } from "../../../node_daemon/runtime/runtime.ts";
import { containerConfig, drain, logText, never, sandboxConfig } from "../../suites/runtime_suite.ts";

type StartArguments = [name: string, script: string, changes?: Partial<ContainerConfig>, pod?: Partial<SandboxConfig>];

async function open(options: { readonly defaultUlimits?: readonly Ulimit[] } = {}) {
  const rootDir = await mkdtemp(join(tmpdir(), "wherry-namespaces-"));
  const start = () =>
    openProcessRuntime({ rootDir, clock: systemClock, random: systemRandom, log: silentLogger, ...options });
  let runtime: ContainerRuntime = await start();
  const onePod = sandboxConfig({ podIP: "127.1.2.3" });
  const opened = {
    rootDir,
    get runtime() {
      return runtime;
    },
    async reopen() {
      await runtime[Symbol.asyncDispose]();
      runtime = await start();
    },
    async start(
      name: string,
      script: string,
      changes: Partial<ContainerConfig> = {},
      pod: Partial<SandboxConfig> = {},
    ) {
      const sandbox = await runtime.runPodSandbox({ ...onePod, ...pod }, { signal: never });
      const id = await runtime.createContainer(sandbox, containerConfig(script, { name, ...changes }), {
        signal: never,
      });
      await runtime.startContainer(id, { signal: never });
      return { id, sandbox };
    },
    async output(...args: StartArguments): Promise<string> {
      const { id } = await opened.start(...args);
      return await logText(runtime, id, { follow: true });
    },
    async exec(id: string, script: string) {
      const command = ["/bin/sh", "-c", script];
      const { stdout } = await drain(await runtime.exec(id, { command, stdin: false, tty: false, signal: never }));
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      for (const { id } of await runtime.listSandboxes({ signal: never }))
        await runtime.removePodSandbox(id, { signal: never });
      await runtime[Symbol.asyncDispose]();
      await rm(rootDir, { recursive: true });
    },
  };
  return opened;
}

const hasNamespaces = (await openNamespaces())?.pods !== undefined;

/** Numbers of the processes that `/proc` shows, and what two of the namespaces are. */
const look = "cd /proc; echo $(echo [0-9]* | wc -w) $(readlink /proc/self/ns/pid /proc/self/ns/ipc)";

describe.runIf(hasNamespaces)("process runtime that may make namespaces", () => {
  it("shows a container its own processes only, and so to what is run beside it", async () => {
    await using under = await open();
    const { id } = await under.start("main", `${look}; sleep 1000`);
    await expect.poll(() => logText(under.runtime, id)).toContain("ipc:");
    const [count, pid, ipc] = (await logText(under.runtime, id)).trim().split(" ");
    expect(Number(count)).toBeLessThan(10);
    expect(pid).not.toBe(await readlink("/proc/self/ns/pid"));
    expect(ipc).not.toBe(await readlink("/proc/self/ns/ipc"));
    const [countBeside, ...rest] = (await under.exec(id, look)).trim().split(" ");
    expect(rest).toEqual([pid, ipc]);
    expect(Number(countBeside)).toBeLessThan(15);
    expect(await under.exec(id, "cat /proc/1/cmdline | tr '\\0' ' '")).toContain("wherry");
  });

  it("shows the node's processes to a container that asks for them, and takes its signals no less", async () => {
    await using under = await open();
    const { id } = await under.start("main", `${look}; sleep 1000`, { processes: "node" }, { hostIPC: true });
    await expect.poll(() => logText(under.runtime, id)).toContain("ipc:");
    const [, ...seen] = (await logText(under.runtime, id)).trim().split(" ");
    expect(seen).toEqual([await readlink("/proc/self/ns/pid"), await readlink("/proc/self/ns/ipc")]);
    await under.runtime.stopContainer(id, { gracePeriodSeconds: 60, signal: never });
  });

  it("shares the pod's processes among its containers when they are to", async () => {
    await using under = await open();
    const both = { processes: "pod" as const };
    const first = await under.start("first", "sleep 1234", both);
    const second = await under.start("second", "sleep 1000", both);
    await expect.poll(() => under.exec(second.id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).toContain("sleep 1234");
    expect(await under.exec(first.id, "readlink /proc/self/ns/pid")).toBe(
      await under.exec(second.id, "readlink /proc/self/ns/pid"),
    );
    // One that ends takes only its own along.
    await under.runtime.stopContainer(first.id, { gracePeriodSeconds: 60, signal: never });
    const left = await under.exec(second.id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    expect(left).toContain("sleep 1000");
    expect(left).not.toContain("sleep 1234");
  });

  it("shows a container the processes of another one that it is to look into", async () => {
    await using under = await open();
    const { id: containerId } = await under.start("main", "sleep 1234");
    const debug = await under.start("debug", "sleep 1000", { processes: { containerId } });
    await expect.poll(() => under.exec(debug.id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).toContain("sleep 1234");
  });

  it("shares a pod's semaphores and shared memory among its containers, also with later ones of a later daemon", async () => {
    await using under = await open();
    const seen = "readlink /proc/self/ns/ipc; cat /dev/shm/note 2>/dev/null; echo note >/dev/shm/note";
    const [first] = (await under.output("first", seen)).split("\n");
    await under.reopen();
    expect(await under.output("second", seen)).toBe(`${first}\nnote\n`);
    await expect(stat("/dev/shm/note")).rejects.toThrow("ENOENT");
    const other = await under.output("third", seen, {}, { uid: "another", name: "another" });
    expect(other).not.toContain("note");
    expect(other.split("\n")[0]).not.toBe(first);
  });

  it.each(["own", "pod"] as const)(
    "what left its session ends with the container's program (%s)",
    async (processes) => {
      await using under = await open();
      const { id } = await under.start("main", "setsid env -i sleep 4321 & sleep 0.2", { processes });
      await logText(under.runtime, id, { follow: true });
      await under.runtime.stopContainer(id, { gracePeriodSeconds: 0, signal: never });
      if (processes === "own") expect(await commands("4321")).toEqual([]);
      await under.runtime.removePodSandbox((await under.runtime.listSandboxes({ signal: never }))[0]?.id ?? "", {
        signal: never,
      });
      await expect.poll(() => commands("4321")).toEqual([]);
    },
  );

  it("takes up what runs after its end, with the same numbers on the machine", async () => {
    await using under = await open();
    const { id, sandbox } = await under.start("main", "echo up; exec sleep 1000");
    await expect.poll(() => logText(under.runtime, id)).toBe("up\n");
    const before = (await findContainerProcesses({ containerId: id, supervisor: undefined })).map(({ pid }) => pid);
    await under.reopen();
    const [found] = await under.runtime.listContainers({ podUid: sandbox.uid, signal: never });
    expect(found).toMatchObject({ id, state: "running" });
    const after = (await findContainerProcesses({ containerId: id, supervisor: undefined })).map(({ pid }) => pid);
    expect(after).toEqual(before);
    expect(await under.exec(id, "readlink /proc/self/ns/pid")).not.toBe(`${await readlink("/proc/self/ns/pid")}\n`);
    await under.runtime.stopContainer(id, { gracePeriodSeconds: 60, signal: never });
    const [ended] = await under.runtime.listContainers({ podUid: sandbox.uid, signal: never });
    expect(ended).toMatchObject({ state: "exited", exitCode: 143 });
  });

  it("holds what a pod shares anew when who held it was killed, and lets go of it with the pod", async () => {
    await using under = await open();
    const { sandbox } = await under.start("first", "true");
    const first = await holderOf(under.rootDir, sandbox.id);
    expect(await isRunning(first)).toBe(true);
    signalProcess(first.pid, "SIGKILL");
    await expect.poll(() => isRunning(first)).toBe(false);
    expect(await under.output("second", "readlink /proc/self/ns/ipc")).toContain("ipc:");
    const second = await holderOf(under.rootDir, sandbox.id);
    expect(await isRunning(second)).toBe(true);
    await under.runtime.removePodSandbox(sandbox.id, { signal: never });
    await expect.poll(() => isRunning(second)).toBe(false);
  });

  it("ends at its start what pods shared whose folders are gone, and nobody else's", async () => {
    await using under = await open();
    await using other = await open();
    const note = "echo note >/dev/shm/note";
    const kept = await under.start("main", note, { processes: "pod" });
    const elsewhere = await other.start("main", note);
    const lost = await under.start("main", note, {}, { uid: "lost", name: "lost" });
    await logText(under.runtime, lost.id, { follow: true });
    const [first, second, third] = await Promise.all([
      holderOf(under.rootDir, kept.sandbox.id),
      holderOf(other.rootDir, elsewhere.sandbox.id),
      holderOf(under.rootDir, lost.sandbox.id),
    ]);
    const memory = await sharedMemoryWith(lost.sandbox.id);
    expect(await readdir(join(memory, lost.sandbox.id))).toEqual(["note"]);
    await rm(join(under.rootDir, "sandboxes", lost.sandbox.id), { recursive: true });
    await under.reopen();
    await expect.poll(() => isRunning(third)).toBe(false);
    expect(await Promise.all([first, second].map(isRunning))).toEqual([true, true]);
    expect(await readdir(memory)).toEqual([kept.sandbox.id]);
    expect(await sharedMemoryWith(elsewhere.sandbox.id)).not.toBe(memory);
    // The last of its pods takes the folder along.
    await under.runtime.removePodSandbox(kept.sandbox.id, { signal: never });
    await expect(stat(memory)).rejects.toThrow("ENOENT");
  });
});

/** Who holds what a pod shares. */
async function holderOf(rootDir: string, sandboxId: string): Promise<ProcessIdentity> {
  return JSON.parse(await readFile(join(rootDir, "sandboxes", sandboxId, "holder.json"), "utf8")) as ProcessIdentity;
}

/** The folder in the machine's memory in which a sandbox has its own. */
async function sharedMemoryWith(sandboxId: string): Promise<string> {
  const folders = (await readdir("/dev/shm")).map((name) => join("/dev/shm", name));
  for (const folder of folders)
    if ((await readdir(folder).catch((): string[] => [])).includes(sandboxId)) return folder;
  throw new Error(`No shared memory of ${sandboxId}`);
}

describe.runIf(process.platform === "linux")("process runtime", () => {
  const limits = "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj";

  it("gives limits and a place among those that end for want of memory, also to what is run beside", async () => {
    await using under = await open({ defaultUlimits: [{ name: "nofile", soft: 99, hard: 111 }] });
    const { id } = await under.start("main", `${limits}; sleep 1000`, { oomScoreAdj: 500 });
    await expect.poll(() => logText(under.runtime, id)).toBe("99\n111\n500\n");
    const beside = hasNamespaces ? "99\n111\n500\n" : expect.stringMatching(/^99\n111\n/);
    expect(await under.exec(id, limits)).toEqual(beside);
  });

  it("does not open with limits that it may not give", async () => {
    await expect(open({ defaultUlimits: [{ name: "nofile", soft: 5, hard: -1 }] })).rejects.toThrow(
      "Cannot set --default-ulimit",
    );
  });
});

/** Command lines of the machine's processes that end with this word. */
async function commands(word: string): Promise<readonly string[]> {
  const all = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(all.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.endsWith(`sleep\0${word}\0`));
}
