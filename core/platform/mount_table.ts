import { readFile, realpath } from "node:fs/promises";

/** Something that is mounted, as this process sees it. */
export interface MountPoint {
  /** Without links. */
  readonly path: string;
  /** Kind of file system, e.g. `tmpfs`. */
  readonly fileSystem: string;
  /** What it lies on, e.g. `/dev/vda1`, or `tmpfs`. */
  readonly device: string;
  /** Number of that in the kernel, e.g. `8:1`. */
  readonly number: string;
  /** Whether what is mounted below it is seen wherever it is mounted, and the other way round. */
  readonly isShared: boolean;
  /** Whether what is mounted elsewhere is seen here. */
  readonly isSlave: boolean;
}

/** Everything that is mounted, later mounts (which cover earlier ones) last. Empty where the system is not Linux. */
export async function mountPoints(): Promise<readonly MountPoint[]> {
  return parseMountInfo(await readFile("/proc/self/mountinfo", "utf8").catch(() => ""));
}

/** Reads the form of `/proc/self/mountinfo`. Pure. @see proc(5) */
export function parseMountInfo(text: string): readonly MountPoint[] {
  return text.split("\n").flatMap((line) => {
    const words = line.split(" ");
    const separator = words.indexOf("-", 6);
    const [number, path, fileSystem, device] = [words[2], words[4], words[separator + 1], words[separator + 2]];
    if (separator < 0 || number === undefined || path === undefined) return [];
    if (fileSystem === undefined || device === undefined) return [];
    const tags = words.slice(6, separator);
    const has = (tag: string) => tags.some((one) => one.startsWith(`${tag}:`));
    const [isShared, isSlave] = [has("shared"), has("master")];
    return [{ path: withoutEscapes(path), fileSystem, device: withoutEscapes(device), number, isShared, isSlave }];
  });
}

/** Of these, what a path without links lies in. Pure. */
export function mountPointOf(path: string, all: readonly MountPoint[]): MountPoint | undefined {
  let found: MountPoint | undefined;
  for (const point of all)
    if (isWithin(path, point.path) && point.path.length >= (found?.path.length ?? 0)) found = point;
  return found;
}

/** What is mounted at a path and below it, in the order in which it can be unmounted. None where there is no such path. */
export async function mountPointsWithin(path: string): Promise<readonly string[]> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return [];
  const within = (await mountPoints()).filter((point) => isWithin(point.path, real));
  return within.map((point) => point.path).reverse();
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? folder : `${folder}/`);
}

function withoutEscapes(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
