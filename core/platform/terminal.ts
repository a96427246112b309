import process from "node:process";

/** Bytes in, text out, and whether a person looks at it. */
export interface Terminal {
  /** Bytes as they are typed or piped. Nothing is read before the first iteration. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly inputIsTerminal: boolean;
  readonly outputIsTerminal: boolean;
  /** Whether a person sees what is said on standard error. Default: not. */
  readonly errorIsTerminal?: boolean;
  /** Whether the user wants no colours anywhere: NO_COLOR is set. Default: not. */
  readonly noColour?: boolean;
  /** Writes to standard output; resolves when more may follow. A reader that went away ends the process quietly, as it does for other tools. */
  write(data: string | Uint8Array): Promise<void>;
  /** Writes a line to standard error. */
  warn(line: string): void;
  /** Writes bytes to standard error; resolves when more may follow. */
  writeError(data: string | Uint8Array): Promise<void>;
  /** Columns and rows of the terminal, or undefined when there is none. */
  size(): { readonly width: number; readonly height: number } | undefined;
  /** Calls `listener` when the size changes; returns its removal. */
  onResize(listener: () => void): () => void;
  /** Gives keys to the program one by one, unechoed; returns the way back. */
  raw(): () => void;
}

/** This process's own terminal. */
export const systemTerminal: Terminal = {
  input: process.stdin,
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
    return Boolean(process.env["NO_COLOR"]);
  },
  write: (data) => writeTo(process.stdout, data),
  writeError: (data) => writeTo(process.stderr, data),
  warn(line) {
    process.stderr.write(`${line}\n`);
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
    process.stdin.setRawMode(true);
    return () => process.stdin.setRawMode(false);
  },
};

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

/**
 * Runs a program that ends by itself or on the first SIGINT or SIGTERM, and ends the process with its exit code. After a
 * signal the code is that of `main`, or 130 for a second signal.
 */
export async function runProgram(main: (signal: AbortSignal) => Promise<number>): Promise<never> {
  const stopping = new AbortController();
  const onSignal = () => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new DOMException("The program was told to stop", "AbortError"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // Without a listener a write to a closed pipe would be an uncaught error.
  process.stdout.on("error", () => {});
  const code = await main(stopping.signal);
  process.exit(code);
}
