const notAFolder = "something on the way is not a folder: move it away";

/** What helps against what the system says of a disk or a folder, by its code. */
export const diskRemedies: ReadonlyMap<string, string> = new Map([
  ["EACCES", "the folder and its files must belong to the user who runs this"],
  ["EPERM", "the folder and its files must belong to the user who runs this"],
  ["EROFS", "the file system is read-only: mount it for writing"],
  ["ENOTDIR", notAFolder],
  ["ENOSPC", "the disk is full: make room"],
  ["EDQUOT", "the quota of the disk is used up: make room"],
]);

/** What Node says of a folder that it was to make with those above it. */
const remediesOfMaking: ReadonlyMap<string, string> = new Map([
  ["EEXIST", notAFolder],
  ["ENOENT", "no folder can be made there"],
]);

/**
 * What the system says of the data folder or something in it, in one line with what helps; `error` itself where nothing is known to.
 *
 * @param options.purpose what could not be done, e.g. `open the store`
 */
export function folderTrouble(
  error: unknown,
  { purpose, folder }: { readonly purpose: string; readonly folder: string },
): unknown {
  const { code = "", path = folder, syscall } = error as NodeJS.ErrnoException;
  const remedy = diskRemedies.get(code) ?? (syscall === "mkdir" ? remediesOfMaking.get(code) : undefined);
  if (remedy === undefined) return error;
  return new Error(`Cannot ${purpose}: ${path}: ${code}: ${remedy}, or choose another --data-dir`, { cause: error });
}
