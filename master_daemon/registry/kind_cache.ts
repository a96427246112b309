import type { Kind } from "../../core/api/kind.ts";
import { type KubeObject, keyText } from "../../core/api/meta.ts";
import { SortedMap } from "../store/sorted_map.ts";
import type { Change } from "./change.ts";
import type { RegistryEvent, Selection } from "./registry.ts";
import { StorageLayout, type StoredObject } from "./stored_object.ts";
import type { Watcher } from "./watcher.ts";
import { WatcherSet } from "./watcher_set.ts";

/** Present objects handed to a new watcher at once. */
const initialBatch = 500;

/** The objects of one kind, and who watches them. */
export class KindCache {
  /** How objects are written now. */
  layout: StorageLayout;
  /** By `namespace/name`. */
  readonly items: SortedMap<StoredObject> = new SortedMap<StoredObject>();
  /** Revision of the last change to any object of the kind. */
  lastChanged = 0;
  /** By namespace; `""` holds those of all namespaces. */
  readonly #watchers = new Map<string, WatcherSet>();
  /** Names of objects that changed while those of before are read; undefined when nothing is read. */
  #changedMeanwhile: Set<string> | undefined;

  constructor(kind: Kind) {
    this.layout = new StorageLayout(kind);
  }

  add(watcher: Watcher): void {
    const namespace = watcher.selection.namespace ?? "";
    const set = this.#watchers.get(namespace) ?? new WatcherSet();
    set.add(watcher);
    this.#watchers.set(namespace, set);
  }

  remove(watcher: Watcher): void {
    const namespace = watcher.selection.namespace ?? "";
    const set = this.#watchers.get(namespace);
    set?.delete(watcher);
    if (set?.empty) this.#watchers.delete(namespace);
  }

  *watchers(): Generator<Watcher, void, void> {
    for (const set of this.#watchers.values()) yield* set;
  }

  /** Takes in the objects of before that `read` gives, but for those that changed meanwhile. */
  async fill(read: () => Promise<readonly StoredObject[]>): Promise<void> {
    this.#changedMeanwhile = new Set();
    try {
      for (const stored of await read()) {
        const name = keyText(stored.key);
        if (!this.#changedMeanwhile.has(name)) this.items.set(name, stored);
      }
    } finally {
      this.#changedMeanwhile = undefined;
    }
  }

  /** Takes a change in and tells whom it may concern. */
  apply(change: Change): void {
    const name = keyText(change.key);
    this.#changedMeanwhile?.add(name);
    if (change.next) this.items.set(name, change.next);
    else this.items.delete(name);
    this.lastChanged = change.revision;
    for (const namespace of change.key.namespace ? ["", change.key.namespace] : [""])
      for (const watcher of this.#watchers.get(namespace)?.concernedBy(change) ?? []) watcher.offer(change);
  }
}

/** The present objects as ADDED events: those of one moment, however slowly they are read. */
export function* initialEvents(
  { items }: KindCache,
  { namespace, matches }: Selection,
): Generator<readonly RegistryEvent<KubeObject>[], void, void> {
  const present = items.slice(namespace === undefined ? "" : `${namespace}/`);
  for (let index = 0; index < present.length; index += initialBatch) {
    const batch = present
      .slice(index, index + initialBatch)
      .flatMap((stored) => (!matches || matches(stored) ? [{ type: "ADDED" as const, stored }] : []));
    if (batch.length > 0) yield batch;
  }
}
