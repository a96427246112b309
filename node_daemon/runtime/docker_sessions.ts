import { readFile } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { signalProcess } from "../../core/platform/processes.ts";
import { errorMessage } from "../../core/util/log.ts";
import { ignoreStatus } from "./docker_calls.ts";
import type { DockerEngine } from "./docker_engine.ts";
import { demux, untilCut } from "./docker_streams.ts";
import type { ExecOptions, ExecSession } from "./runtime.ts";
import { writeTo } from "./session_output.ts";

/**
 * Runs a program beside a container's own.
 *
 * @param options.closing aborted when the runtime is closed: how a session ended is asked for after its own signal
 */
export async function engineExec(
  engine: DockerEngine,
  id: string,
  { command, stdin, tty, signal, closing }: ExecOptions & { readonly closing: AbortSignal },
): Promise<ExecSession> {
  const exec = await engine.call(signal, (abortSignal) =>
    engine.docker.getContainer(id).exec({
      Cmd: [...command],
      AttachStdin: stdin,
      AttachStdout: true,
      AttachStderr: !tty,
      Tty: tty,
      abortSignal,
    }),
  );
  const stream = await exec.start({ hijack: true, stdin, Tty: tty });
  const inspect = () => engine.call(closing, (abortSignal) => exec.inspect({ abortSignal }));
  return session({
    engine,
    stream,
    tty,
    signal,
    exitCode: async () => (await inspect()).ExitCode ?? 137,
    // Closing the stream does not end what runs behind it.
    end: async () => {
      const { Running, Pid } = await inspect();
      if (Running && Pid > 0) await killExec(engine, id, Pid);
    },
    resize: async ({ width, height }) => {
      await engine
        .call(signal, (abortSignal) => exec.resize({ w: width, h: height, abortSignal }))
        .catch(ignoreStatus(404, 409, 500));
    },
  });
}

/** Reads and writes what a container's own program does. */
export async function engineAttach(
  engine: DockerEngine,
  id: string,
  { stdin, signal, closing }: Omit<ExecOptions, "command"> & { readonly closing: AbortSignal },
): Promise<ExecSession> {
  const container = engine.docker.getContainer(id);
  const inspect = (asking: AbortSignal) => engine.call(asking, (abortSignal) => container.inspect({ abortSignal }));
  const { Config } = await inspect(signal);
  const options = { stream: true, stdin, stdout: true, stderr: true, hijack: true };
  const stream = (await container.attach(options)) as unknown as Duplex;
  return session({
    engine,
    stream,
    tty: Config.Tty,
    signal,
    exitCode: async () => (await inspect(closing).catch(ignoreStatus(404)))?.State.ExitCode ?? 0,
    end: async () => {},
    resize: async ({ width, height }) => {
      await engine
        .call(signal, (abortSignal) => container.resize({ w: width, h: height, abortSignal }))
        .catch(ignoreStatus(404, 409, 500));
    },
  });
}

function session(options: {
  readonly engine: DockerEngine;
  readonly stream: Duplex;
  readonly tty: boolean;
  readonly signal: AbortSignal;
  exitCode(): Promise<number>;
  end(): Promise<void>;
  resize(size: { readonly width: number; readonly height: number }): Promise<void>;
}): ExecSession {
  const { engine, stream, tty, signal, exitCode, end, resize } = options;
  stream.on("error", () => stream.destroy());
  let killed = false;
  const ended = new Promise<void>((resolve) => stream.once("end", resolve).once("close", resolve));
  const kill = () => {
    if (killed) return;
    killed = true;
    killing = end().catch((error) => engine.log.debug("cannot end an exec", { error: errorMessage(error) }));
    stream.destroy();
  };
  let killing: Promise<void> = Promise.resolve();
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill, { once: true });
  const code = ended.then(async () => {
    signal.removeEventListener("abort", kill);
    await killing;
    return exitCode();
  });
  // Whoever does not ask how it ended need not handle that nobody knows.
  code.catch(() => {});
  return {
    output: untilCut(demux(stream, { tty }), stream),
    write: (data) => writeTo(stream, data),
    closeInput: () => void stream.end(),
    resize,
    exitCode: code,
    kill,
  };
}

/** Kills an exec'd process by its number on this machine, or by that inside the container where we may not. */
async function killExec(engine: DockerEngine, container: string, pid: number): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const inside = /^NSpid:.*\t(\d+)$/m.exec(status)?.[1];
  const cgroup = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
  // The engine may be on another machine, where the number means nothing here.
  if (!cgroup.includes(container)) return;
  try {
    signalProcess(pid, "SIGKILL");
  } catch {
    if (inside === undefined) return;
    const exec = await engine.docker.getContainer(container).exec({ Cmd: ["kill", "-KILL", inside] });
    await exec.start({ Detach: true });
  }
}
