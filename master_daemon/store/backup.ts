import { basename, dirname, join, resolve } from "node:path";
import { systemClock } from "../../core/platform/clock.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorCode, type StoreFiles, systemFiles } from "./files.ts";
import { readManifest, writeManifest } from "./log_manifest.ts";
import { DamagedFile } from "./log_reader.ts";
import { createSegment, replay } from "./log_recovery.ts";
import { readSnapshot, snapshotName, writeSnapshot } from "./log_snapshot.ts";
import { StoreState } from "./state.ts";
import type { KeyValue } from "./store.ts";

/** What a store's folder, or a file that was made of one, holds. */
export interface StoreContents {
  /** The folder or file. */
  readonly path: string;
  readonly revision: number;
  /** Watches may resume after this revision. Of a file: its own. */
  readonly oldest: number;
  readonly items: readonly KeyValue[];
  /** Bytes at the end of the log that a write has left which never finished, or has not yet. */
  readonly unfinishedBytes: number;
}

/** What the functions of this file take. */
export interface BackupOptions {
  /** Default: the machine's own. */
  readonly files?: StoreFiles;
  readonly clock?: Clock;
}

/** What is added to a restored store's revision, so that none that was given out since the snapshot is given out again. */
export const defaultBump = 1_000_000_000;

/** Reads of a folder that somebody writes to, and milliseconds between them. */
const maxReads = 50;
const pauseMs = 50;

/**
 * Reads everything in a store's folder and holds it against its checksums, changing nothing; the store may be in use.
 *
 * @param path a store's folder, the data folder of a master that contains it, or a file of {@linkcode exportStore}
 * @throws DamagedFile; Error when there is no store
 */
export async function readStore(path: string, options: BackupOptions = {}): Promise<StoreContents> {
  const { files = systemFiles } = options;
  const folder = await folderOfStore(path, files);
  return folder === undefined ? readExport(path, files) : readFolder(folder, options);
}

/** The store's folder at or in `path`; undefined when `path` is a file. */
async function folderOfStore(path: string, files: StoreFiles): Promise<string | undefined> {
  for (const folder of [path, join(path, "store")]) {
    const names = await files.list(folder).catch((error: unknown) => {
      if (errorCode(error) === "ENOTDIR") return undefined;
      if (errorCode(error) === "ENOENT") return [];
      throw error;
    });
    if (!names) return undefined;
    if (names.some((name) => /^(MANIFEST|\d{16}\.log)$/.test(name))) return folder;
  }
  throw new Error(`Cannot find a store: neither ${path} nor ${join(path, "store")} holds one`);
}

async function readExport(path: string, files: StoreFiles): Promise<StoreContents> {
  const items: KeyValue[] = [];
  const revision = await readSnapshot(path, { files, restore: (item) => items.push(item) });
  return { path, revision, oldest: revision, items, unfinishedBytes: 0 };
}

async function readFolder(folder: string, options: BackupOptions): Promise<StoreContents> {
  const { files = systemFiles, clock = systemClock } = options;
  let before = "";
  for (let reads = 1; ; reads++) {
    try {
      return await readOnce(folder, files, clock);
    } catch (error) {
      if (!(error instanceof DamagedFile) && errorCode(error) !== "ENOENT") throw error;
      // A master at work changes files while they are read. What does not change is damaged.
      const now = await sizesIn(folder, files);
      if (now === before || reads >= maxReads) throw error;
      before = now;
      await clock.sleep(pauseMs);
    }
  }
}

async function readOnce(folder: string, files: StoreFiles, clock: Clock): Promise<StoreContents> {
  const manifest = await readManifest(folder, files);
  if (!manifest) throw new DamagedFile(join(folder, "MANIFEST"), 0, "the file is missing");
  const nothing = { events: 0, ms: 0, bytes: 0 };
  const state = new StoreState({ clock, recent: nothing, older: async function* () {} });
  const { segments } = await replay(folder, manifest, { state, files });
  const last = segments[segments.length - 1];
  const size = last ? await sizeOf(join(folder, last.file), files) : 0;
  return {
    path: folder,
    revision: state.revision,
    oldest: state.oldest,
    items: (await state.list("")).items,
    unfinishedBytes: size - (last?.end ?? 0),
  };
}

async function sizesIn(folder: string, files: StoreFiles): Promise<string> {
  const names = [...(await files.list(folder))].sort();
  const sizes = names.map(async (name) => `${name} ${await sizeOf(join(folder, name), files).catch(() => 0)}`);
  return (await Promise.all(sizes)).join("\n");
}

async function sizeOf(path: string, files: StoreFiles): Promise<number> {
  const file = await files.open(path, "read");
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}

/**
 * Puts everything that a store holds now into one file, replaced wholly or not at all. The store may be in use: what was
 * answered before the call is in it.
 *
 * @throws DamagedFile; Error when there is no store
 */
export async function exportStore(path: string, file: string, options: BackupOptions = {}): Promise<StoreContents> {
  const { files = systemFiles } = options;
  const contents = await readStore(path, options);
  const { revision, items } = contents;
  await writeSnapshot(dirname(resolve(file)), { revision, items, files, name: basename(file) });
  return contents;
}

/**
 * Makes a store in an empty folder out of a file of {@linkcode exportStore}. Its revision is the file's and `bump`: those
 * that were given out after the export belong to other contents and are not given out again; watches of before are told
 * that they are too old.
 *
 * @throws DamagedFile; Error when the folder is not empty
 */
export async function restoreStore(
  file: string,
  folder: string,
  options: BackupOptions & { readonly bump?: number } = {},
): Promise<StoreContents> {
  const { files = systemFiles, bump = defaultBump } = options;
  const { items, revision: exported } = await readExport(file, files);
  const revision = exported + bump;
  if (!Number.isSafeInteger(bump) || bump < 0 || revision >= 2 ** 48) {
    throw new RangeError(`Cannot restore: the revision cannot be raised by ${bump}`);
  }
  await files.makeFolder(folder);
  await using _lock = await files.lock(folder, "restore the store");
  const others = (await files.list(folder)).filter((name) => !/^lock\./i.test(name));
  if (others.length > 0) throw new Error(`Cannot restore: ${folder} is not empty: ${others.slice(0, 3).join(", ")}`);
  await writeSnapshot(folder, { revision, items, files });
  const { file: segment, first, end } = await createSegment(folder, revision + 1, files);
  // The manifest comes last: without it the folder counts as damaged, never as a store.
  const snapshot = { file: snapshotName(revision), revision };
  await writeManifest(folder, { snapshot, segments: [{ file: segment, first }], compacted: revision, end }, files);
  await files.syncFolder(dirname(resolve(folder)));
  return { path: folder, revision, oldest: revision, items, unfinishedBytes: 0 };
}
