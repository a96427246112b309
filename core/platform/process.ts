import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The value of an environment variable; undefined when unset. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name];
}

/** All environment variables that are set. */
export function environmentVariables(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** The user's home directory. */
export function homeDirectory(): string {
  return environmentVariable("HOME") || homedir();
}

/** Where a daemon keeps what lasts when no folder is named: `/var/lib/wherry/NAME` for root, `~/.wherry/NAME` for others. */
export function stateDirectory(name: string): string {
  return process.geteuid?.() === 0 ? `/var/lib/wherry/${name}` : join(homeDirectory(), ".wherry", name);
}

/** What stands between the paths of a path list such as KUBECONFIG: `:`, or `;` on Windows. */
export const pathListDelimiter: string = delimiter;
