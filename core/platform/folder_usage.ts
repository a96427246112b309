import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

/** What a folder and all in it take up on its disk. */
export interface FolderUsage {
  readonly bytes: number;
  readonly inodes: number;
}

/** Folders with more in them are not counted: nobody waits that long for a figure. */
const maxEntries = 200_000;

/**
 * Counts a folder, or one file. Links are counted themselves, never followed; a file with several names counts once.
 * Undefined when it is not there, may not be read, or has more than 200,000 entries.
 */
export async function folderUsage(path: string): Promise<FolderUsage | undefined> {
  const seen = new Set<string>();
  const open = [path];
  let bytes = 0;
  let inodes = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (inodes > maxEntries) return undefined;
    const found = await lstat(next).catch(() => undefined);
    // What goes away meanwhile is not there.
    if (!found) {
      if (next === path) return undefined;
      continue;
    }
    if (found.nlink > 1 && !found.isDirectory()) {
      const identity = `${found.dev}:${found.ino}`;
      if (seen.has(identity)) continue;
      seen.add(identity);
    }
    inodes++;
    // Blocks of 512 bytes, whatever the disk's own; systems without blocks tell the length.
    bytes += found.blocks === null || found.blocks === undefined ? found.size : found.blocks * 512;
    if (!found.isDirectory()) continue;
    const folder = await opendir(next).catch(() => undefined);
    if (!folder) continue;
    for await (const { name } of folder) {
      open.push(join(next, name));
      if (open.length > maxEntries) return undefined;
    }
  }
  return { bytes, inodes };
}
