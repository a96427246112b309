import { join } from "node:path";
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
  {
    revision,
    items,
    files,
  }: { readonly revision: number; readonly items: readonly KeyValue[]; readonly files: StoreFiles },
): Promise<void> {
  const writer = new RecordWriter();
  await putFile(folder, snapshotName(revision), files, async (write) => {
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

/** Reads a snapshot, handing each value to `restore`. @throws DamagedFile when anything of it is missing */
export async function readSnapshot(
  folder: string,
  { file: name, revision }: { readonly file: string; readonly revision: number },
  { files, restore }: { readonly files: StoreFiles; readonly restore: (item: KeyValue) => void },
): Promise<void> {
  const path = join(folder, name);
  const file = await openPart(path, files);
  try {
    let expected: number | undefined;
    let count = 0;
    let isComplete = false;
    let position = 0;
    for await (const records of readRecords(file)) {
      for (const { payload, offset, end } of records) {
        const type = payload[0];
        position = end;
        if (expected === undefined) {
          const { version, numbers } = decodeHeader(payload);
          if (type !== recordType.snapshotHeader || version !== formatVersion || numbers[0] !== revision) {
            throw new DamagedFile(path, offset, "it does not begin as the snapshot it is named as");
          }
          expected = numbers[1] ?? 0;
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
    if (!isComplete || count !== expected) throw new DamagedFile(path, position, "its end is missing");
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
