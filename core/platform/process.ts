import { homedir } from "node:os";
import { delimiter } from "node:path";

/** The value of an environment variable; undefined when unset. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name];
}

/** The user's home directory. */
export function homeDirectory(): string {
  return environmentVariable("HOME") || homedir();
}

/** What stands between the paths of a path list such as KUBECONFIG: `:`, or `;` on Windows. */
export const pathListDelimiter: string = delimiter;
