import { spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { deferred } from "../../core/util/deferred.ts";
import type { ProcessContainer } from "./process_container.ts";
import { quote } from "./process_shim.ts";
import { resizeTerminal } from "./process_terminal.ts";
import type { ExecOptions, ExecSession } from "./runtime.ts";
import { writeTo } from "./session_output.ts";

/** Shows what a running container writes from now on, and passes on to it what is written. Its program goes on when the session ends. */
export async function startAttach(
  container: ProcessContainer,
  { stdin, signal }: Pick<ExecOptions, "stdin" | "signal">,
): Promise<ExecSession> {
  await container.output.refresh();
  const closed = new AbortController();
  const stop = () => closed.abort();
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true, signal: closed.signal });
  const writer = stdin && container.fifo ? openFifoWriter(container.fifo) : undefined;
  closed.signal.addEventListener("abort", () => writer?.close());
  return {
    output: container.output.follow(container.output.end, closed.signal),
    write: (data) => (writer ? writeTo(writer.stream, data) : Promise.resolve()),
    closeInput: () => {
      // What was written first reaches the program before its input ends.
      writer?.stream.end();
      if (writer && container.stored.config.stdinOnce) void writer.ended.then(() => container.closeInput());
    },
    resize: async (size) => (container.stored.config.tty ? resizeTerminal(container.ttyFile, size) : undefined),
    exitCode: container.ended.then(() => container.exitCode ?? 0),
    kill: stop,
  };
}

/** Starts what writes to a FIFO: a helper process, since opening or filling one may block for as long as it likes. */
function openFifoWriter(fifo: string): {
  readonly stream: Writable;
  /** Resolves when everything was passed on after the stream's end, or the helper was closed. */
  readonly ended: Promise<void>;
  close(): void;
} {
  const child = spawn("/bin/sh", ["-c", `exec cat >${quote(fifo)}`], { stdio: ["pipe", "ignore", "ignore"] });
  const ended = deferred();
  child.once("exit", () => ended.resolve());
  child.once("error", () => ended.resolve());
  child.stdin.on("error", () => {});
  return { stream: child.stdin, ended: ended.promise, close: () => void child.kill("SIGKILL") };
}
