import { dirname, join } from "node:path";
import type { Logger } from "../../core/util/log.ts";
import { errorCode, type StoreFile, type StoreFiles } from "./files.ts";
import { type Manifest, putFile, readManifest, writeManifest } from "./log_manifest.ts";
import { DamagedFile, readRecords, wasSyncedBeyond } from "./log_reader.ts";
import { decodeChange, decodeHeader, decodeRevision, formatVersion, RecordWriter, recordType } from "./log_record.ts";
import { openPart, readSnapshot } from "./log_snapshot.ts";
import type { StoreState } from "./state.ts";

/** A file of events. */
export interface Segment {
  readonly file: string;
  /** Revision of the first event. */
  readonly first: number;
  /** Revision of the last event on disk; `first - 1` when there is none. */
  last: number;
  /** Bytes that hold whole events. */
  end: number;
}

/** What recovery found. */
export interface Recovered {
  readonly manifest: Manifest;
  readonly segments: readonly Segment[];
  /** Bytes of events that no snapshot covers. */
  readonly bytesSinceSnapshot: number;
}

const ownFile = /^(\d{16}\.(log|snapshot)|MANIFEST)(\.tmp)?$/;

/** The file name of the segment whose first event has revision `first`. */
function segmentName(first: number): string {
  return `${String(first).padStart(16, "0")}.log`;
}

/** Creates a segment with its header, on disk with its name. */
export async function createSegment(folder: string, first: number, files: StoreFiles): Promise<Segment> {
  const writer = new RecordWriter();
  writer.segmentHeader(first);
  const file = segmentName(first);
  await putFile(folder, file, files, (write) => write(writer.bytes));
  return { file, first, last: first - 1, end: writer.length };
}

/**
 * Reads a folder into `state`, making it a new store when it is empty. The torn tail of the last segment is cut.
 *
 * @throws DamagedFile naming file and offset when anything that was acknowledged cannot be read
 */
export async function recover(
  folder: string,
  { state, files, log }: { readonly state: StoreState; readonly files: StoreFiles; readonly log: Logger },
): Promise<Recovered> {
  const manifest = (await readManifest(folder, files)) ?? (await createStore(folder, files));
  // What a killed process had not synced is there, but need not stay: nobody is to see it, or lose what it replaced, before.
  await files.syncFolder(folder);
  await removeLeftovers(folder, manifest, files);
  const recovered = await replay(folder, manifest, { state, files });
  const last = recovered.segments[recovered.segments.length - 1] as Segment;
  const file = await openPart(join(folder, last.file), files, "write");
  try {
    const bytes = (await file.size()) - last.end;
    if (bytes > 0) {
      log.warn("Cut the torn tail of the store's log", { file: file.path, offset: last.end, bytes });
      await file.truncate(last.end);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return recovered;
}

/**
 * Reads what a manifest names into `state`, changing nothing. The last segment ends where a write that never finished
 * begins.
 *
 * @throws DamagedFile
 */
export async function replay(
  folder: string,
  manifest: Manifest,
  { state, files }: { readonly state: StoreState; readonly files: StoreFiles },
): Promise<Recovered> {
  const { snapshot } = manifest;
  if (snapshot) {
    const { file, revision } = snapshot;
    await readSnapshot(join(folder, file), { revision, files, restore: (item) => state.restore(item) });
  }
  state.restoreRevision(snapshot?.revision ?? 0);
  const segments: Segment[] = [];
  let bytesSinceSnapshot = 0;
  for (const [index, { file, first }] of manifest.segments.entries()) {
    const previous = segments[index - 1];
    if (previous && previous.last + 1 !== first) {
      throw new DamagedFile(
        join(folder, previous.file),
        previous.end,
        `it ends at revision ${previous.last}, before ${first}`,
      );
    }
    const segment: Segment = { file, first, last: first - 1, end: 0 };
    const isLast = index === manifest.segments.length - 1;
    const handle = await openPart(join(folder, file), files);
    try {
      const before = state.revision;
      await readSegment(handle, segment, state).catch(async (error: unknown) => {
        if (!isLast || !(error instanceof DamagedFile) || (await wasOnDisk(handle, error, manifest))) throw error;
      });
      if (isLast && segment.end < manifest.end) {
        throw new DamagedFile(handle.path, segment.end, `it ends early: ${manifest.end} bytes were on disk`);
      }
      if (state.revision > before) bytesSinceSnapshot += segment.end;
    } finally {
      await handle.close();
    }
    segments.push(segment);
  }
  const last = segments[segments.length - 1];
  if (!last || last.last < state.revision) {
    throw new DamagedFile(
      join(folder, last?.file ?? ""),
      last?.end ?? 0,
      `revisions up to ${state.revision} are missing`,
    );
  }
  state.forget(Math.max(manifest.compacted, (segments[0]?.first ?? 1) - 1));
  return { manifest, segments, bytesSinceSnapshot };
}

/** Whether what is wrong in the last segment was on disk once, so that no unfinished write explains it. */
async function wasOnDisk(file: StoreFile, { offset }: DamagedFile, { end }: Manifest): Promise<boolean> {
  return offset === 0 || offset < end || (await wasSyncedBeyond(file, offset));
}

/** Applies the events of a segment that the state does not have yet. */
async function readSegment(file: StoreFile, segment: Segment, state: StoreState): Promise<void> {
  let hasHeader = false;
  for await (const records of readRecords(file)) {
    for (const { payload, offset, end } of records) {
      const type = payload[0];
      if (!hasHeader) {
        const { version, numbers } = decodeHeader(payload);
        if (type !== recordType.segmentHeader || version !== formatVersion || numbers[0] !== segment.first) {
          throw new DamagedFile(file.path, 0, "it does not begin as the segment it is named as");
        }
        hasHeader = true;
      } else if (type === recordType.put || type === recordType.delete) {
        const revision = decodeRevision(payload);
        if (revision !== segment.last + 1) throw new DamagedFile(file.path, offset, "a revision is out of order");
        if (revision > state.revision + 1) throw new DamagedFile(file.path, offset, "revisions before are missing");
        if (revision > state.revision) state.restore(decodeChange(payload));
        segment.last = revision;
      } else if (type !== recordType.synced) {
        throw new DamagedFile(file.path, offset, "a record is out of place");
      }
      segment.end = end;
    }
  }
  if (!hasHeader) throw new DamagedFile(file.path, 0, "the file is empty");
}

async function createStore(folder: string, files: StoreFiles): Promise<Manifest> {
  const names = (await files.list(folder)).filter((name) => /^\d{16}\.(log|snapshot)$/.test(name));
  const firstName = segmentName(1);
  const isUnborn =
    names.length === 0 || (names.length === 1 && names[0] === firstName && (await isBare(folder, files)));
  if (!isUnborn) throw new DamagedFile(join(folder, "MANIFEST"), 0, "the file is missing");
  await files.remove(join(folder, firstName));
  const { file, first, end } = await createSegment(folder, 1, files);
  const manifest: Manifest = { snapshot: undefined, segments: [{ file, first }], compacted: 0, end };
  await writeManifest(folder, manifest, files);
  await files.syncFolder(dirname(folder)).catch((error: unknown) => {
    // A parent that may be passed through but not read is the administrator's choice.
    if (errorCode(error) !== "EACCES") throw error;
  });
  return manifest;
}

/** Whether the first segment holds no event: the store died while it was being made. */
async function isBare(folder: string, files: StoreFiles): Promise<boolean> {
  const writer = new RecordWriter();
  writer.segmentHeader(1);
  const file = await files.open(join(folder, segmentName(1)), "read");
  try {
    return (await file.size()) <= writer.length;
  } finally {
    await file.close();
  }
}

/** Removes files of ours that the manifest does not name: what an interrupted compaction has left. */
async function removeLeftovers(folder: string, manifest: Manifest, files: StoreFiles): Promise<void> {
  const named = new Set(["MANIFEST", manifest.snapshot?.file, ...manifest.segments.map(({ file }) => file)]);
  for (const name of await files.list(folder)) {
    if (ownFile.test(name) && !named.has(name)) await files.remove(join(folder, name));
  }
}
