import { describe, expect, it } from "vitest";
import {
  type Container,
  type ContainerConfig,
  type ContainerRuntime,
  type ExecSession,
  type LogLimits,
  type LogOptions,
  RuntimeFailure,
  type Sandbox,
  type SandboxConfig,
} from "../../node_daemon/runtime/runtime.ts";
import { patienceMs } from "../patience.ts";

/** A runtime under test, and how to end and open it again over what it left. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: ContainerRuntime;
  /** Ends the runtime, not its containers, and opens it anew. */
  reopen(): Promise<ContainerRuntime>;
}

/** Parts of the suite that an implementation may leave out, with a reason. */
export type RuntimeSuitePart =
  | "programs"
  | "adoption"
  | "exec"
  | "refusal"
  | "terminal"
  | "attach"
  | "rights"
  | "stats"
  | "mounts";

/** Options of {@linkcode runtimeSuite}. */
export interface RuntimeSuiteOptions {
  open(options?: { readonly logLimits?: LogLimits }): Promise<RuntimeUnderTest>;
  /** An image with `/bin/sh`. */
  readonly image: string;
  readonly podIP: string | undefined;
  /** What is left out, and why. */
  readonly skip?: Partial<Record<RuntimeSuitePart, string>>;
}

/** A signal that nobody aborts. */
export const never: AbortSignal = new AbortController().signal;
const signal = never;

let pods = 0;

/** A sandbox configuration of a pod that no other test uses. */
export function sandboxConfig(changes: Partial<SandboxConfig> = {}): SandboxConfig {
  const uid = `uid-${process.pid}-${++pods}`;
  return {
    namespace: "default",
    name: `pod-${pods}`,
    uid,
    attempt: 0,
    hostname: `pod-${pods}`,
    podIP: undefined,
    hostNetwork: false,
    hostPorts: [],
    labels: { app: "test" },
    ...changes,
  };
}

/** A container configuration that runs a shell script. */
export function containerConfig(script: string, changes: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    name: "main",
    attempt: 0,
    image: "wherry-test:1",
    command: ["/bin/sh", "-c", script],
    args: [],
    workingDir: undefined,
    env: [],
    mounts: [],
    limits: { milliCpuRequest: undefined, milliCpuLimit: undefined, memoryBytesLimit: undefined },
    tty: false,
    stdin: false,
    user: { uid: undefined, gid: undefined, supplementalGids: [] },
    privileged: false,
    readOnlyRootFilesystem: false,
    capabilities: { add: [], drop: [] },
    annotations: {},
    ...changes,
  };
}

/** Log options that ask for everything there is. */
export function logOptions(changes: Partial<LogOptions> = {}): LogOptions {
  return {
    follow: false,
    timestamps: false,
    tailLines: undefined,
    sinceMs: undefined,
    limitBytes: undefined,
    signal,
    ...changes,
  };
}

/** Everything of a log as text. */
export async function logText(
  runtime: ContainerRuntime,
  id: string,
  changes: Partial<LogOptions> = {},
): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of runtime.logs(id, logOptions(changes))) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Waits, by the runtime's events, until a container is as wanted. */
export async function waitForContainer(
  runtime: ContainerRuntime,
  podUid: string,
  id: string,
  wanted: (container: Container) => boolean,
): Promise<Container> {
  const done = new AbortController();
  const events = runtime.events({ signal: done.signal })[Symbol.asyncIterator]();
  try {
    for (let next = events.next(); ; next = events.next()) {
      const container = (await runtime.listContainers({ podUid, signal })).find((one) => one.id === id);
      if (container && wanted(container)) return container;
      for (let event = await next; event.value?.podUid !== podUid; event = await events.next()) {
        if (event.done) throw new Error("The events ended");
      }
    }
  } finally {
    done.abort();
  }
}

/** All output of a session by stream, with its exit code. */
export async function drain(session: ExecSession): Promise<{ stdout: string; stderr: string; code: number }> {
  const texts = { stdout: "", stderr: "" };
  for await (const { stream, data } of session.output) texts[stream] += Buffer.from(data).toString();
  return { ...texts, code: await session.exitCode };
}

/** One suite for every container runtime. */
export function runtimeSuite(name: string, options: RuntimeSuiteOptions): void {
  const { image, podIP, skip = {} } = options;
  const part = (wanted: RuntimeSuitePart) => {
    const reason = skip[wanted];
    return (title: string, body: () => Promise<void>) =>
      reason === undefined ? it(title, body) : it.skip(`${title} (${reason})`, () => {});
  };
  const config = (script: string, changes: Partial<ContainerConfig> = {}) =>
    containerConfig(script, { image, ...changes });
  const run = async (runtime: ContainerRuntime, script: string, changes: Partial<ContainerConfig> = {}) => {
    const sandbox = await runtime.runPodSandbox(sandboxConfig({ podIP }), { signal });
    const id = await runtime.createContainer(sandbox, config(script, changes), { signal });
    await runtime.startContainer(id, { signal });
    return { sandbox, id };
  };
  const find = async (runtime: ContainerRuntime, { uid }: Sandbox, id: string) =>
    (await runtime.listContainers({ podUid: uid, signal })).find((container) => container.id === id);
  const ended = (container: Container) => container.state === "exited";

  describe(name, () => {
    it("runPodSandbox() gives the same sandbox, when asked for the same pod and attempt again", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const wanted = sandboxConfig({ podIP });
      const first = await runtime.runPodSandbox(wanted, { signal });
      const second = await runtime.runPodSandbox(wanted, { signal });
      expect(second.id).toBe(first.id);
      expect(first).toMatchObject({
        namespace: "default",
        name: wanted.name,
        uid: wanted.uid,
        attempt: 0,
        ready: true,
      });
      expect(first.ip).toBeTruthy();
      expect((await runtime.listSandboxes({ signal })).map(({ id }) => id)).toContain(first.id);
      await runtime.removePodSandbox(first.id, { signal });
      await runtime.removePodSandbox(first.id, { signal });
      expect(await runtime.listSandboxes({ signal })).toEqual([]);
    });

    it("stopPodSandbox() ends the containers and the sandbox is not ready, when it is called twice", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "sleep 1000");
      await runtime.stopPodSandbox(sandbox.id, { signal });
      await runtime.stopPodSandbox(sandbox.id, { signal });
      expect(await find(runtime, sandbox, id)).toMatchObject({ state: "exited", exitCode: 137 });
      expect((await runtime.listSandboxes({ signal })).find((one) => one.id === sandbox.id)?.ready).toBe(false);
    });

    part("programs")("stopContainer() asks a container to end by the signal that it was given", async () => {
      await using under = await options.open();
      const script = "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done";
      const { sandbox, id } = await run(under.runtime, script, { stopSignal: "SIGUSR1" });
      await expect.poll(() => logText(under.runtime, id), { timeout: patienceMs }).toBe("ready\n");
      await under.runtime.stopContainer(id, { gracePeriodSeconds: 60, signal });
      expect(await find(under.runtime, sandbox, id)).toMatchObject({ state: "exited", exitCode: 7 });
    });

    it("updateResources() gives a running container other limits, and leaves those that are not given", async () => {
      await using under = await options.open();
      const memoryBytesLimit = 64 * 1024 ** 2;
      const limits = { milliCpuRequest: 100, milliCpuLimit: 200, memoryBytesLimit };
      const { sandbox, id } = await run(under.runtime, "sleep 1000", { limits });
      expect((await find(under.runtime, sandbox, id))?.limits).toEqual(limits);
      const more = { milliCpuRequest: 333, milliCpuLimit: 4000, memoryBytesLimit: undefined };
      await under.runtime.updateResources(id, more, { signal });
      const expected = { ...more, memoryBytesLimit };
      expect(await find(under.runtime, sandbox, id)).toMatchObject({ state: "running", limits: expected });
      await under.runtime.updateResources(id, { ...more, memoryBytesLimit: 2 * memoryBytesLimit }, { signal });
      expect((await find(under.runtime, sandbox, id))?.limits?.memoryBytesLimit).toBe(2 * memoryBytesLimit);
    });

    it("createContainer() keeps annotations and gives the same id, when called again", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const sandbox = await runtime.runPodSandbox(sandboxConfig({ podIP }), { signal });
      const wanted = config("exit 0", { annotations: { "a/b": '{"x":"ü"}', constructor: "yes" }, attempt: 3 });
      const id = await runtime.createContainer(sandbox, wanted, { signal });
      expect(await runtime.createContainer(sandbox, wanted, { signal })).toBe(id);
      const container = await find(runtime, sandbox, id);
      expect(container).toMatchObject({ state: "created", name: "main", attempt: 3, podUid: sandbox.uid });
      expect(container?.annotations).toEqual(wanted.annotations);
      expect(container?.exitCode).toBeUndefined();
    });

    it("startContainer() runs it to its exit code, when it ends by itself", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "exit 7");
      const container = await waitForContainer(runtime, sandbox.uid, id, ended);
      expect(container).toMatchObject({ exitCode: 7, image, oomKilled: false });
      expect(container.finishedAt).toBeGreaterThanOrEqual(container.startedAt ?? Number.NaN);
      await runtime.startContainer(id, { signal });
      expect(await find(runtime, sandbox, id)).toMatchObject({ state: "exited", exitCode: 7 });
    });

    part("programs")("startContainer() fails with RunContainerError, when there is no such program", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const sandbox = await runtime.runPodSandbox(sandboxConfig({ podIP }), { signal });
      const id = await runtime.createContainer(sandbox, config("", { command: ["nope-nope"] }), { signal });
      const failure = await runtime.startContainer(id, { signal }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(RuntimeFailure);
      expect(failure).toMatchObject({ reason: "RunContainerError" });
      expect(String(failure)).toContain('exec: "nope-nope": executable file not found in $PATH');
      expect(await find(runtime, sandbox, id)).toMatchObject({ state: "exited", exitCode: 128, reason: "StartError" });
    });

    part("programs")(
      "startContainer() passes arguments and odd variables unchanged, when they hold anything",
      async () => {
        await using under = await options.open();
        const { runtime } = under;
        const odd = `it's "$HOME" \`x\` \\ ü`;
        const words = await run(runtime, "", { command: ["printf", "%s|"], args: [odd, "", "* ?"] });
        expect(await logText(runtime, words.id, { follow: true })).toBe(`${odd}||* ?|`);
        const env = [
          { name: "odd.name-1", value: "kept" },
          { name: "TEXT", value: odd },
        ];
        const variables = await run(runtime, "", { command: ["env"], env });
        const lines = (await logText(runtime, variables.id, { follow: true })).split("\n");
        expect(lines).toEqual(expect.arrayContaining(env.map(({ name, value }) => `${name}=${value}`)));
      },
    );

    part("programs")("stopContainer() lets it end itself, when it heeds SIGTERM", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done");
      await until(runtime, id, "up\n");
      await runtime.stopContainer(id, { gracePeriodSeconds: 30, signal });
      expect(await find(runtime, sandbox, id)).toMatchObject({ state: "exited", exitCode: 5 });
      expect(await logText(runtime, id)).toMatch(/^up\n.*bye\n$/s);
      await runtime.stopContainer(id, { gracePeriodSeconds: 30, signal });
    });

    part("programs")("stopContainer() kills it after the grace period, when it ignores SIGTERM", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "trap '' TERM; echo up; while :; do sleep 0.05; done");
      await until(runtime, id, "up\n");
      const before = performance.now();
      await runtime.stopContainer(id, { gracePeriodSeconds: 1, signal });
      const tookMs = performance.now() - before;
      expect(tookMs).toBeGreaterThan(950);
      // It would run for ever.
      expect(tookMs).toBeLessThan(patienceMs);
      expect(await find(runtime, sandbox, id)).toMatchObject({ state: "exited", exitCode: 137 });
    });

    it("removeContainer() forgets it with its log, when it still runs", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "sleep 1000");
      await runtime.removeContainer(id, { signal });
      await runtime.removeContainer(id, { signal });
      expect(await runtime.listContainers({ podUid: sandbox.uid, signal })).toEqual([]);
    });

    part("programs")("logs() gives both streams, tails, dates and limits, when asked for", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const from = Date.now();
      const { sandbox, id } = await run(
        runtime,
        "for i in 1 2 3 4 5; do echo line $i; done; echo err >&2; printf last",
      );
      await waitForContainer(runtime, sandbox.uid, id, ended);
      const all = await logText(runtime, id);
      expect(all.split("\n").sort()).toEqual(["err", "last", "line 1", "line 2", "line 3", "line 4", "line 5"]);
      const lines = (await logText(runtime, id, { timestamps: true })).split("\n");
      expect(lines).toHaveLength(7);
      for (const line of lines) {
        const [, time = ""] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z) /.exec(line) ?? [];
        expect(Date.parse(time)).toBeGreaterThanOrEqual(from - 1000);
      }
      expect((await logText(runtime, id, { tailLines: 2 })).split("\n")).toHaveLength(2);
      expect(await logText(runtime, id, { tailLines: 0 })).toBe("");
      expect(await logText(runtime, id, { tailLines: 100 })).toBe(all);
      expect(await logText(runtime, id, { limitBytes: 9 })).toBe(all.slice(0, 9));
      expect(await logText(runtime, id, { sinceMs: Date.now() + 60_000 })).toBe("");
      expect(await logText(runtime, id, { sinceMs: from - 60_000 })).toBe(all);
    });

    part("programs")("logs() follows until the container has ended, when it writes on", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "for i in 1 2 3 4; do echo $i; sleep 0.1; done; echo end");
      expect(await logText(runtime, id, { follow: true })).toBe("1\n2\n3\n4\nend\n");
      expect(await logText(runtime, id, { follow: true, tailLines: 1 })).toBe("end\n");
    });

    part("programs")("logs() dates a line once, however long it is", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const script = "head -c 100000 /dev/zero | tr '\\0' a; echo end; echo short";
      const { sandbox, id } = await run(runtime, script);
      await waitForContainer(runtime, sandbox.uid, id, ended);
      expect(await logText(runtime, id, { timestamps: true })).toMatch(/^\S+Z a{100000}end\n\S+Z short\n$/);
      expect(await logText(runtime, id)).toBe(`${"a".repeat(100_000)}end\nshort\n`);
    });

    part("programs")("logs() dates a line once that comes in pieces, and one without an end", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "printf one; sleep 0.2; echo ' and two'; printf rest");
      const dated = /^\S+Z one and two\n\S+Z rest\n?$/;
      expect(await logText(runtime, id, { timestamps: true, follow: true })).toMatch(dated);
      expect(await logText(runtime, id, { timestamps: true })).toMatch(dated);
      expect(await logText(runtime, id, { timestamps: true, tailLines: 1 })).toMatch(/^\S+Z rest\n?$/);
    });

    part("programs")("logs() keeps the end of a long log, in lines, and a follower sees every line once", async () => {
      const logLimits = { fileBytes: 60_000, files: 3 };
      await using under = await options.open({ logLimits });
      const { runtime } = under;
      // Each burst is less than a file, and comes when the one before was read.
      const script =
        "n=0; while read go; do end=$((n+600)); while [ $n -lt $end ]; do n=$((n+1)); echo line $n; done; done";
      const { sandbox, id } = await run(runtime, script, { stdin: true, stdinOnce: true });
      const session = await runtime.attach(id, { stdin: true, tty: false, signal });
      let whole = "";
      let seen = "";
      const next = async () => {
        const first = whole.split("\n").length;
        whole += Array.from({ length: 600 }, (_, n) => `line ${first + n}\n`).join("");
        await session.write(Buffer.from("go\n"));
      };
      const follow = async () => {
        for await (const part of runtime.logs(id, logOptions({ follow: true }))) {
          seen += Buffer.from(part).toString();
          if (seen.length < whole.length) continue;
          if (whole.length < 200_000) await next();
          else session.closeInput();
        }
      };
      const ignored = drain(session);
      await next();
      await follow();
      await ignored;
      await waitForContainer(runtime, sandbox.uid, id, ended);
      expect(seen === whole).toBe(true);
      const kept = await logText(runtime, id);
      expect(whole.endsWith(`\n${kept}`)).toBe(true);
      // The engine counts its own wrapping of the lines as well.
      expect(kept.length).toBeGreaterThan(10_000);
      expect(kept.length).toBeLessThan(whole.length);
      const lines = kept.trimEnd().split("\n");
      const text = (some: readonly string[]) => some.map((line) => `${line}\n`).join("");
      // Wherever the files end.
      for (const tailLines of [1, lines.length >> 1, lines.length - 1, lines.length + 5])
        expect((await logText(runtime, id, { tailLines })) === text(lines.slice(-tailLines))).toBe(true);
      for (const limitBytes of [7, Math.floor(kept.length * 0.9)])
        expect((await logText(runtime, id, { limitBytes })) === kept.slice(0, limitBytes)).toBe(true);
      const dated = (await logText(runtime, id, { timestamps: true })).trimEnd().split("\n");
      expect(text(dated.map((line) => line.slice(line.indexOf(" ") + 1))) === kept).toBe(true);
      const times = dated.map((line) => Date.parse(line.slice(0, line.indexOf(" "))));
      for (const sinceMs of [times[0], times[lines.length >> 1], times[lines.length - 1]]) {
        const late = lines.filter((_, index) => (times[index] ?? 0) >= (sinceMs ?? 0));
        expect((await logText(runtime, id, { sinceMs })) === text(late)).toBe(true);
      }
    });

    it("logs() ends, when a follower is aborted", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "sleep 1000");
      const stop = new AbortController();
      const text = logText(runtime, id, { follow: true, signal: stop.signal });
      stop.abort();
      await text;
    });

    part("exec")("exec() gives output by stream and the exit code, when the command fails", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "sleep 1000", { env: [{ name: "COLOR", value: "blue" }] });
      const command = ["/bin/sh", "-c", "echo $COLOR; echo err >&2; exit 42"];
      const session = await runtime.exec(id, { command, stdin: false, tty: false, signal });
      expect(await drain(session)).toEqual({ stdout: "blue\n", stderr: "err\n", code: 42 });
    });

    part("exec")("exec() passes megabytes both ways and half-closes, when stdin ends", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "sleep 1000");
      const session = await runtime.exec(id, { command: ["cat"], stdin: true, tty: false, signal });
      const data = Buffer.alloc(3_000_000, "0123456789abcdef\n");
      const written = (async () => {
        for (let at = 0; at < data.length; at += 50_000) await session.write(data.subarray(at, at + 50_000));
        session.closeInput();
      })();
      const { stdout, code } = await drain(session);
      await written;
      expect(code).toBe(0);
      expect(stdout === data.toString()).toBe(true);
    });

    part("refusal")("exec() refuses in the words of container runtimes, when there is no such program", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "sleep 1000");
      const started = runtime.exec(id, { command: ["nope-nope"], stdin: false, tty: false, signal });
      await expect(started).rejects.toThrow(/exec: "nope-nope": executable file not found in \$PATH/);
    });

    part("exec")("exec() ends the process, when the session is killed", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "sleep 1000");
      const command = ["/bin/sh", "-c", "echo here; exec sleep 987"];
      const session = await runtime.exec(id, { command, stdin: false, tty: false, signal });
      for await (const _ of session.output) break;
      session.kill();
      session.kill();
      expect(await session.exitCode).toBe(137);
    });

    part("terminal")("exec() gives a terminal with a size, when asked for one", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "sleep 1000");
      const command = ["/bin/sh", "-c", "test -t 0 && test -t 1 && echo tty; read go; stty size; exit 3"];
      const session = await runtime.exec(id, { command, stdin: true, tty: true, signal });
      let text = "";
      for await (const { stream, data } of session.output) {
        expect(stream).toBe("stdout");
        const before = text;
        text += Buffer.from(data).toString();
        if (text.includes("tty") && !before.includes("tty")) {
          await session.resize({ width: 101, height: 37 });
          await session.write(Buffer.from("go\n"));
        }
      }
      expect(text).toContain("37 101");
      expect(await session.exitCode).toBe(3);
    });

    part("attach")("attach() gives output from now on and passes stdin, when the container reads it", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "echo early; while read line; do echo got $line; done; echo end", {
        stdin: true,
        stdinOnce: true,
      });
      await until(runtime, id, "early\n");
      const session = await runtime.attach(id, { stdin: true, tty: false, signal });
      await session.write(Buffer.from("one\ntwo\n"));
      session.closeInput();
      const { stdout, code } = await drain(session);
      expect(stdout).toBe("got one\ngot two\nend\n");
      expect(code).toBe(0);
      await waitForContainer(runtime, sandbox.uid, id, ended);
    });

    part("mounts")("createContainer() shows files of the host at their paths, when they are mounted", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { mkdtemp, rm, writeFile } = await import("node:fs/promises");
      const host = await mkdtemp("/tmp/wherry-mount-");
      await writeFile(`${host}/key`, "value\n");
      const mounts = [{ hostPath: host, containerPath: "/data/a:b/config", readOnly: true }];
      const { sandbox, id } = await run(runtime, 'cat "$WHERRY_ROOT/data/a:b/config/key"', { mounts });
      await waitForContainer(runtime, sandbox.uid, id, ended);
      expect(await logText(runtime, id)).toBe("value\n");
      await runtime.removePodSandbox(sandbox.id, { signal });
      const { readFile } = await import("node:fs/promises");
      expect(await readFile(`${host}/key`, "utf8")).toBe("value\n");
      await rm(host, { recursive: true });
    });

    part("rights")("a program gains no rights, when its container forbids it", async () => {
      await using under = await options.open();
      const { runtime } = under;
      for (const allowPrivilegeEscalation of [true, false]) {
        const { sandbox, id } = await run(runtime, "grep NoNewPrivs /proc/self/status", { allowPrivilegeEscalation });
        await waitForContainer(runtime, sandbox.uid, id, ended);
        expect(await logText(runtime, id)).toBe(`NoNewPrivs:\t${allowPrivilegeEscalation ? 0 : 1}\n`);
      }
    });

    part("stats")("stats() tells CPU and memory, when a container works", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo up; sleep 1000");
      await until(runtime, id, "up\n");
      const stats = (await runtime.stats({ signal })).find((entry) => entry.id === id);
      expect(stats?.name).toBe("main");
      expect(stats?.cpuNanoseconds).toBeGreaterThan(10_000_000);
      expect(stats?.memoryBytes).toBeGreaterThan(50_000);
      expect(stats?.memoryBytes).toBeLessThan(100_000_000);
      expect(Math.abs((stats?.at ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(stats?.threads).toBeGreaterThanOrEqual(1);
      expect(stats?.memory?.usageBytes).toBeGreaterThanOrEqual(stats?.memoryBytes ?? Number.NaN);
      expect(Math.abs((stats?.createdAt ?? 0) - Date.now())).toBeLessThan(60_000);
      // An engine elsewhere cannot tell of processes.
      if (stats?.pids) expect(stats.pids.length).toBe(stats.processes);
    });

    part("stats")("diskStats() tells what a container wrote and logged", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { id } = await run(runtime, `head -c 300000 /dev/urandom > \${WHERRY_ROOT:-/tmp}/big; echo up; sleep 1000`);
      await until(runtime, id, "up\n");
      const { containers } = await runtime.diskStats({ signal });
      const disk = containers.find((entry) => entry.id === id);
      expect(disk?.name).toBe("main");
      expect(disk?.rootBytes).toBeGreaterThanOrEqual(300_000);
      expect(disk?.rootBytes).toBeLessThan(3_000_000);
      if (disk?.logBytes !== undefined) expect(disk.logBytes).toBeGreaterThanOrEqual("up\n".length);
    });

    part("stats")("networkStats() tells what went through a pod's own network", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "echo up; sleep 1000");
      await until(runtime, id, "up\n");
      const found = (await runtime.networkStats({ signal })).find(({ podUid }) => podUid === sandbox.uid);
      // Where the kubelet chooses addresses they are the host's own, and so is the network.
      if (runtime.assignsPodIP) expect(found).toBeUndefined();
      else expect(found?.interfaces[0]).toMatchObject({ name: "eth0", rxErrors: 0 });
    });

    part("adoption")("a new runtime finds what runs and what ended, when the one before was closed", async () => {
      await using under = await options.open();
      const { runtime } = under;
      const { sandbox, id } = await run(runtime, "echo up; sleep 1000");
      await until(runtime, id, "up\n");
      const short = await runtime.createContainer(sandbox, config("sleep 0.4; exit 9", { name: "short" }), { signal });
      await runtime.startContainer(short, { signal });
      const before = await find(runtime, sandbox, id);
      const next = await under.reopen();
      expect(await find(next, sandbox, id)).toEqual(before);
      expect((await next.listSandboxes({ signal })).map((one) => one.id)).toEqual([sandbox.id]);
      const container = await waitForContainer(next, sandbox.uid, short, ended);
      expect(container.exitCode).toBe(9);
      expect(await logText(next, id)).toBe("up\n");
      await next.stopContainer(id, { gracePeriodSeconds: 0, signal });
      expect(await find(next, sandbox, id)).toMatchObject({ state: "exited", exitCode: 137 });
    });
  });
}

async function until(runtime: ContainerRuntime, id: string, text: string): Promise<void> {
  const stop = new AbortController();
  let seen = "";
  for await (const part of runtime.logs(id, logOptions({ follow: true, signal: stop.signal }))) {
    seen += Buffer.from(part).toString();
    if (seen.includes(text)) break;
  }
  stop.abort();
}
