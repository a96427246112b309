/** A priority queue: `pop()` gives the item that goes before all others. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** @param before whether `a` goes before `b` */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    let at = this.#items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapUnlessOrdered(parent, at)) return;
      at = parent;
    }
  }

  pop(): T | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (this.#items.length === 0 || last === undefined) return top;
    this.#items[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      if (left >= this.#items.length) return top;
      const child = right < this.#items.length && this.#goesBefore(right, left) ? right : left;
      if (!this.#swapUnlessOrdered(at, child)) return top;
      at = child;
    }
  }

  #goesBefore(a: number, b: number): boolean {
    return this.#before(this.#items[a] as T, this.#items[b] as T);
  }

  #swapUnlessOrdered(parent: number, child: number): boolean {
    if (!this.#goesBefore(child, parent)) return false;
    const item = this.#items[parent] as T;
    this.#items[parent] = this.#items[child] as T;
    this.#items[child] = item;
    return true;
  }
}
