import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/** How a program ended, and what it printed where that was captured. */
export interface ProgramResult {
  /** 128 and more: ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of a program that PATH finds; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Runs a program (no shell) to its end.
 *
 * @param options.terminal the program uses this process's own standard streams; otherwise its output is captured
 * @throws Error when it cannot be started
 */
export async function runProgramOf(
  [file = "", ...args]: readonly string[],
  { terminal = false, signal }: { readonly terminal?: boolean; readonly signal?: AbortSignal } = {},
): Promise<ProgramResult> {
  const child = spawn(file, args, { stdio: terminal ? "inherit" : ["ignore", "pipe", "pipe"], signal });
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]?.setEncoding("utf8").on("data", (chunk: string) => {
      text[stream] += chunk;
    });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 128, ...text }));
  });
}
