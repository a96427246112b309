import type { Change } from "./change.ts";
import type { Selection } from "./registry.ts";
import type { StoredObject } from "./stored_object.ts";
import type { Watcher } from "./watcher.ts";

interface FieldIndex {
  readonly read: NonNullable<Selection["only"]>["read"];
  readonly byValue: Map<string, Set<Watcher>>;
}

/**
 * Who watches a kind. Those who want one value of a field are found by it: every node watches the pods of its own name, and
 * a change concerns one of thousands.
 */
export class WatcherSet {
  readonly #general = new Set<Watcher>();
  readonly #byField = new Map<string, FieldIndex>();

  get empty(): boolean {
    return this.#general.size === 0 && this.#byField.size === 0;
  }

  add(watcher: Watcher): void {
    const { only } = watcher.selection;
    if (!only) {
      this.#general.add(watcher);
      return;
    }
    const { field, value, read } = only;
    const index = this.#byField.get(field) ?? { read, byValue: new Map<string, Set<Watcher>>() };
    const same = index.byValue.get(value) ?? new Set();
    this.#byField.set(field, index);
    index.byValue.set(value, same.add(watcher));
  }

  delete(watcher: Watcher): void {
    this.#general.delete(watcher);
    const { only } = watcher.selection;
    const index = only && this.#byField.get(only.field);
    const same = index?.byValue.get(only?.value ?? "");
    if (!only || !index || !same?.delete(watcher) || same.size > 0) return;
    index.byValue.delete(only.value);
    if (index.byValue.size === 0) this.#byField.delete(only.field);
  }

  *[Symbol.iterator](): Generator<Watcher, void, void> {
    yield* this.#general;
    for (const index of this.#byField.values()) yield* everybody(index);
  }

  /** Those whom a change may concern: whose selection takes the object as it is, or took it as it was. */
  *concernedBy({ next, previous }: Pick<Change, "next" | "previous">): Generator<Watcher, void, void> {
    yield* this.#general;
    for (const index of this.#byField.values()) {
      const values = valuesOf([next, previous], index);
      if (!values) yield* everybody(index);
      else for (const value of values) yield* index.byValue.get(value) ?? [];
    }
  }
}

function* everybody({ byValue }: FieldIndex): Generator<Watcher, void, void> {
  for (const watchers of byValue.values()) yield* watchers;
}

/** Undefined for an object that cannot be read: everybody finds that out for themselves. */
function valuesOf(
  states: readonly (StoredObject | undefined)[],
  { read }: FieldIndex,
): ReadonlySet<string> | undefined {
  try {
    return new Set(states.flatMap((state) => (state ? [read(state)] : [])));
  } catch {
    return undefined;
  }
}
