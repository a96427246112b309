import type { Kind } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { assert } from "../../core/util/assert.ts";
import type { RegistryEvent, Selection } from "./registry.ts";
import { StorageLayout, StoredObject } from "./stored_object.ts";

/** Objects converted at once: more would keep the event loop, or a webhook, for too long. */
const conversionSlice = 500;

/** Between the version of a kind that is served and the one that is stored; most kinds are stored as they are served. */
export class ServedVersion {
  readonly #kind: Kind;
  /** Of the version that is served. */
  readonly layout: StorageLayout;
  /** Made once for each state of an object, whoever asks. */
  readonly #converted = new WeakMap<StoredObject, StoredObject>();

  constructor(kind: Kind) {
    this.#kind = kind;
    this.layout = new StorageLayout(kind);
  }

  /** Whether objects are stored in another version. */
  get converts(): boolean {
    return this.#kind.storedAs !== undefined;
  }

  /** The object as it is to be stored. */
  async toStored(object: KubeObject): Promise<KubeObject> {
    const { storedAs } = this.#kind;
    if (!storedAs) return object;
    const [stored] = await storedAs.toStored([object]);
    assert(stored, "a conversion gives as many objects as it takes");
    return stored;
  }

  /** A stored object as it is served. */
  async of(stored: StoredObject): Promise<StoredObject> {
    const [served] = await this.all([stored]);
    return served ?? stored;
  }

  /** Stored objects as they are served, in the same order. */
  async all(stored: readonly StoredObject[]): Promise<readonly StoredObject[]> {
    const { storedAs } = this.#kind;
    if (!storedAs) return stored;
    const missing = stored.filter((one) => !this.#converted.has(one));
    for (let start = 0; start < missing.length; start += conversionSlice) {
      const slice = missing.slice(start, start + conversionSlice);
      const objects = await storedAs.fromStored(slice.map(({ object }) => object));
      for (const [index, one] of slice.entries()) {
        const object = objects[index];
        assert(object, "a conversion gives as many objects as it takes");
        this.#converted.set(one, object === one.object ? one : this.#servedObject(one, object));
      }
    }
    return stored.map((one) => this.#converted.get(one) ?? one);
  }

  #servedObject({ key, revision }: StoredObject, object: KubeObject): StoredObject {
    return new StoredObject({ layout: this.layout, key, revision, value: this.layout.encode(object), object });
  }

  /** Changes of stored objects as a watcher of the version that is served sees them. */
  async *events(
    batches: AsyncIterable<readonly RegistryEvent[]>,
    { matches }: Selection,
  ): AsyncGenerator<readonly RegistryEvent[], void, void> {
    for await (const batch of batches) {
      const served: RegistryEvent[] = [];
      for (const event of batch) {
        const converted = event.type === "BOOKMARK" ? event : await this.#event(event, matches);
        if (converted) served.push(converted);
      }
      if (served.length > 0) yield served;
    }
  }

  async #event(
    event: Exclude<RegistryEvent, { readonly type: "BOOKMARK" }>,
    matches: Selection["matches"],
  ): Promise<RegistryEvent | undefined> {
    const stored = await this.of(event.stored as StoredObject);
    if (event.type !== "MODIFIED") return !matches || matches(stored) ? { type: event.type, stored } : undefined;
    const previous = await this.of(event.previous as StoredObject);
    const [isIn, wasIn] = [!matches || matches(stored), !matches || matches(previous)];
    if (isIn) return wasIn ? { type: "MODIFIED", stored, previous } : { type: "ADDED", stored };
    return wasIn ? { type: "DELETED", stored: previous.at(stored.revision) } : undefined;
  }
}
