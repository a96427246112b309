import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CgroupsOptions, openCgroups } from "../../../node_daemon/runtime/process_cgroup.ts";

const owner = "/var/lib/wherry";
const group = "wherry/%2Fvar%2Flib%2Fwherry";
const pid = 4711;

/**
 * Folders as version 2 has them; files appear as they are written.
 *
 * @param groups the processes of each group; the top is ""
 */
async function openTree(
  own: string,
  groups: Readonly<Record<string, readonly number[]>>,
  { isTop = false }: Pick<CgroupsOptions, "isTop"> = {},
) {
  const root = await mkdtemp(join(tmpdir(), "wherry-cgroup-"));
  for (const [name, pids] of Object.entries(groups)) {
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, "cgroup.controllers"), "cpuset cpu io memory hugetlb pids\n");
    await writeFile(join(root, name, "cgroup.procs"), pids.map((one) => `${one}\n`).join(""));
    if (name !== "") await writeFile(join(root, name, "cgroup.type"), "domain\n");
  }
  return {
    root,
    cgroups: await openCgroups(owner, { root, own: `0::${own}\n`, isTop, pid }),
    read: (path: string) => readFile(join(root, path), "utf8"),
    list: async (path: string) => (await readdir(join(root, path))).filter((name) => !name.startsWith("cgroup.")),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

const service = "system.slice/wherry.service";
const all = "+memory +cpu +pids +io";
const limits = { milliCpuRequest: 500, milliCpuLimit: 250, memoryBytesLimit: 64 * 1024 * 1024 };

describe("cgroups of version 2", () => {
  it("are made at the top by who may do that, with controllers all the way down", async () => {
    await using tree = await openTree(`/${service}`, { "": [1, 2], [service]: [pid] });
    for (const one of ["", "wherry", group]) expect(await tree.read(join(one, "cgroup.subtree_control"))).toBe(all);
    for (const one of ["wherry", group]) expect(Number(await tree.read(`${one}/cpu.weight`))).toBeGreaterThan(0);
    expect(await tree.cgroups?.make("a", limits)).toEqual([join(tree.root, group, "a")]);
    expect(await tree.read(`${group}/a/memory.max`)).toBe(String(limits.memoryBytesLimit));
    expect(await tree.read(`${group}/a/cpu.max`)).toBe("25000 100000");
    await tree.cgroups?.limitAll({ milliCpuRequest: 1500, milliCpuLimit: undefined, memoryBytesLimit: 1024 });
    expect(await tree.read(`${group}/memory.max`)).toBe("1024");
    expect(await tree.read(`${group}/cpu.weight`)).toBe("59");
    expect(await tree.list(service)).toEqual([]);
  });

  it("end as a whole for want of memory, as the kubelet has them", async () => {
    await using tree = await openTree(`/${service}`, { "": [1], [service]: [pid] });
    await tree.cgroups?.makeGroup("pod", limits);
    await tree.cgroups?.make("pod/a", limits);
    expect(await tree.read(`${group}/pod/a/memory.oom.group`)).toBe("1");
    expect(await tree.list(`${group}/pod`)).not.toContain("memory.oom.group");
  });

  it("are made below the unit when systemd has put the daemon into a subgroup of it", async () => {
    await using tree = await openTree(`/${service}/daemon`, { "": [1], [service]: [], [`${service}/daemon`]: [pid] });
    expect(tree.cgroups).toBeDefined();
    for (const one of ["", "wherry", group])
      expect(await tree.read(join(service, one, "cgroup.subtree_control"))).toBe(all);
    expect(await tree.list("")).toEqual(["system.slice"]);
  });

  it("are made below a group that the daemon has for itself, once it has left that", async () => {
    const scope = "user.slice/run-1.scope";
    await using tree = await openTree(`/${scope}`, { [scope]: [pid] });
    expect(await tree.read(`${scope}/daemon/cgroup.procs`)).toBe(String(pid));
    expect(await tree.read(`${scope}/cgroup.subtree_control`)).toBe(all);
    expect((await tree.list(scope)).sort()).toEqual(["daemon", "wherry"]);
  });

  it("are not made below a group that others are in: the kernel gives them no controllers", async () => {
    const scope = "user.slice/session-2.scope";
    await using tree = await openTree(`/${scope}`, { [scope]: [pid, 4712] });
    expect(tree.cgroups).toBeUndefined();
    expect(await tree.list(scope)).toEqual([]);
  });

  it("are not made in what is another's to divide: a unit that is in another's", async () => {
    const manager = "user.slice/user@1000.service";
    await using tree = await openTree(`/${manager}/app.service`, {
      [manager]: [],
      [`${manager}/app.service`]: [pid, 1],
    });
    expect(tree.cgroups).toBeUndefined();
    expect(await tree.list(manager)).toEqual(["app.service"]);
  });

  it("of an engine are made at the top, wherever the daemon is", async () => {
    const groups = { "": [1], [service]: [], [`${service}/daemon`]: [pid] };
    await using tree = await openTree(`/${service}/daemon`, groups, { isTop: true });
    expect((await tree.list("")).sort()).toEqual(["system.slice", "wherry"]);
    expect(await tree.list(service)).toEqual(["daemon"]);
  });
});
