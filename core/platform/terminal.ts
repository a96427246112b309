import process from "node:process";
import { printableLines } from "../util/printable.ts";
import { StatusLine } from "./status_line.ts";

/** Bytes in, text out, and whether a person looks at it. */
export interface Terminal {
  /** Bytes as they are typed or piped. Nothing is read before the first iteration. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly inputIsTerminal: boolean;
  readonly outputIsTerminal: boolean;
  /** Whether a person sees what is said on standard error. Default: not. */
  readonly errorIsTerminal?: boolean;
  /** Whether the user wants no colours anywhere: NO_COLOR is set, CLICOLOR is 0, or TERM is dumb. Default: not. */
  readonly noColour?: boolean;
  /** Writes to standard output; resolves when more may follow. A reader that went away ends the process quietly, as it does for other tools. */
  write(data: string | Uint8Array): Promise<void>;
  /** Writes a line to standard error; what could move the cursor is written out. */
  warn(line: string): void;
  /** Writes bytes to standard error; resolves when more may follow. */
  writeError(data: string | Uint8Array): Promise<void>;
  /** Columns and rows of the terminal, or undefined when there is none. */
  size(): { readonly width: number; readonly height: number } | undefined;
  /** Calls `listener` when the size changes; returns its removal. */
  onResize(listener: () => void): () => void;
  /** Gives keys to the program one by one, unechoed; returns the way back. */
  raw(): () => void;
  /** The line that tells how far something is; undefined where none can be drawn over: no terminal, a dumb one, CI. Default: none. */
  readonly status?: TerminalStatus | undefined;
}

/** A line on standard error below everything that is printed. */
export interface TerminalStatus {
  /** Columns that it may have. */
  readonly width: number;
  /** Shows `text` in place of what it showed; undefined removes the line. */
  set(text: string | undefined): void;
}

/** This process's own terminal. */
export const systemTerminal: Terminal = {
  // Most verbs read nothing: the stream is made when one does.
  get input() {
    return process.stdin;
  },
  get inputIsTerminal() {
    return process.stdin.isTTY === true;
  },
  get outputIsTerminal() {
    return process.stdout.isTTY === true;
  },
  get errorIsTerminal() {
    return process.stderr.isTTY === true;
  },
  get noColour() {
    const { NO_COLOR: none, CLICOLOR: wanted, TERM: kind } = process.env;
    return Boolean(none) || wanted === "0" || kind === "dumb";
  },
  write: (data) => writeAbove(process.stdout, data),
  writeError: (data) => writeAbove(process.stderr, data),
  warn(line) {
    const text = `${printableLines(line)}\n`;
    if (process.stderr.isTTY) void statusLine.above(text, async () => void process.stderr.write(text));
    else process.stderr.write(text);
  },
  size() {
    const { columns, rows } = process.stdout;
    return process.stdout.isTTY ? { width: columns, height: rows } : undefined;
  },
  onResize(listener) {
    process.stdout.on("resize", listener);
    return () => process.stdout.off("resize", listener);
  },
  raw() {
    if (!process.stdin.isTTY) return () => {};
    return rawWhileRunning(process.stdin);
  },
  get status() {
    const { stderr, env } = process;
    if (stderr.isTTY !== true || env["TERM"] === "dumb" || env["CI"]) return undefined;
    return { width: (stderr.columns || 80) - 1, set: (text: string | undefined) => statusLine.set(text) };
  },
};

const statusLine = new StatusLine((text) => void process.stderr.write(text));

/** Output that goes elsewhere does not touch the line. */
function writeAbove(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> {
  return stream.isTTY ? statusLine.above(data, () => writeTo(stream, data)) : writeTo(stream, data);
}

/**
 * Sets the terminal to raw until the returned function is called. While the process is stopped, and when its terminal hangs up,
 * the terminal is as it was before.
 */
function rawWhileRunning(input: NodeJS.ReadStream): () => void {
  const onStop = () => {
    input.setRawMode(false);
    process.kill(process.pid, "SIGSTOP");
  };
  // Who stopped the process may have changed the terminal, or have left it raw: both ways, so that it is really set.
  const onContinue = () => {
    input.setRawMode(false);
    input.setRawMode(true);
  };
  const onHangUp = () => {
    input.setRawMode(false);
    process.exit(129);
  };
  const handlers = [
    ["SIGTSTP", onStop],
    ["SIGCONT", onContinue],
    ["SIGHUP", onHangUp],
  ] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  input.setRawMode(true);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
    input.setRawMode(false);
  };
}

function writeTo(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (!error) resolve();
      else if ("code" in error && error.code === "EPIPE") process.exit(0);
      else reject(error);
    });
  });
}

/** The words of the command line, after the program's name. */
export function commandLine(): readonly string[] {
  return process.argv.slice(2);
}

/** `timeout`, npm and their like pass a signal on that came here as well: nobody's second thought comes so soon. */
const sameSignalMs = 500;

/**
 * Runs a program that ends by itself or on the first SIGINT or SIGTERM, and ends the process with its exit code. After a
 * signal the code is that of `main`, or 130 for a second signal half a second later, or more.
 */
export async function runProgram(main: (signal: AbortSignal) => Promise<number>): Promise<never> {
  const stopping = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    const now = performance.now();
    if (!stopping.signal.aborted) firstAt = now;
    else if (now - firstAt >= sameSignalMs) process.exit(130);
    stopping.abort(new DOMException("The program was told to stop", "AbortError"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // Without a listener a write to a closed pipe would be an uncaught error.
  process.stdout.on("error", () => {});
  const code = await main(stopping.signal);
  process.exit(code);
}
