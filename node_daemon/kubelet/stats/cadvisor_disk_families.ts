import type { DiskActivity } from "../../../core/platform/disks.ts";
import type { FigureRow, Group } from "./cadvisor_families.ts";

type FileSystem = NonNullable<Group["fileSystems"]>[number];
type Io = NonNullable<Group["io"]>[number];

/** The families of file systems and disks, each figure under the name of its device. */
export const diskFigures: readonly FigureRow[] = [
  ofFileSystem("usage_bytes", "Bytes in use on the file system.", ({ usedBytes }) => usedBytes),
  ofFileSystem("limit_bytes", "Bytes of the file system.", ({ limitBytes }) => limitBytes),
  ofFileSystem("inodes_free", "Files that the file system has room for.", ({ inodesFree }) => inodesFree),
  ofFileSystem("inodes_total", "Files that the file system is made for.", ({ inodes }) => inodes),
  ofIo("reads_bytes_total", "Bytes read from disks.", ({ readBytes }) => readBytes),
  ofIo("writes_bytes_total", "Bytes written to disks.", ({ writeBytes }) => writeBytes),
  ofIo("reads_total", "Reads of disks.", ({ reads }) => reads),
  ofIo("writes_total", "Writes to disks.", ({ writes }) => writes),
  ofDisk("sector_reads_total", "Sectors read.", ({ sectorsRead }) => sectorsRead),
  ofDisk("sector_writes_total", "Sectors written.", ({ sectorsWritten }) => sectorsWritten),
  ofDisk("reads_merged_total", "Reads that were made one with others.", ({ readsMerged }) => readsMerged),
  ofDisk("writes_merged_total", "Writes that were made one with others.", ({ writesMerged }) => writesMerged),
  ofDisk("read_seconds_total", "Time spent reading.", ({ readMs }) => readMs / 1000),
  ofDisk("write_seconds_total", "Time spent writing.", ({ writeMs }) => writeMs / 1000),
  ofDisk("io_time_seconds_total", "Time in which the disk was busy.", ({ busyMs }) => busyMs / 1000),
  ofDisk(
    "io_time_weighted_seconds_total",
    "Time that all reads and writes took.",
    ({ weightedMs }) => weightedMs / 1000,
  ),
  ofDisk("io_current", "Reads and writes under way.", ({ inProgress }) => inProgress, "gauge"),
  [
    "container_blkio_device_usage_total",
    "counter",
    "Bytes that went through disks.",
    ({ io = [] }) =>
      io.flatMap(({ device, number, readBytes, writeBytes }) => {
        const [major = "", minor = ""] = number.split(":");
        return [
          [{ device, major, minor, operation: "Read" }, readBytes] as const,
          [{ device, major, minor, operation: "Write" }, writeBytes] as const,
        ];
      }),
  ],
];

function ofFileSystem(name: string, help: string, figure: (fileSystem: FileSystem) => number): FigureRow {
  return [
    `container_fs_${name}`,
    "gauge",
    help,
    ({ fileSystems = [] }) => fileSystems.map((one) => [{ device: one.device }, figure(one)] as const),
  ];
}

function ofIo(name: string, help: string, figure: (io: Io) => number | undefined): FigureRow {
  return [
    `container_fs_${name}`,
    "counter",
    help,
    ({ io = [] }) => io.map((one) => [{ device: one.device }, figure(one)] as const),
  ];
}

function ofDisk(
  name: string,
  help: string,
  figure: (disk: DiskActivity) => number,
  type: "counter" | "gauge" = "counter",
): FigureRow {
  return [
    `container_fs_${name}`,
    type,
    help,
    ({ disks = [] }) => disks.map((one) => [{ device: one.device }, figure(one)] as const),
  ];
}
