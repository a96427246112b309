import { constants, readFileSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { lockFolder } from "../../core/platform/folder_lock.ts";

/** An open file that is read and written at positions. */
export interface StoreFile {
  readonly path: string;
  /** Writes all of `data` at `position`. */
  write(data: Uint8Array, position: number): Promise<void>;
  /** Reads up to `length` bytes; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Puts what was written on disk, where {@linkcode write} did not do so already. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** The part of a file system that the log store uses: injected, so that faults can be. */
export interface StoreFiles {
  /**
   * `create` fails when the file exists; new files are readable by their owner only. What is opened for `write` may be
   * written through: a short write that is synced at once then takes one call of the system, not two.
   */
  open(path: string, mode: "read" | "write" | "create"): Promise<StoreFile>;
  /** Names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is gone already is no error. */
  remove(path: string): Promise<void>;
  /** Makes a folder for its owner only, with those above it. */
  makeFolder(path: string): Promise<void>;
  /** Puts the names in a folder on disk. */
  syncFolder(path: string): Promise<void>;
  /** Makes this process the only one that uses the folder, for `purpose`, until disposed. */
  lock(folder: string, purpose: string): Promise<AsyncDisposable>;
}

/** The machine's own file system. */
export const systemFiles: StoreFiles = {
  async open(path, mode) {
    const flags = { read: "r", write: constants.O_RDWR | (constants.O_DSYNC ?? 0), create: "wx+" } as const;
    return new SystemFile(path, await open(path, flags[mode], 0o600));
  },
  list: (folder) => readdir(folder),
  rename: (from, to) => rename(from, to),
  async remove(path) {
    await unlink(path).catch((error: unknown) => {
      if (errorCode(error) !== "ENOENT") throw error;
    });
  },
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 }).catch(async (error: unknown) => {
      // Of a read-only file system Node says that the path is not there: once more, for what is really wrong.
      if (errorCode(error) !== "ENOENT") throw error;
      await mkdir(path, { mode: 0o700 });
    });
  },
  async syncFolder(path) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  lock: lockFolder,
};

class SystemFile implements StoreFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #isWrittenThrough: boolean;
  #isDirty = true;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
    this.#isWrittenThrough = isWrittenThrough(handle.fd);
  }

  async write(data: Uint8Array, position: number): Promise<void> {
    this.#isDirty ||= !this.#isWrittenThrough;
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await this.#handle.write(data, done, data.length - done, position + done);
      done += bytesWritten;
    }
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(buffer, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  }

  async sync(): Promise<void> {
    if (!this.#isDirty) return;
    await this.#handle.datasync();
    this.#isDirty = !this.#isWrittenThrough;
  }

  async truncate(bytes: number): Promise<void> {
    this.#isDirty = true;
    await this.#handle.truncate(bytes);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Whether the system took O_DSYNC: asked, because a runtime may leave out flags that it does not know. */
function isWrittenThrough(fd: number): boolean {
  try {
    const [, flags = "0"] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")) ?? [];
    return (Number.parseInt(flags, 8) & constants.O_DSYNC) !== 0;
  } catch {
    return false;
  }
}

/** The system's name of an error (`ENOENT`, `ENOSPC` …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}
