import type { StoreFiles } from "./files.ts";
import { putFile } from "./log_manifest.ts";
import { DamagedFile, readRecords } from "./log_reader.ts";
import {
  decodeHeader,
  decodeNumber,
  decodeSnapshotItem,
  formatVersion,
  RecordWriter,
  recordType,
} from "./log_record.ts";
import type { KeyValue } from "./store.ts";

/** Bytes written between two turns of the event loop. */
const pieceBytes = 256 * 1024;

/** The file name of the snapshot at `revision`. */
export function snapshotName(revision: number): string {
  return `${String(revision).padStart(16, "0")}.snapshot`;
}

/** Writes `items`, all that was present at `revision`, to a file of its own, piece by piece. */
export async function writeSnapshot(
  folder: string,
  options: {
    readonly revision: number;
    readonly items: readonly KeyValue[];
    readonly files: StoreFiles;
    /** Default: that of the store's own snapshots. */
    readonly name?: string;
  },
): Promise<void> {
  const { revision, items, files, name = snapshotName(revision) } = options;
  const writer = new RecordWriter();
  await putFile(folder, name, files, async (write) => {
    writer.snapshotHeader({ revision, count: items.length });
    for (const item of items) {
      writer.snapshotItem(item);
      if (writer.length < pieceBytes) continue;
      await write(writer.bytes);
      writer.clear();
    }
    writer.snapshotEnd(items.length);
    await write(writer.bytes);
  });
}

/**
 * Reads a snapshot, handing each value to `restore`. Resolves with the revision whose values they are.
 *
 * @param options.revision what it must be
 * @throws DamagedFile when anything of it is missing
 */
export async function readSnapshot(
  path: string,
  options: {
    readonly files: StoreFiles;
    readonly restore: (item: KeyValue) => void;
    readonly revision?: number;
  },
): Promise<number> {
  const { files, restore } = options;
  const file = await openPart(path, files);
  try {
    let header: { readonly revision: number; readonly count: number } | undefined;
    let count = 0;
    let isComplete = false;
    let position = 0;
    for await (const records of readRecords(file)) {
      for (const { payload, offset, end } of records) {
        const type = payload[0];
        position = end;
        if (!header) {
          const { version, numbers } = decodeHeader(payload);
          const [revision = 0, expected = 0] = numbers;
          if (type !== recordType.snapshotHeader || version !== formatVersion) {
            throw new DamagedFile(path, offset, "it does not begin as a snapshot");
          }
          if (revision !== (options.revision ?? revision)) {
            throw new DamagedFile(path, offset, "it does not begin as the snapshot it is named as");
          }
          header = { revision, count: expected };
        } else if (type === recordType.snapshotItem && !isComplete) {
          restore(decodeSnapshotItem(payload));
          count++;
        } else if (type === recordType.snapshotEnd && !isComplete && decodeNumber(payload) === count) {
          isComplete = true;
        } else {
          throw new DamagedFile(path, offset, "a record is out of place");
        }
      }
    }
    if (!header || !isComplete || count !== header.count) throw new DamagedFile(path, position, "its end is missing");
    return header.revision;
  } finally {
    await file.close();
  }
}

/** Opens a file that the manifest names. @throws DamagedFile when it is not there */
export async function openPart(
  path: string,
  files: StoreFiles,
  mode: "read" | "write" = "read",
): ReturnType<StoreFiles["open"]> {
  try {
    return await files.open(path, mode);
  } catch (cause) {
    if (!(cause instanceof Error && (cause as { code?: unknown }).code === "ENOENT")) throw cause;
    throw new DamagedFile(path, 0, "the file is missing", { cause });
  }
}
