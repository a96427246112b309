import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { readText } from "./process_files.ts";
import { findTool } from "./process_root.ts";
import { quote } from "./process_shim.ts";
import { RuntimeFailure } from "./runtime.ts";

/** Notes who leads the session (its number on the machine) and at which terminal, takes the size that was said before, then becomes the program. */
const leader = `pid=$$; [ ! -r /proc/self/stat ] || read -r pid rest </proc/self/stat; printf '%s %s\\n' "$pid" "$(tty)" >"$1"; [ ! -e "$1.size" ] || stty $(cat "$1.size") 2>/dev/null; shift; exec "$@"`;

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

/**
 * Tells the program at the terminal that {@linkcode terminalCommand} noted its size. One that does not run yet finds the
 * size when it starts: each side writes first and looks second, so that one of them sees the other.
 */
export async function resizeTerminal(
  ttyFile: string,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<void> {
  const sizes = ["rows", String(height), "cols", String(width)];
  // A session that is gone, with its folder, has no size.
  await writeFile(sizeFileOf(ttyFile), sizes.join(" ")).catch(() => {});
  const device = /^\d+ (\/dev\/[\w/]+)\n$/.exec((await readText(ttyFile)) ?? "")?.[1];
  const stty = await findTool("stty");
  if (device === undefined || stty === undefined) return;
  // GNU and busybox say -F, BSD says -f.
  if (!(await succeeds(stty, ["-F", device, ...sizes]))) await succeeds(stty, ["-f", device, ...sizes]);
}

/** Removes what a terminal's session noted. */
export async function forgetTerminal(ttyFile: string): Promise<void> {
  await Promise.all([ttyFile, sizeFileOf(ttyFile)].map((path) => rm(path, { force: true })));
}

function sizeFileOf(ttyFile: string): string {
  return `${ttyFile}.size`;
}

function outputOf(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => execFile(file, args, (_, output) => resolve(output)));
}

function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => execFile(file, args, (error) => resolve(error === null)));
}
