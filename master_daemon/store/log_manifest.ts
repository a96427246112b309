import { join } from "node:path";
import { errorCode, type StoreFiles } from "./files.ts";
import { DamagedFile, readRecords } from "./log_reader.ts";
import { decodeText, formatVersion, RecordWriter, recordType } from "./log_record.ts";

/** Which files make up the store. What it does not name does not count; what it names must be there. */
export interface Manifest {
  readonly snapshot: { readonly file: string; readonly revision: number } | undefined;
  /** Oldest first, never empty, without gaps. `first` is the revision of the segment's first event. */
  readonly segments: readonly { readonly file: string; readonly first: number }[];
  /** History up to and including this revision was given up. */
  readonly compacted: number;
  /** Bytes of the last segment that were on disk when this was written: with fewer it is damaged, not torn. */
  readonly end: number;
}

const fileName = "MANIFEST";

/** The manifest of a folder; undefined when there is none. @throws DamagedFile */
export async function readManifest(folder: string, files: StoreFiles): Promise<Manifest | undefined> {
  const path = join(folder, fileName);
  const file = await files.open(path, "read").catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return undefined;
  let text: string | undefined;
  try {
    for await (const records of readRecords(file)) {
      for (const { payload, offset } of records) {
        if (text !== undefined || payload[0] !== recordType.manifest) {
          throw new DamagedFile(path, offset, "a record is out of place");
        }
        text = decodeText(payload);
      }
    }
  } finally {
    await file.close();
  }
  if (text === undefined) throw new DamagedFile(path, 0, "it does not hold a manifest");
  const { version, manifest } = JSON.parse(text) as { version: number; manifest: Manifest };
  if (version !== formatVersion) {
    throw new Error(`Cannot read the store: ${path} is of version ${version}, this program reads ${formatVersion}`);
  }
  const { snapshot, segments, compacted, end = 0 } = manifest;
  return { snapshot, segments, compacted, end };
}

/** Replaces the manifest, wholly or not at all. */
export async function writeManifest(folder: string, manifest: Manifest, files: StoreFiles): Promise<void> {
  const writer = new RecordWriter();
  writer.manifest(JSON.stringify({ version: formatVersion, manifest }));
  await putFile(folder, fileName, files, async (write) => write(writer.bytes));
}

/**
 * Puts a whole new file on disk: written beside, synced, renamed into place, its name synced.
 *
 * @param fill calls `write` with one piece after the other
 */
export async function putFile(
  folder: string,
  name: string,
  files: StoreFiles,
  fill: (write: (data: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const temporary = join(folder, `${name}.tmp`);
  await files.remove(temporary);
  const file = await files.open(temporary, "create");
  try {
    let position = 0;
    await fill(async (data) => {
      await file.write(data, position);
      position += data.length;
    });
    await file.sync();
  } catch (error) {
    await file.close();
    await files.remove(temporary).catch(() => {});
    throw error;
  }
  await file.close();
  await files.rename(temporary, join(folder, name));
  await files.syncFolder(folder);
}
