import type { Stats } from "node:fs";
import { chmod, mkdir, open, stat } from "node:fs/promises";
import { isCode } from "./files.ts";
import type { VolumeType } from "./volume.ts";

/** What a path must be, by the volume's `type`. */
const checks: ReadonlyMap<string, { readonly noun: string; holds(found: Stats): boolean }> = new Map([
  ["Directory", { noun: "directory", holds: (found) => found.isDirectory() }],
  ["DirectoryOrCreate", { noun: "directory", holds: (found) => found.isDirectory() }],
  ["File", { noun: "file", holds: (found) => found.isFile() }],
  ["FileOrCreate", { noun: "file", holds: (found) => found.isFile() }],
  ["Socket", { noun: "socket file", holds: (found) => found.isSocket() }],
  ["CharDevice", { noun: "character device", holds: (found) => found.isCharacterDevice() }],
  ["BlockDevice", { noun: "block device", holds: (found) => found.isBlockDevice() }],
]);

/** A folder or file of the machine. @see https://kubernetes.io/docs/concepts/storage/volumes/#hostpath */
export const hostPathVolume: VolumeType = {
  name: "hostPath",
  matches: (volume) => volume.hostPath !== undefined,
  updates: false,
  async setUp({ volume }) {
    const { path = "", type = "" } = volume.hostPath ?? {};
    await checkHostPath({ path, type });
    return { path, readOnly: false };
  },
};

/** Makes sure that a path is what its type says; some are made where they are missing. @throws Error saying what it is not */
export async function checkHostPath({
  path,
  type = "",
}: {
  readonly path: string;
  readonly type?: string;
}): Promise<void> {
  if (type === "") {
    // As engines do that take the path as it is: what is missing is a folder. If it cannot be made, the mount will say so.
    if (!(await statOf(path))) await mkdir(path, { recursive: true }).catch(() => {});
    return;
  }
  const wanted = checks.get(type);
  if (!wanted) throw new Error(`hostPath type check failed: unknown type ${JSON.stringify(type)}`);
  let found = await statOf(path);
  if (!found && type.endsWith("OrCreate")) {
    await create(path, type);
    found = await statOf(path);
  }
  if (!found || !wanted.holds(found)) throw new Error(`hostPath type check failed: ${path} is not a ${wanted.noun}`);
}

async function create(path: string, type: string): Promise<void> {
  if (type === "DirectoryOrCreate") {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o755);
    return;
  }
  const file = await open(path, "a", 0o644);
  await file.close();
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
