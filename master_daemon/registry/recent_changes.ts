import { assert } from "../../core/util/assert.ts";
import type { Change } from "./change.ts";
import type { KindCache } from "./kind_cache.ts";

const maxChanges = 2_048;
const maxBytes = 16 * 2 ** 20;

/** The last changes of all kinds, in order and within bounds, for watches that resume. */
export class RecentChanges {
  #entries: { readonly cache: KindCache; readonly change: Change }[] = [];
  #bytes = 0;
  #start = 0;

  /** Changes after this revision are here; older ones are the store's to tell. */
  get start(): number {
    return this.#start;
  }

  /** Forgets everything: what comes next is after `revision`. */
  restart(revision: number): void {
    this.#entries = [];
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
    let count = 0;
    while (this.#entries.length - count > maxChanges || this.#bytes > maxBytes) {
      const oldest = this.#entries[count++];
      if (!oldest) break;
      this.#bytes -= oldest.change.size;
      this.#start = oldest.change.revision;
    }
    if (count > 0) this.#entries.splice(0, count);
  }

  /** The changes of a kind after one revision up to another, in order. */
  between(cache: KindCache, { after, until }: { readonly after: number; readonly until: number }): readonly Change[] {
    return this.#entries
      .slice(this.#firstAfter(after))
      .flatMap(({ cache: owner, change }) => (owner === cache && change.revision <= until ? change : []));
  }

  /** Index of the first change with a revision greater than `revision`. */
  #firstAfter(revision: number): number {
    let low = 0;
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
