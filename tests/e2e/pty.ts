import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { start } from "./harness.ts";

/** A program in a terminal of its own. Disposal ends it. */
export interface Pty extends AsyncDisposable {
  /** Everything that the terminal was sent so far, with its escape sequences. */
  output(): string;
  /** Resolves once the output has what `pattern` says. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  type(text: string): void;
  resize(size: { readonly rows: number; readonly columns: number }): void;
  signal(number: number): void;
  /** Whether keys are given to the program line by line and echoed, or as they come. */
  mode(): Promise<"cooked" | "raw">;
  /** Resolves when the program was stopped, with the terminal's mode then. */
  stopped(): Promise<"cooked" | "raw">;
  /** Resolves with the exit code, below 0 for a signal, and with the mode in which the terminal is left. */
  ended(): Promise<{ readonly code: number; readonly mode: "cooked" | "raw" }>;
}

const script = join(dirname(fileURLToPath(import.meta.url)), "run_in_pty.py");

/** The interpreter that opens pseudo-terminals; undefined when it is not on the machine. */
export const python: string | undefined = ["/usr/bin/python3", "python3"].find((path) => {
  try {
    execFileSync(path, ["-c", "import pty"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/** Starts a program in a terminal of 24 rows and 80 columns. */
export function inTerminal(command: readonly string[], env: Record<string, string> = {}): Pty {
  const running = start([python ?? "", script, ...command], { env: { TERM: "xterm", CI: "", NO_COLOR: "", ...env } });
  const send = (message: object) => running.child.stdin?.write(`${JSON.stringify(message)}\n`);
  const reported = async (what: string) => {
    const [, detail = "", mode] = await running.printed(new RegExp(`\\[pty: ${what} ?(-?\\d*) ?(cooked|raw)\\]`));
    return { code: Number(detail), mode: mode === "raw" ? "raw" : "cooked" } as const;
  };
  let asked = 0;
  return {
    output: running.output,
    printed: running.printed,
    type: (text) => send({ write: text }),
    resize: ({ rows, columns }) => send({ size: [rows, columns] }),
    signal: (number) => send({ signal: number }),
    async mode() {
      send({ mode: 1 });
      const answers = new RegExp(`(?:\\[pty: mode (cooked|raw)\\][^]*?){${++asked}}`);
      const [, mode] = await running.printed(answers);
      return mode === "raw" ? "raw" : "cooked";
    },
    stopped: async () => (await reported("stopped")).mode,
    ended: () => reported("ended"),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
