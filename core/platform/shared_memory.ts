import { stat } from "node:fs/promises";
import { sha256 } from "./hash.ts";

/** Where Linux has a file system in memory that everybody may use. */
export const sharedMemory = "/dev/shm";

/** The folder there that belongs to a folder of this machine: others have theirs beside it. */
export function sharedMemoryOf(folder: string): string {
  return `${sharedMemory}/wherry-${sha256(folder).slice(0, 16)}`;
}

let isThere: Promise<boolean> | undefined;

/** Whether this machine has it. */
export function hasSharedMemory(): Promise<boolean> {
  isThere ??= stat(sharedMemory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere;
}
