import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { mountPointsWithin } from "../../../core/platform/mount_table.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openProcessRuntime } from "../../../node_daemon/runtime/process.ts";
import { makeSystemRoot, mountTable } from "../../../node_daemon/runtime/process_mounts.ts";
import { openNamespaces } from "../../../node_daemon/runtime/process_namespace.ts";
import type { ContainerConfig, ContainerRuntime, Mount } from "../../../node_daemon/runtime/runtime.ts";
import { containerConfig, logText, never, sandboxConfig } from "../../suites/runtime_suite.ts";

const run = promisify(execFile);

/** A folder of a test's own. */
async function temporary(): Promise<{ readonly path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "wherry-mounts-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A runtime with a folder `host` of the machine beside it. */
async function open() {
  const folder = await temporary();
  const host = join(folder.path, "host");
  await mkdir(host);
  await writeFile(join(host, "key"), "value");
  const rootDir = join(folder.path, "runtime");
  const runtime = await openProcessRuntime({ rootDir, clock: systemClock, random: systemRandom, log: silentLogger });
  return {
    host,
    runtime,
    async [Symbol.asyncDispose]() {
      for (const { id } of await runtime.listSandboxes({ signal: never }))
        await runtime.removePodSandbox(id, { signal: never });
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function create(runtime: ContainerRuntime, script: string, changes: Partial<ContainerConfig>): Promise<string> {
  const sandbox = await runtime.runPodSandbox(sandboxConfig({ podIP: "127.1.2.3" }), { signal: never });
  return await runtime.createContainer(sandbox, containerConfig(script, changes), { signal: never });
}

/** What a script prints, with these mounts. */
async function output(runtime: ContainerRuntime, script: string, changes: Partial<ContainerConfig>): Promise<string> {
  const id = await create(runtime, script, changes);
  await runtime.startContainer(id, { signal: never });
  return await logText(runtime, id, { follow: true });
}

const canMount = (await openNamespaces()) !== undefined;

describe("process runtime with volumes", () => {
  it("has them by their names", async () => {
    await using under = await open();
    const mounts = [{ hostPath: under.host, containerPath: "/wherry-data", volume: "data", readOnly: false }];
    const script = 'cat "$WHERRY_VOLUMES/data/key"; echo; cat "$WHERRY_ROOT/wherry-data/key"';
    expect(await output(under.runtime, script, { mounts })).toBe("value\nvalue");
  });

  it.each<[string, Partial<Mount>]>([
    ["recursiveReadOnly", { readOnly: true, recursiveReadOnly: "required" }],
    ...(canMount
      ? []
      : ([
          ["readOnly", { readOnly: true, isReadOnlyAsked: true }],
          ["mountPropagation", { propagation: "shared" }],
          ["mountPropagation", { propagation: "slave" }],
        ] as [string, Partial<Mount>][])),
  ])("refuses %s, which it cannot give", async (what, changes) => {
    await using under = await open();
    const mounts = [{ hostPath: under.host, containerPath: "/data", readOnly: false, ...changes }];
    await expect(create(under.runtime, "", { mounts })).rejects.toMatchObject({
      reason: "CreateContainerError",
      message: expect.stringContaining(`cannot give mount "/data" ${what}`),
    });
  });
});

describe.runIf(canMount)("process runtime that may mount", () => {
  it("has volumes at their paths, and makes nothing on the machine", async () => {
    await using under = await open();
    const mounts = [
      { hostPath: under.host, containerPath: "/wherry-data/inner", readOnly: false },
      { hostPath: join(under.host, "key"), containerPath: "/etc/wherry/a b#c", readOnly: false },
      { hostPath: join(under.host, "key"), containerPath: "/etc/hosts", readOnly: false },
    ];
    const script =
      "cat /wherry-data/inner/key '/etc/wherry/a b#c' /etc/hosts; echo; id -u; head -c 5 /etc/passwd; echo new > /wherry-data/inner/made";
    expect(await output(under.runtime, script, { mounts })).toBe("valuevaluevalue\n0\nroot:");
    expect(await readFile(join(under.host, "made"), "utf8")).toBe("new\n");
    await expect(stat("/wherry-data")).rejects.toThrow("ENOENT");
    await expect(stat("/etc/wherry")).rejects.toThrow("ENOENT");
    expect(await readFile("/etc/hosts", "utf8")).not.toBe("value");
  });

  it("does not let a container write where it may only read", async () => {
    await using under = await open();
    const mounts = [
      { hostPath: under.host, containerPath: "/wherry-data", volume: "data", readOnly: true, isReadOnlyAsked: true },
    ];
    const script =
      'for path in /wherry-data "$WHERRY_VOLUMES/data" "$WHERRY_ROOT/wherry-data"; do { echo x > $path/key; } 2>/dev/null || echo refused; done';
    expect(await output(under.runtime, script, { mounts })).toBe("refused\nrefused\nrefused\n");
    expect(await readFile(join(under.host, "key"), "utf8")).toBe("value");
  });

  it("finds programs and working directories in volumes, by their paths", async () => {
    await using under = await open();
    await mkdir(join(under.host, "bin"));
    await writeFile(join(under.host, "bin", "tool"), "#!/bin/sh\npwd\n", { mode: 0o755 });
    const mounts = [{ hostPath: under.host, containerPath: "/wherry-data", readOnly: true }];
    const changes = { mounts, command: ["/wherry-data/bin/tool"], workingDir: "/wherry-data/bin" };
    expect(await output(under.runtime, "", changes)).toBe("/wherry-data/bin\n");
    const missing = await create(under.runtime, "", { mounts, command: ["/wherry-data/bin/none"] });
    await expect(under.runtime.startContainer(missing, { signal: never })).rejects.toMatchObject({
      reason: "RunContainerError",
      message: 'exec: "/wherry-data/bin/none": stat /wherry-data/bin/none: no such file or directory',
    });
  });

  it("runs what is run beside a container in the same root, as the same user", async () => {
    await using under = await open();
    const mounts = [{ hostPath: under.host, containerPath: "/wherry-data", readOnly: true }];
    for (const tty of [false, true]) {
      const user = { uid: 1234, gid: 1234, supplementalGids: [] };
      const id = await create(under.runtime, "echo up; sleep 1000", { mounts, user, tty, stdin: tty });
      await under.runtime.startContainer(id, { signal: never });
      const command = [
        "/bin/sh",
        "-c",
        "cat /wherry-data/key; id -u; touch /wherry-data/x 2>/dev/null || echo refused",
      ];
      const session = await under.runtime.exec(id, { command, stdin: false, tty: false, signal: never });
      let text = "";
      for await (const { data } of session.output) text += Buffer.from(data).toString();
      expect(text).toBe("value1234\nrefused\n");
    }
  });

  it("mounts what is held of a path, whatever has its name by now", async () => {
    await using under = await open();
    await mkdir(join(under.host, "held"));
    await writeFile(join(under.host, "held", "key"), "held");
    const mounts = [
      { hostPath: under.host, pinnedPath: join(under.host, "held"), containerPath: "/wherry-data", readOnly: false },
    ];
    expect(await output(under.runtime, "cat /wherry-data/key", { mounts })).toBe("held");
  });

  it("leaves the machine's mounts alone, and nothing of its own, when a container mounts in a volume that is shared", async () => {
    await using under = await open();
    const { host } = under;
    await mkdir(join(host, "kept"));
    await writeFile(join(host, "kept/file"), "kept");
    await run("mount", ["--bind", host, host]);
    try {
      await run("mount", ["--make-shared", host]);
      const mounts = [
        { hostPath: host, containerPath: "/wherry-data", readOnly: false, propagation: "shared" as const },
      ];
      const script =
        "mkdir /wherry-data/inner; mount --bind /wherry-data/kept /wherry-data/inner; cat /wherry-data/inner/file";
      expect(await output(under.runtime, script, { mounts })).toBe("kept");
      expect(await readFile(join(host, "inner/file"), "utf8")).toBe("kept");
      const [{ id = "" } = {}] = await under.runtime.listContainers({ signal: never });
      await under.runtime.removeContainer(id, { signal: never });
      // What it mounted for others is theirs; what was mounted for it has gone.
      expect(new Set(await mountPointsWithin(dirname(host)))).toEqual(new Set([join(host, "inner"), host]));
    } finally {
      await run("umount", ["--lazy", "--recursive", host]);
    }
  });

  it("says why it could not mount", async () => {
    await using under = await open();
    const mounts = [{ hostPath: under.host, containerPath: "/wherry-data", readOnly: false }];
    const id = await create(under.runtime, "", { mounts });
    await rm(under.host, { recursive: true });
    await expect(under.runtime.startContainer(id, { signal: never })).rejects.toMatchObject({
      message: expect.stringContaining("ENOENT"),
    });
  });
});

describe("makeSystemRoot()", () => {
  it("takes the machine's folders as they are, but for those that lack a place", async () => {
    await using folder = await temporary();
    const source = join(folder.path, "source");
    await mkdir(source);
    await writeFile(join(source, "file"), "");
    await mkdir(join(folder.path, "machine", "there"), { recursive: true });
    await symlink("machine", join(folder.path, "link"));
    const root = join(folder.path, "root");
    const mount = (containerPath: string, hostPath = source) => ({ hostPath, containerPath, readOnly: true });
    const binds = await makeSystemRoot(root, [
      mount(join(folder.path, "link", "missing")),
      mount(join(folder.path, "machine", "there")),
    ]);
    const targets = binds.map(({ target }) => target);
    // A link on the way is resolved: the place is made behind it.
    expect(await readdir(join(root, folder.path, "machine"))).toEqual(["missing", "there"]);
    expect(targets).toContain(join(root, folder.path, "machine", "missing"));
    expect(targets).toContain(join(root, folder.path, "machine", "there"));
    expect(targets).toContain(join(root, "etc"));
    expect(targets).not.toContain(join(root, tmpdir()));
    expect(await readdir(join(folder.path, "machine"))).toEqual(["there"]);
    expect(binds.at(-1)).toMatchObject({ source, options: "rbind,rprivate,ro" });
  });
});

describe("mountTable()", () => {
  it("writes names as fstab(5) has them", () => {
    const bind = { source: "/a b\\c", target: "/#x\t", options: "rbind" };
    expect(mountTable([bind])).toBe("/a\\040b\\134c /\\043x\\011 none rbind 0 0\n");
  });
});
