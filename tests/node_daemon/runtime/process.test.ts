import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { signalProcess } from "../../../core/platform/processes.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openProcessRuntime } from "../../../node_daemon/runtime/process.ts";
import { findContainerProcesses } from "../../../node_daemon/runtime/process_table.ts";
import type { ContainerConfig, ContainerRuntime, LogLimits } from "../../../node_daemon/runtime/runtime.ts";
import {
  containerConfig,
  drain,
  logText,
  never,
  type RuntimeUnderTest,
  runtimeSuite,
  sandboxConfig,
  waitForContainer,
} from "../../suites/runtime_suite.ts";

async function open(more: { readonly logLimits?: LogLimits } = {}): Promise<RuntimeUnderTest & { rootDir: string }> {
  const rootDir = await mkdtemp(join(tmpdir(), "wherry-process-"));
  const start = () =>
    openProcessRuntime({ rootDir, clock: systemClock, random: systemRandom, log: silentLogger, ...more });
  let current: ContainerRuntime = await start();
  return {
    rootDir,
    runtime: current,
    async reopen() {
      await current[Symbol.asyncDispose]();
      current = await start();
      return current;
    },
    async [Symbol.asyncDispose]() {
      for (const { id } of await current.listSandboxes({ signal: never })) {
        await current.removePodSandbox(id, { signal: never });
      }
      await current[Symbol.asyncDispose]();
      await rm(rootDir, { recursive: true });
    },
  };
}

runtimeSuite("process runtime", { open, image: "wherry-test:1", podIP: "127.0.0.1" });

describe("process runtime", () => {
  const run = async (runtime: ContainerRuntime, script: string, changes: Partial<ContainerConfig> = {}) => {
    const sandbox = await runtime.runPodSandbox(sandboxConfig({ podIP: "127.1.2.3" }), { signal: never });
    const id = await runtime.createContainer(sandbox, containerConfig(script, changes), { signal: never });
    await runtime.startContainer(id, { signal: never });
    return { sandbox, id };
  };

  it("createContainer() refuses with a reason, when there is no command", async () => {
    await using under = await open();
    const sandbox = await under.runtime.runPodSandbox(sandboxConfig(), { signal: never });
    const made = under.runtime.createContainer(sandbox, containerConfig("", { command: [] }), { signal: never });
    await expect(made).rejects.toMatchObject({
      reason: "CreateContainerError",
      message: expect.stringContaining("runs no images"),
    });
  });

  it("refuses what it cannot keep its pods to", async () => {
    await using under = await open();
    const sysctls = { "net.ipv4.tcp_syncookies": "1" };
    const made = under.runtime.runPodSandbox(sandboxConfig({ sysctls }), { signal: never });
    await expect(made).rejects.toThrow("cannot set sysctls");
    const guarded = under.runtime.runPodSandbox(sandboxConfig({ runtimeHandler: "runsc" }), { signal: never });
    await expect(guarded).rejects.toThrow('no runtime for "runsc" is configured');
    const sandbox = await under.runtime.runPodSandbox(sandboxConfig(), { signal: never });
    const seccomp = { type: "Localhost", profile: "{}" } as const;
    const container = under.runtime.createContainer(sandbox, containerConfig("", { seccomp }), { signal: never });
    await expect(container).rejects.toMatchObject({ reason: "CreateContainerError" });
  });

  it("createContainer() refuses mounts inside mounts and over the root", async () => {
    await using under = await open();
    const sandbox = await under.runtime.runPodSandbox(sandboxConfig(), { signal: never });
    for (const paths of [["/a", "/a/b"], ["/"], ["/x/../.."]]) {
      const mounts = paths.map((containerPath) => ({ hostPath: under.rootDir, containerPath, readOnly: false }));
      const made = under.runtime.createContainer(sandbox, containerConfig("", { mounts }), { signal: never });
      await expect(made).rejects.toMatchObject({ reason: "CreateContainerError" });
    }
  });

  it("exec() has the size that was said before its terminal was there", async () => {
    await using under = await open();
    const { id } = await run(under.runtime, "sleep 1000");
    const command = ["/bin/sh", "-c", "read go; stty size"];
    const session = await under.runtime.exec(id, { command, stdin: true, tty: true, signal: never });
    await session.resize({ width: 111, height: 33 });
    await session.write(Buffer.from("go\n"));
    let text = "";
    for await (const { data } of session.output) text += Buffer.from(data).toString();
    expect(text).toContain("33 111");
  });

  it("startContainer() gives its own folder, addresses and no variables of the daemon", async () => {
    await using under = await open();
    const { id } = await run(under.runtime, 'pwd; echo "$WHERRY_ROOT $POD_IP"; env');
    const text = await logText(under.runtime, id, { follow: true });
    const [cwd, line, ...rest] = text.trim().split("\n");
    expect(line).toBe(`${cwd} 127.1.2.3`);
    const names = rest.map((variable) => variable.split("=")[0]).sort();
    expect(names).toEqual([
      "HOME",
      "HOSTNAME",
      "PATH",
      "POD_IP",
      "PWD",
      "TMPDIR",
      "WHERRY_CONTAINER_ID",
      "WHERRY_ROOT",
      "WHERRY_VOLUMES",
    ]);
  });

  it("startContainer() does not start a second program, when called at the same time or by a new daemon", async () => {
    await using under = await open();
    const sandbox = await under.runtime.runPodSandbox(sandboxConfig(), { signal: never });
    const id = await under.runtime.createContainer(sandbox, containerConfig("echo $$; sleep 1000"), { signal: never });
    const start = (runtime: ContainerRuntime) => runtime.startContainer(id, { signal: never });
    await Promise.all([start(under.runtime), start(under.runtime)]);
    await start(await under.reopen());
    await expect.poll(() => sleepsOf(id)).toHaveLength(1);
    const lines = (await logText(under.runtime, id)).trim().split("\n");
    expect(lines).toHaveLength(1);
  });

  it("a new runtime keeps pids, and reports what ended while there was none", async () => {
    await using under = await open();
    const { sandbox, id } = await run(under.runtime, "sleep 1000");
    await expect.poll(() => sleepsOf(id)).toHaveLength(1);
    const before = (await processesOf(id)).map(({ pid }) => pid);
    const short = await under.runtime.createContainer(
      sandbox,
      containerConfig("sleep 0.3; exit 4", { name: "short" }),
      { signal: never },
    );
    await under.runtime.startContainer(short, { signal: never });
    await under.runtime[Symbol.asyncDispose]();
    await expect.poll(() => processesOf(short)).toEqual([]);
    const next = await under.reopen();
    expect((await processesOf(id)).map(({ pid }) => pid)).toEqual(before);
    const ended = (await next.listContainers({ signal: never })).find((one) => one.id === short);
    expect(ended).toMatchObject({ state: "exited", exitCode: 4 });
    expect((ended?.finishedAt ?? 0) - (ended?.startedAt ?? 0)).toBeGreaterThan(250);
  });

  it("listContainers() reports 137, when program and supervisor were both killed", async () => {
    await using under = await open();
    const { sandbox, id } = await run(under.runtime, "sleep 1000");
    await expect.poll(() => sleepsOf(id)).toHaveLength(1);
    for (const { pid } of await processesOf(id)) signalProcess(pid, "SIGKILL");
    const container = await waitForContainer(under.runtime, sandbox.uid, id, ({ state }) => state === "exited");
    expect(container.exitCode).toBe(137);
  });

  it("a program killed by a signal is reported with it", async () => {
    await using under = await open();
    const { sandbox, id } = await run(under.runtime, "kill -ABRT $$");
    const container = await waitForContainer(under.runtime, sandbox.uid, id, ({ state }) => state === "exited");
    expect(container).toMatchObject({ exitCode: 134, signal: 6 });
  });

  it("nothing survives a removed pod, when processes leave their session", async () => {
    await using under = await open();
    const script =
      "trap '' TERM; setsid sh -c 'trap \"\" TERM HUP; setsid sleep 1001 & sleep 1002' & echo up; sleep 1003";
    const { sandbox, id } = await run(under.runtime, script);
    await expect.poll(() => sleepsOf(id)).toHaveLength(3);
    await under.runtime.removePodSandbox(sandbox.id, { signal: never });
    expect(await processesOf(id)).toEqual([]);
  });

  it("what leaves the group is killed, when the program ends by itself", async () => {
    await using under = await open();
    const { sandbox, id } = await run(under.runtime, "sleep 1004 & sleep 1005 & exit 0");
    await waitForContainer(under.runtime, sandbox.uid, id, ({ state }) => state === "exited");
    await expect.poll(() => processesOf(id)).toEqual([]);
  });

  it("logs() gives nothing of another file, when the container puts a link in place of its log", async () => {
    await using under = await open();
    const { id } = await run(under.runtime, "echo secret >other; ln -sf $PWD/other ../log; echo done");
    expect(await logText(under.runtime, id, { follow: true })).not.toContain("secret");
  });

  it.skipIf(process.getuid?.() !== 0)("startContainer() changes the user, when the daemon is root", async () => {
    await using under = await open();
    const user = { uid: 65534, gid: 65533, supplementalGids: [1234] };
    const { id } = await run(under.runtime, "id -u; id -g; id -G; echo mine >file && cat file", { user });
    expect(await logText(under.runtime, id, { follow: true })).toBe("65534\n65533\n65533 1234\nmine\n");
  });

  it.skipIf(process.getuid?.() !== 0)(
    "a container has only the capabilities that it keeps, when the daemon is root",
    async () => {
      await using under = await open();
      const bounds = async (capabilities: ContainerConfig["capabilities"], changes: Partial<ContainerConfig> = {}) => {
        const { id } = await run(under.runtime, "grep CapBnd /proc/self/status", { capabilities, ...changes });
        const text = await logText(under.runtime, id, { follow: true });
        return BigInt(`0x${/CapBnd:\s+(\w+)/.exec(text)?.[1]}`);
      };
      const [chown, netBind] = [1n << 0n, 1n << 10n];
      expect(await bounds({ add: ["NET_BIND_SERVICE"], drop: ["ALL"] })).toBe(netBind);
      const user = { uid: 65534, gid: undefined, supplementalGids: [] };
      expect(await bounds({ add: [], drop: ["ALL"] }, { user })).toBe(0n);
      const left = await bounds({ add: [], drop: ["CAP_CHOWN"] });
      expect(left & chown).toBe(0n);
      expect(left & netBind).toBe(netBind);
    },
  );

  it("a program that takes more memory than its limit is told as such, where limits hold", async () => {
    await using under = await open();
    const limits = { milliCpuRequest: undefined, milliCpuLimit: undefined, memoryBytesLimit: 16 * 1024 * 1024 };
    const hasLimits = under.runtime.shortcomings?.(containerConfig("", { limits })).length === 0;
    // Elsewhere it would take the machine's.
    if (!hasLimits) return;
    // A line that does not end is kept whole.
    const { sandbox, id } = await run(under.runtime, "exec tail /dev/zero", { limits });
    const container = await waitForContainer(under.runtime, sandbox.uid, id, ({ state }) => state === "exited");
    expect(container).toMatchObject({ oomKilled: true, reason: "OOMKilled", exitCode: 137 });
  });

  it("a container has its pod's host name, where the runtime may make namespaces", async () => {
    await using under = await open();
    const { id, sandbox } = await run(under.runtime, "cat /proc/sys/kernel/hostname; sleep 1000");
    const own = under.runtime.hasOwnFiles ? sandbox.name : hostname();
    await expect.poll(() => logText(under.runtime, id)).toBe(`${own}\n`);
    const command = ["cat", "/proc/sys/kernel/hostname"];
    const session = await under.runtime.exec(id, { command, stdin: false, tty: false, signal: never });
    expect(await drain(session)).toMatchObject({ stdout: `${own}\n`, code: 0 });
  });

  it("files with a container's environment are readable by their owner only", async () => {
    await using under = await open();
    const { sandbox } = await run(under.runtime, "true", { env: [{ name: "TOKEN", value: "s3cret" }] });
    const dir = join(under.rootDir, "sandboxes", sandbox.id, "containers", "main_0");
    for (const name of ["config.json", "log"]) expect((await stat(join(dir, name))).mode & 0o077).toBe(0);
  });
});

async function processesOf(id: string): Promise<readonly { pid: number; command: string }[]> {
  const entries = await findContainerProcesses({ containerId: id, supervisor: undefined });
  const commands = entries.map(async ({ pid }) => {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return { pid, command: command.replaceAll("\0", " ") };
  });
  return (await Promise.all(commands)).sort((first, second) => first.pid - second.pid);
}

/** Processes of a container that are programs of its script: until they are there, others may be still to come. */
async function sleepsOf(id: string): Promise<readonly { pid: number; command: string }[]> {
  return (await processesOf(id)).filter(({ command }) => command.startsWith("sleep"));
}
