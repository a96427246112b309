import { rename, writeFile } from "node:fs/promises";
import { readTextFile } from "../../../core/platform/files.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { ImageService } from "../../runtime/runtime.ts";

/** An image that this node fetched, and that was not there before. Times are milliseconds since the epoch. */
export interface ImageRecord {
  readonly id: string;
  /** The names under which it was fetched. One that somebody else gave it is not among them. */
  readonly names: readonly string[];
  readonly pulledAt: number;
  readonly lastUsedAt: number;
}

/** Options of {@linkcode ImageRecords}. */
export interface ImageRecordsOptions {
  readonly images: ImageService;
  /** Where the records are kept. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** An image was fetched: there is less room. */
  onPulled(): void;
}

const maxRecords = 10_000;

/**
 * Knows which of an engine's images this node brought there: only those are its to remove. The engine may be a developer's,
 * whose own images, built or fetched by hand, are nobody else's business.
 */
export class ImageRecords {
  readonly #options: ImageRecordsOptions;
  #records: Promise<Map<string, ImageRecord>> | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: ImageRecordsOptions) {
    this.#options = options;
  }

  /** Runs a pull, which resolves with the image's id, and notes the image if it was not there before. Returns the id. */
  async pulled(pull: () => Promise<string>, { signal }: { readonly signal: AbortSignal }): Promise<string> {
    const { images, clock, log, onPulled } = this.#options;
    const before = await images.list({ signal }).catch(() => undefined);
    const id = await pull();
    onPulled();
    try {
      const records = await this.#open();
      const record = records.get(id);
      const present = before?.find((image) => image.id === id);
      // Without knowing what was there, nothing can be told to be ours. What others build meanwhile has another id.
      const found = before && (await images.list({ signal })).find((image) => image.id === id);
      if (!found || (present && !record)) return id;
      const added = found.names.filter((name) => !present?.names.includes(name));
      const names = [...new Set([...(record?.names ?? []), ...added])];
      const now = clock.now();
      records.set(id, { id, names, pulledAt: record?.pulledAt ?? now, lastUsedAt: now });
      await this.#save(records);
    } catch (error) {
      signal.throwIfAborted();
      log.warn("Cannot note an image that was pulled: it will not be removed", { error: errorMessage(error) });
    }
    return id;
  }

  /** All images that are this node's to remove. */
  async list(): Promise<readonly ImageRecord[]> {
    return [...(await this.#open()).values()];
  }

  /** Replaces all records. */
  async replace(records: readonly ImageRecord[]): Promise<void> {
    const map = await this.#open();
    if (JSON.stringify([...map.values()]) === JSON.stringify(records)) return;
    map.clear();
    for (const record of records) map.set(record.id, record);
    await this.#save(map);
  }

  #open(): Promise<Map<string, ImageRecord>> {
    this.#records ??= this.#read();
    return this.#records;
  }

  async #read(): Promise<Map<string, ImageRecord>> {
    const found = parseRecords(await readTextFile(this.#options.path));
    return new Map(found.map((record) => [record.id, record]));
  }

  /** One write after the other, each whole. */
  #save(records: ReadonlyMap<string, ImageRecord>): Promise<void> {
    const { path } = this.#options;
    const text = `${JSON.stringify({ images: [...records.values()].slice(-maxRecords) })}\n`;
    this.#saving = this.#saving
      .catch(() => {})
      .then(async () => {
        await writeFile(`${path}.tmp`, text, { mode: 0o600 });
        await rename(`${path}.tmp`, path);
      });
    return this.#saving;
  }
}

/** What a file says; nothing where it says nothing that makes sense: then no image is ours. */
function parseRecords(text: string | undefined): readonly ImageRecord[] {
  try {
    const { images } = JSON.parse(text ?? "{}") as { readonly images?: readonly ImageRecord[] };
    return (Array.isArray(images) ? images : []).filter(
      ({ id, names, pulledAt, lastUsedAt }) =>
        typeof id === "string" &&
        Array.isArray(names) &&
        names.every((name) => typeof name === "string") &&
        Number.isFinite(pulledAt) &&
        Number.isFinite(lastUsedAt),
    );
  } catch {
    return [];
  }
}
