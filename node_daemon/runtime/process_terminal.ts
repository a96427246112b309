import { execFile } from "node:child_process";
import { readText } from "./process_files.ts";
import { findTool } from "./process_root.ts";
import { quote } from "./process_shim.ts";
import { RuntimeFailure } from "./runtime.ts";

/** Notes who leads the session and at which terminal, then becomes the program. */
const leader = `printf '%s %s\\n' "$$" "$(tty)" >"$1"; shift; exec "$@"`;

/**
 * A command that runs `argv` at a terminal of its own and copies between that and its stdin and stdout. Node cannot
 * make terminals; `script`, which every Linux and BSD has, can.
 *
 * @param ttyFile gets pid and terminal of the program
 * @throws RuntimeFailure when there is no `script`
 */
export async function terminalCommand(argv: readonly string[], ttyFile: string): Promise<readonly string[]> {
  const script = await findTool("script");
  if (script === undefined) {
    throw new RuntimeFailure(
      "CreateContainerError",
      'cannot allocate a terminal: the program "script" (util-linux or BSD) is not on this machine',
    );
  }
  const command = ["/bin/sh", "-c", leader, "terminal", ttyFile, ...argv];
  const version = await outputOf(script, ["--version"]);
  return version.includes("util-linux")
    ? [script, "-q", "-e", "-c", `exec ${command.map(quote).join(" ")}`, "/dev/null"]
    : [script, "-q", "/dev/null", ...command];
}

/** The terminal that {@linkcode terminalCommand} noted; undefined until its program runs. */
export async function findTerminal(ttyFile: string): Promise<
  | {
      /** Tells the program at the terminal its new size. */
      resize(size: { readonly width: number; readonly height: number }): Promise<void>;
    }
  | undefined
> {
  const device = /^\d+ (\/dev\/[\w/]+)\n$/.exec((await readText(ttyFile)) ?? "")?.[1];
  if (device === undefined) return undefined;
  return {
    async resize({ width, height }) {
      const stty = await findTool("stty");
      // GNU and busybox say -F, BSD says -f.
      const sizes = ["rows", String(height), "cols", String(width)];
      if (stty !== undefined && !(await succeeds(stty, ["-F", device, ...sizes]))) {
        await succeeds(stty, ["-f", device, ...sizes]);
      }
    },
  };
}

function outputOf(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => execFile(file, args, (_, output) => resolve(output)));
}

function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => execFile(file, args, (error) => resolve(error === null)));
}
