/** Buckets enough for any number: each holds twice as much as the one before. */
const bucketCount = 64;

/** Things by how much they have left of something, roughly ordered: in buckets by powers of two. */
export class FreeIndex<T> {
  readonly #buckets: readonly Set<T>[] = Array.from({ length: bucketCount }, () => new Set());
  readonly #places = new Map<T, number>();

  /** Puts a thing where it belongs now. */
  set(thing: T, free: number): void {
    const place = bucketOf(free);
    const present = this.#places.get(thing);
    if (present === place) return;
    if (present !== undefined) this.#buckets[present]?.delete(thing);
    this.#buckets[place]?.add(thing);
    this.#places.set(thing, place);
  }

  delete(thing: T): void {
    const present = this.#places.get(thing);
    if (present !== undefined) this.#buckets[present]?.delete(thing);
    this.#places.delete(thing);
  }

  /** How many may have so much left: none that has is missing, some may have a little less. */
  countWith(wanted: number): number {
    return this.#from(wanted).reduce((sum, { size }) => sum + size, 0);
  }

  /** Those that {@linkcode countWith} counts. */
  with(wanted: number): readonly T[] {
    return this.#from(wanted).flatMap((bucket) => [...bucket]);
  }

  #from(wanted: number): readonly Set<T>[] {
    return this.#buckets.slice(bucketOf(wanted));
  }
}

function bucketOf(amount: number): number {
  return amount < 1 ? 0 : Math.min(bucketCount - 1, 1 + Math.floor(Math.log2(amount)));
}
