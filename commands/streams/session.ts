import type { AttachOptions, TerminalSize } from "../../core/client/exec.ts";
import type { Terminal } from "../../core/platform/terminal.ts";
import { AsyncQueue } from "../../core/util/async_queue.ts";
import type { CommandEnv } from "../env.ts";
import { untilDetached } from "./detach_keys.ts";

/** What of the user's terminal a remote command gets. */
export interface SessionOptions {
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Of an attach: the size changes once at the beginning, so that what is on the screen is drawn again. */
  readonly redraw?: boolean;
  /** Keys that end a session with a terminal. Default: none. */
  readonly detachKeys?: Uint8Array;
}

/** The streams of a session, for `exec()` and `attach()`. */
export type SessionStreams = Pick<AttachOptions, "stdin" | "stdout" | "stderr" | "tty" | "resize" | "signal">;

/**
 * Joins the user's terminal with a remote command while `session` runs. With a terminal of its own the command gets each
 * key as it is typed, Ctrl-C too; whatever happens, the user's terminal is then as it was.
 *
 * @throws DetachedError when the user typed the keys that end the session
 */
export async function withTerminal<R>(
  env: CommandEnv,
  { stdin, tty, redraw = false, detachKeys = new Uint8Array() }: SessionOptions,
  session: (streams: SessionStreams) => Promise<R>,
): Promise<R> {
  const { terminal, signal } = env;
  const streams: SessionStreams = {
    stdin: stdin ? terminal.input : undefined,
    stdout: (bytes) => terminal.write(bytes),
    stderr: (bytes) => terminal.writeError(bytes),
    signal,
  };
  if (!tty) return await session(streams);
  const sizes = terminalSizes(terminal, redraw);
  const cooked = terminal.raw();
  const typed = stdin ? untilDetached(terminal.input, detachKeys) : undefined;
  try {
    return await session({ ...streams, stdin: typed, tty, resize: sizes.queue });
  } finally {
    cooked();
    sizes.end();
  }
}

/** Whether the command can have a terminal: the user's input must be one. Says so when not. */
export function canUseTty(env: CommandEnv, wanted: { readonly stdin: boolean; readonly tty: boolean }): boolean {
  if (!wanted.tty || !wanted.stdin) return false;
  if (env.terminal.inputIsTerminal) return true;
  env.terminal.warn("Unable to use a TTY - input is not a terminal or the right kind of file");
  return false;
}

function terminalSizes(terminal: Terminal, redraw: boolean): { readonly queue: AsyncQueue<TerminalSize>; end(): void } {
  const queue = new AsyncQueue<TerminalSize>();
  const push = () => {
    const size = terminal.size();
    if (size) queue.push(size);
  };
  const size = terminal.size();
  if (redraw && size) queue.push({ width: size.width + 1, height: size.height + 1 });
  push();
  const stop = terminal.onResize(push);
  return {
    queue,
    end() {
      stop();
      queue.end();
    },
  };
}
