import { createHash } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StringMap } from "../../../core/api/meta.ts";
import { folderUsage } from "../../../core/platform/folder_usage.ts";
import { listFolder, makeFolder, readJson, writeJson } from "../process_files.ts";

/** A program that was fetched. */
export interface StoredProgram {
  readonly id: string;
  /** Images by whose names it was fetched last. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  readonly details: StringMap;
}

/**
 * The folder of fetched programs: each in a folder of its own, named after its id and never changed once it is there, and
 * `index.json`, which says what each is called. What a daemon that was killed had half fetched is removed.
 */
export class ProgramStore {
  readonly folder: string;
  readonly #programs = new Map<string, StoredProgram>();
  #writing: Promise<void> = Promise.resolve();
  #fetches = 0;

  /** @param folder a folder of its own; made when something is fetched */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Reads what is there. */
  async open(): Promise<void> {
    const index = await readJson<{ readonly programs?: readonly StoredProgram[] }>(this.#indexFile).catch(
      () => undefined,
    );
    for (const program of index?.programs ?? []) {
      const isThere = await stat(this.folderOf(program.id)).then(
        () => true,
        () => false,
      );
      if (isThere) this.#programs.set(program.id, program);
    }
    const known = new Set([...this.#programs.keys()].map(folderName));
    for (const name of await listFolder(join(this.folder, "programs"))) {
      if (!known.has(name)) await rm(join(this.folder, "programs", name), { recursive: true, force: true });
    }
  }

  /** Everything that was fetched. */
  list(): readonly StoredProgram[] {
    return [...this.#programs.values()];
  }

  /** The program that an image's name, or its id, stands for. */
  find(name: string): StoredProgram | undefined {
    return this.#programs.get(name) ?? this.list().find(({ names }) => names.includes(name));
  }

  /** Where a program lies. */
  folderOf(id: string): string {
    return join(this.folder, "programs", folderName(id));
  }

  /** Keeps under a name what `fetch` puts into the folder that it is given; it may do so for two names at a time. */
  async add(
    name: string,
    fetch: (folder: string) => Promise<{ readonly id: string; readonly details: StringMap }>,
  ): Promise<StoredProgram> {
    const folder = join(this.folder, "programs", `new-${this.#fetches++}`);
    await makeFolder(join(this.folder, "programs"));
    await rm(folder, { recursive: true, force: true });
    // Whoever a container runs as has to be able to read it.
    await mkdir(folder, { mode: 0o755 });
    try {
      const { id, details } = await fetch(folder);
      const present = this.#programs.get(id);
      if (!present) {
        await rm(this.folderOf(id), { recursive: true, force: true });
        await rename(folder, this.folderOf(id));
      }
      const sizeBytes = present?.sizeBytes ?? (await folderUsage(this.folderOf(id)))?.bytes ?? 0;
      for (const other of this.list()) {
        if (other.names.includes(name)) this.#programs.set(other.id, withoutName(other, name));
      }
      const names = [...(this.#programs.get(id)?.names ?? []), name];
      const program = { id, names, sizeBytes, details };
      this.#programs.set(id, program);
      await this.#save();
      return program;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Takes a name away, or all names by the id; a program goes with its last name. */
  async remove(name: string): Promise<void> {
    const program = this.find(name);
    if (!program) return;
    const left = name === program.id ? [] : program.names.filter((one) => one !== name);
    if (left.length > 0) {
      this.#programs.set(program.id, { ...program, names: left });
    } else {
      this.#programs.delete(program.id);
      await rm(this.folderOf(program.id), { recursive: true, force: true });
    }
    await this.#save();
  }

  get #indexFile(): string {
    return join(this.folder, "index.json");
  }

  #save(): Promise<void> {
    this.#writing = this.#writing.catch(() => {}).then(() => writeJson(this.#indexFile, { programs: this.list() }));
    return this.#writing;
  }
}

function withoutName(program: StoredProgram, name: string): StoredProgram {
  return { ...program, names: program.names.filter((one) => one !== name) };
}

function folderName(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 40);
}
