import { readFile, realpath } from "node:fs/promises";
import { type FileSystemUsage, fileSystemUsage } from "./machine_usage.ts";
import { type MountPoint, mountPointOf, mountPoints } from "./mount_table.ts";

/** A file system with what it lies on. */
export interface MountedFileSystem extends FileSystemUsage {
  /** E.g. `/dev/vda1`, or `tmpfs`; empty where the system does not tell. */
  readonly device: string;
}

/** What a disk (or a part of one) did since the machine started. */
export interface DiskActivity {
  /** Its number in the kernel, e.g. `8:1`. */
  readonly number: string;
  /** E.g. `/dev/sda1`. */
  readonly device: string;
  readonly reads: number;
  readonly readsMerged: number;
  readonly sectorsRead: number;
  readonly readMs: number;
  readonly writes: number;
  readonly writesMerged: number;
  readonly sectorsWritten: number;
  readonly writeMs: number;
  readonly inProgress: number;
  readonly busyMs: number;
  readonly weightedMs: number;
}

/** Unit of the kernel's figures, whatever the disk's own. */
export const sectorBytes = 512;

/** Space and files of the file system that holds `path`, and what it lies on. */
export async function mountedFileSystem(path: string): Promise<MountedFileSystem> {
  const [usage, mounts, real] = await Promise.all([fileSystemUsage(path), mountPoints(), realpath(path)]);
  return { ...usage, device: mountPointOf(real, mounts)?.device ?? "" };
}

/** The file systems of this machine that lie on disks, each once, with the disk's number in the kernel. */
export async function diskFileSystems(): Promise<readonly (MountedFileSystem & { readonly number: string })[]> {
  const byDevice = new Map<string, MountPoint>();
  for (const point of await mountPoints())
    if (point.device.startsWith("/dev/") && !byDevice.has(point.device)) byDevice.set(point.device, point);
  const found = [...byDevice.values()].map(async ({ path, device, number }) => {
    const usage = await fileSystemUsage(path).catch(() => undefined);
    return usage && { ...usage, device, number };
  });
  return (await Promise.all(found)).filter((one) => one !== undefined);
}

/** What the disks did, and their parts; empty where the system does not tell. */
export async function diskActivity(): Promise<readonly DiskActivity[]> {
  return parseDiskstats(await readFile("/proc/diskstats", "utf8").catch(() => ""));
}

/** @internal Lines of `/proc/diskstats`; disks that never did anything are left out. @see https://docs.kernel.org/admin-guide/iostats.html */
export function parseDiskstats(text: string): readonly DiskActivity[] {
  return text.split("\n").flatMap((line) => {
    const [major, minor, name, ...figures] = line.trim().split(/\s+/);
    if (name === undefined) return [];
    const [reads = 0, readsMerged = 0, sectorsRead = 0, readMs = 0, writes = 0, writesMerged = 0, ...rest] =
      figures.map(Number);
    const [sectorsWritten = 0, writeMs = 0, inProgress = 0, busyMs = 0, weightedMs = 0] = rest;
    if (reads === 0 && writes === 0) return [];
    const read = { reads, readsMerged, sectorsRead, readMs };
    const written = { writes, writesMerged, sectorsWritten, writeMs };
    const all = { inProgress, busyMs, weightedMs };
    return [{ number: `${major}:${minor}`, device: `/dev/${name}`, ...read, ...written, ...all }];
  });
}
