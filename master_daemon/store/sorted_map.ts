/** Keys of a chunk before it is split in two. */
const maxChunkLength = 512;

/**
 * A map by text that can be walked in key order (of UTF-16 code units). Reading a key is a hash look-up; adding and
 * removing one moves at most a chunk of {@linkcode maxChunkLength} keys.
 */
export class SortedMap<V> {
  readonly #values = new Map<string, V>();
  /** The keys in order, in chunks that are never empty. */
  readonly #chunks: string[][] = [];

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#insert(key);
    this.#values.set(key, value);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    const { chunk: index, at } = this.#locate(key);
    const chunk = this.#chunks[index];
    chunk?.splice(at, 1);
    if (chunk?.length === 0) this.#chunks.splice(index, 1);
    return true;
  }

  clear(): void {
    this.#values.clear();
    this.#chunks.length = 0;
  }

  /** Values in no particular order. */
  values(): IterableIterator<V> {
    return this.#values.values();
  }

  /** Values in key order of the keys that start with `prefix` and come after `after`, at most `limit`. */
  slice(prefix: string, after = "", limit: number = Number.POSITIVE_INFINITY): V[] {
    const { from, to } = this.#bounds(prefix, after);
    const values: V[] = [];
    for (let index = from.chunk; index <= to.chunk; index++) {
      const chunk = this.#chunks[index] ?? [];
      const end = index === to.chunk ? to.at : chunk.length;
      for (let at = index === from.chunk ? from.at : 0; at < end; at++) {
        if (values.length >= limit) return values;
        values.push(this.#values.get(chunk[at] ?? "") as V);
      }
    }
    return values;
  }

  /** How many keys start with `prefix` and come after `after`. */
  count(prefix: string, after = ""): number {
    const { from, to } = this.#bounds(prefix, after);
    let count = to.at - from.at;
    for (let index = from.chunk; index < to.chunk; index++) count += this.#chunks[index]?.length ?? 0;
    return count;
  }

  /** Where the keys with `prefix` after `after` begin, and where the first key beyond them stands. */
  #bounds(prefix: string, after: string): { readonly from: Place; readonly to: Place } {
    const to = prefix === "" ? { chunk: this.#chunks.length, at: 0 } : this.#locate(followerOf(prefix));
    // The least text after another is that with a zero character at its end.
    const start = after !== "" && after >= prefix ? `${after}\u0000` : prefix;
    return { from: start.startsWith(prefix) ? this.#locate(start) : to, to };
  }

  /** Where the first key stands that is not less than `key`. */
  #locate(key: string): Place {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#chunks[middle];
      if (chunk && (chunk[chunk.length - 1] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return { chunk: low, at: lowerBound(this.#chunks[low] ?? [], key) };
  }

  #insert(key: string): void {
    let { chunk: index, at } = this.#locate(key);
    if (index === this.#chunks.length && index > 0) {
      index -= 1;
      at = this.#chunks[index]?.length ?? 0;
    }
    const chunk = this.#chunks[index];
    if (!chunk) {
      this.#chunks.push([key]);
      return;
    }
    chunk.splice(at, 0, key);
    if (chunk.length > maxChunkLength) this.#chunks.splice(index + 1, 0, chunk.splice(chunk.length >>> 1));
  }
}

/** An index of a chunk and one inside of it. */
interface Place {
  readonly chunk: number;
  readonly at: number;
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The least text that is greater than every text with `prefix`. */
function followerOf(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
