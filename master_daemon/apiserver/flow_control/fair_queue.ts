import { seededRandom } from "../../../core/platform/random.ts";

/** How many queues there are, how many of them a flow may use, and how long each may be. */
export interface QueuingOptions {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/**
 * Requests that wait, in queues that are served in turn. A flow has a few queues of its own, chosen by its name, and uses
 * the shortest: one that asks for very much fills these few, and another flow has, most likely, one that is free.
 *
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#fairqueuing
 */
export class FairQueue<T> {
  readonly #options: QueuingOptions;
  readonly #queues: (readonly T[] & T[])[];
  /** The queue that was served last. */
  #last = -1;
  #size = 0;

  constructor(options: QueuingOptions) {
    this.#options = options;
    this.#queues = Array.from({ length: options.queues }, () => []);
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether the item was taken: its flow's queues may all be full. */
  add(flow: string, item: T): boolean {
    let shortest: T[] | undefined;
    for (const index of handOf(flow, this.#options)) {
      const queue = this.#queues[index];
      if (queue && (!shortest || queue.length < shortest.length)) shortest = queue;
    }
    if (!shortest || shortest.length >= this.#options.queueLengthLimit) return false;
    shortest.push(item);
    this.#size++;
    return true;
  }

  /** The first of the next queue in turn. */
  next(): T | undefined {
    if (this.#size === 0) return undefined;
    for (let step = 1; step <= this.#queues.length; step++) {
      const index = (this.#last + step) % this.#queues.length;
      const item = this.#queues[index]?.shift();
      if (item === undefined) continue;
      this.#last = index;
      this.#size--;
      return item;
    }
    return undefined;
  }

  /** Takes out one that no longer wants to wait. */
  remove(item: T): void {
    for (const queue of this.#queues) {
      const index = queue.indexOf(item);
      if (index < 0) continue;
      queue.splice(index, 1);
      this.#size--;
      return;
    }
  }
}

/** The queues of a flow: always the same for the same name. */
export function handOf(flow: string, { queues, handSize }: QueuingOptions): readonly number[] {
  const random = seededRandom(hash(flow));
  const hand = new Set<number>();
  while (hand.size < Math.min(handSize, queues)) hand.add(Math.floor(random() * queues));
  return [...hand];
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
