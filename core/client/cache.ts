import { controllerOf, type KubeObject, keyOf, keyText, type ObjectKey } from "../api/meta.ts";
import type { CacheChange, Lister } from "./informer.ts";

/** Gives the values under which an object is found. */
export type IndexFunction<T> = (object: T) => readonly string[];

interface Entry<T> {
  readonly object: T;
  readonly revision: bigint;
}

interface Index<T> {
  readonly valuesOf: IndexFunction<T>;
  readonly buckets: Map<string, Map<string, T>>;
}

const byNamespace = "wherry.namespace";
const byOwner = "wherry.ownerUid";

/** The objects of an informer with their indexes. Every change says what became of which object; older states are refused. */
export class Cache<T extends KubeObject> implements Lister<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor() {
    this.addIndex(byNamespace, ({ metadata }) => [metadata.namespace ?? ""]);
    this.addIndex(byOwner, (object) => {
      const owner = controllerOf(object);
      return owner ? [owner.uid] : [];
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#entries.get(keyText(key))?.object;
  }

  list(namespace?: string): readonly T[] {
    if (namespace !== undefined) return this.byIndex(byNamespace, namespace);
    return Array.from(this.#entries.values(), ({ object }) => object);
  }

  ownedBy({ metadata }: { readonly metadata: { readonly uid?: string } }): readonly T[] {
    return metadata.uid === undefined ? [] : this.byIndex(byOwner, metadata.uid);
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new RangeError(`Cannot look up: no index "${name}"`);
    const bucket = index.buckets.get(value);
    return bucket ? [...bucket.values()] : [];
  }

  /**
   * Adds an index, over what is there too.
   *
   * @throws RangeError when another function already stands under `name`
   */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    const present = this.#indexes.get(name);
    if (present?.valuesOf === valuesOf) return;
    if (present) throw new RangeError(`Cannot add an index: another function stands under "${name}"`);
    const index: Index<T> = { valuesOf, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, { object }] of this.#entries) insert(index, key, object);
  }

  /** Takes in the state of one object as of `revision`. An object that was made anew under its name is a deletion and an addition. */
  set(object: T, revision: bigint): readonly CacheChange<T>[] {
    const key = keyText(keyOf(object));
    const present = this.#entries.get(key);
    if (present && present.revision >= revision) return [];
    this.#entries.set(key, { object, revision });
    if (!present) {
      for (const index of this.#indexes.values()) insert(index, key, object);
      return [{ type: "added", object }];
    }
    const previous = present.object;
    for (const index of this.#indexes.values()) replace(index, key, { object, previous });
    if (previous.metadata.uid === object.metadata.uid) return [{ type: "updated", object, previous }];
    return [
      { type: "deleted", object: previous },
      { type: "added", object },
    ];
  }

  /** Takes an object out, whose last state as of `revision` this is. */
  delete(object: T, revision: bigint): readonly CacheChange<T>[] {
    const key = keyText(keyOf(object));
    const present = this.#entries.get(key);
    if (!present || present.revision > revision) return [];
    this.#remove(key, present.object);
    return [{ type: "deleted", object }];
  }

  /**
   * Makes `objects` the whole content: what is missing there is deleted, with the state last seen.
   *
   * @param options.anew the server's history began anew: its revisions do not compare with those held
   */
  *replace(
    objects: readonly { readonly object: T; readonly revision: bigint }[],
    { anew }: { readonly anew: boolean },
  ): Generator<CacheChange<T>, void, void> {
    const listed = new Set(objects.map(({ object }) => keyText(keyOf(object))));
    for (const [key, { object }] of this.#entries) {
      if (listed.has(key)) continue;
      this.#remove(key, object);
      yield { type: "deleted", object };
    }
    if (anew) for (const [key, { object }] of this.#entries) this.#entries.set(key, { object, revision: -1n });
    for (const { object, revision } of objects) yield* this.set(object, revision);
  }

  #remove(key: string, object: T): void {
    this.#entries.delete(key);
    for (const index of this.#indexes.values()) for (const value of index.valuesOf(object)) take(index, key, value);
  }
}

/** An object changed: as a rule it is found under the same values as before. */
function replace<T>(index: Index<T>, key: string, { object, previous }: { readonly object: T; readonly previous: T }) {
  const [values, before] = [index.valuesOf(object), index.valuesOf(previous)];
  if (before.length !== values.length || before.some((value, at) => value !== values[at]))
    for (const value of before) take(index, key, value);
  for (const value of values) put(index, value, key, object);
}

function take<T>({ buckets }: Index<T>, key: string, value: string): void {
  const bucket = buckets.get(value);
  bucket?.delete(key);
  if (bucket?.size === 0) buckets.delete(value);
}

function insert<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) put(index, value, key, object);
}

function put<T>({ buckets }: Index<T>, value: string, key: string, object: T): void {
  const bucket = buckets.get(value);
  if (bucket) bucket.set(key, object);
  else buckets.set(value, new Map([[key, object]]));
}
