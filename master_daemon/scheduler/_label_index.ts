import type { StringMap } from "../../core/api/meta.ts";
import { RecentMap } from "./_recent_map.ts";

/** Labels that are kept an index of: they come from users. */
const maxKeys = 64;

interface KeyIndex<T> {
  readonly key: string;
  readonly byValue: Map<string, Set<T>>;
  /** How many have the label. */
  size: number;
}

/** Things by the values of their labels, one index for each label that was asked for. */
export class LabelIndex<T> {
  readonly #keys = new RecentMap<KeyIndex<T>>(maxKeys);
  readonly #all: () => Iterable<T>;
  readonly #labelsOf: (thing: T) => StringMap;

  constructor(all: () => Iterable<T>, labelsOf: (thing: T) => StringMap) {
    this.#all = all;
    this.#labelsOf = labelsOf;
  }

  /** Who has a label, by its values, and how many they are. */
  by(key: string): { readonly byValue: ReadonlyMap<string, ReadonlySet<T>>; readonly size: number } {
    return this.#keys.getOrMake(key, () => {
      const index: KeyIndex<T> = { key, byValue: new Map(), size: 0 };
      for (const thing of this.#all()) put(index, this.#labelsOf(thing), thing);
      return index;
    });
  }

  add(thing: T): void {
    for (const index of this.#keys.values()) put(index, this.#labelsOf(thing), thing);
  }

  /** Takes out what was put in with these labels. */
  remove(thing: T, labels: StringMap): void {
    for (const index of this.#keys.values()) {
      const value = own(labels, index.key);
      const things = value === undefined ? undefined : index.byValue.get(value);
      if (value === undefined || !things?.delete(thing)) continue;
      index.size--;
      if (things.size === 0) index.byValue.delete(value);
    }
  }
}

function put<T>(index: KeyIndex<T>, labels: StringMap, thing: T): void {
  const value = own(labels, index.key);
  if (value === undefined) return;
  const things = index.byValue.get(value) ?? new Set();
  index.byValue.set(value, things.add(thing));
  index.size++;
}

function own(labels: StringMap, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
