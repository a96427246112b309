import { dirname } from "node:path";
import type { Random } from "../../../core/platform/random.ts";
import type { StoreFile, StoreFiles } from "../../../master_daemon/store/files.ts";
import { systemError } from "./fault_files.ts";

/** What a file holds: as programs see it, and as it stands on the platters since the last sync. */
interface Inode {
  current: Uint8Array;
  durable: Uint8Array;
}

/** Options of {@linkcode SimulatedDisk}. */
export interface SimulatedDiskOptions {
  /** The unit that is written wholly or not at all. Default 512. */
  readonly pageBytes?: number;
}

/**
 * A file system in memory on which the power can be cut before any one operation. What was not synced is then there, or
 * not, or in part: page by page and name by name, in no order, which is all that POSIX promises.
 */
export class SimulatedDisk implements StoreFiles {
  readonly #pageBytes: number;
  readonly #names = new Map<string, Inode>();
  readonly #durableNames = new Map<string, Inode>();
  /** Operations that changed something, or were about to. */
  operations: number = 0;
  /** The power goes before the operation of this number. */
  cutAt: number = Number.POSITIVE_INFINITY;
  /** Bytes that files may hold together; a write beyond is done in part and refused. */
  capacity: number = Number.POSITIVE_INFINITY;
  /** Called before an operation that changes something; what it throws is the operation's failure. */
  fault: (operation: string, path: string) => void = () => {};

  constructor({ pageBytes = 512 }: SimulatedDiskOptions = {}) {
    this.#pageBytes = pageBytes;
  }

  /** Whether the power was cut: nothing that happened since then counts. */
  get isOff(): boolean {
    return this.operations > this.cutAt;
  }

  /** Bytes in all files. */
  get used(): number {
    return [...this.#names.values()].reduce((sum, { current }) => sum + current.length, 0);
  }

  /** The content of a file, to be looked at and damaged. */
  content(path: string): Uint8Array {
    return this.#inode(path).current;
  }

  /** Puts a file there, synced. */
  put(path: string, content: Uint8Array): void {
    const inode = { current: content, durable: content };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /** Paths of all files. */
  get paths(): readonly string[] {
    return [...this.#names.keys()].sort();
  }

  /** The disk as it may be found after the power was cut. */
  afterPowerCut(random: Random): SimulatedDisk {
    const found = new SimulatedDisk({ pageBytes: this.#pageBytes });
    const survivors = new Map<Inode, Uint8Array>();
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const [before, now] = [this.#durableNames.get(path), this.#names.get(path)];
      const inode = before === now || random() < 0.5 ? now : before;
      if (!inode) continue;
      const content = survivors.get(inode) ?? this.#survivor(inode, random);
      survivors.set(inode, content);
      found.put(path, content);
    }
    return found;
  }

  /** The disk as another process finds it when the last one was killed: as it is, and what was not synced still is not. */
  copy(): SimulatedDisk {
    const copy = new SimulatedDisk({ pageBytes: this.#pageBytes });
    const inodes = new Map<Inode, Inode>();
    const copied = (inode: Inode): Inode => {
      const known = inodes.get(inode) ?? { ...inode };
      inodes.set(inode, known);
      return known;
    };
    for (const [path, inode] of this.#names) copy.#names.set(path, copied(inode));
    for (const [path, inode] of this.#durableNames) copy.#durableNames.set(path, copied(inode));
    return copy;
  }

  #survivor({ current, durable }: Inode, random: Random): Uint8Array {
    if (current === durable) return current.slice();
    const shorter = Math.min(current.length, durable.length);
    const longer = Math.max(current.length, durable.length);
    const [kind, between] = [random(), shorter + Math.floor(random() * (longer - shorter + 1))];
    const size = kind < 0.3 ? durable.length : kind < 0.6 ? current.length : between;
    // All of the pages, none of them, or each by chance.
    const chance = [0, 0.5, 1][Math.floor(random() * 3)] ?? 0.5;
    const content = new Uint8Array(size);
    for (let at = 0; at < size; at += this.#pageBytes) {
      const source = random() < chance ? current : durable;
      content.set(source.subarray(at, Math.min(at + this.#pageBytes, size)), at);
    }
    return content;
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (!inode) throw systemError("ENOENT");
    return inode;
  }

  #change(operation: string, path: string): void {
    if (this.operations++ >= this.cutAt) throw systemError("EIO");
    this.fault(operation, path);
  }

  async open(path: string, mode: "read" | "write" | "create"): Promise<StoreFile> {
    if (mode === "create") {
      this.#change("create", path);
      if (this.#names.has(path)) throw systemError("EEXIST");
      this.#names.set(path, { current: new Uint8Array(), durable: new Uint8Array() });
    }
    const inode = this.#inode(path);
    return {
      path,
      write: async (data, position) => {
        this.#change("write", path);
        this.#write(inode, data, position);
      },
      read: async (position, length) => inode.current.slice(position, position + length),
      sync: async () => {
        this.#change("sync", path);
        inode.durable = inode.current;
      },
      truncate: async (bytes) => {
        this.#change("truncate", path);
        inode.current = resized(inode.current, bytes);
      },
      size: async () => inode.current.length,
      close: async () => {},
    };
  }

  #write(inode: Inode, data: Uint8Array, position: number): void {
    const room = this.capacity - this.used + inode.current.length;
    const isFull = position + data.length > Math.max(room, inode.current.length);
    const written = isFull ? data.subarray(0, Math.max(0, room - position)) : data;
    const next = resized(inode.current, Math.max(inode.current.length, position + written.length));
    next.set(written, position);
    inode.current = next;
    if (isFull) throw systemError("ENOSPC");
  }

  async list(folder: string): Promise<readonly string[]> {
    if (this.#names.has(folder)) throw systemError("ENOTDIR");
    return this.paths.flatMap((path) => (dirname(path) === folder ? path.slice(folder.length + 1) : []));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#change("rename", to);
    this.#names.set(to, this.#inode(from));
    this.#names.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.#change("remove", path);
    this.#names.delete(path);
  }

  async makeFolder(): Promise<void> {}

  async syncFolder(folder: string): Promise<void> {
    this.#change("syncFolder", folder);
    const inside = (path: string) => dirname(path) === folder;
    for (const path of [...this.#durableNames.keys()].filter(inside)) this.#durableNames.delete(path);
    for (const [path, inode] of this.#names) if (inside(path)) this.#durableNames.set(path, inode);
  }

  async lock(): Promise<AsyncDisposable> {
    return { [Symbol.asyncDispose]: async () => {} };
  }
}

function resized(content: Uint8Array, bytes: number): Uint8Array {
  const next = new Uint8Array(bytes);
  next.set(content.subarray(0, bytes));
  return next;
}
