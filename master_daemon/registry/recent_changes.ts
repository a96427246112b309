import { assert } from "../../core/util/assert.ts";
import type { Change } from "./change.ts";
import type { KindCache } from "./kind_cache.ts";

const maxChanges = 2_048;
const maxBytes = 16 * 2 ** 20;

/** The last changes of all kinds, in order and within bounds, for watches that resume. */
export class RecentChanges {
  /** Those before `#first` are forgotten. */
  #entries: ({ readonly cache: KindCache; readonly change: Change } | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  #start = 0;

  /** Changes after this revision are here; older ones are the store's to tell. */
  get start(): number {
    return this.#start;
  }

  /** Forgets everything: what comes next is after `revision`. */
  restart(revision: number): void {
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#start = revision;
  }

  /** Takes a change in, which is the latest; {@linkcode trim} makes room. */
  push(cache: KindCache, change: Change): void {
    this.#entries.push({ cache, change });
    this.#bytes += change.size;
  }

  /** Forgets what is beyond the bounds, oldest first. */
  trim(): void {
    while (this.#entries.length - this.#first > maxChanges || this.#bytes > maxBytes) {
      const oldest = this.#entries[this.#first];
      if (!oldest) break;
      this.#entries[this.#first++] = undefined;
      this.#bytes -= oldest.change.size;
      this.#start = oldest.change.revision;
    }
    // Moving all others up for each that goes would cost more than all else about a change.
    if (this.#first < maxChanges) return;
    this.#entries.splice(0, this.#first);
    this.#first = 0;
  }

  /** The changes of a kind after one revision up to another, in order. */
  between(cache: KindCache, { after, until }: { readonly after: number; readonly until: number }): readonly Change[] {
    return this.#entries
      .slice(this.#firstAfter(after))
      .flatMap((entry) => (entry?.cache === cache && entry.change.revision <= until ? entry.change : []));
  }

  /** Index of the first change with a revision greater than `revision`. */
  #firstAfter(revision: number): number {
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      assert(entry, "the middle of a range is inside of it");
      if (entry.change.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
