import type { KubeObject } from "../../core/api/meta.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import type { Change } from "./change.ts";
import type { RegistryEvent, Selection } from "./registry.ts";

/** Options of {@linkcode Watcher}. */
export interface WatcherOptions {
  readonly selection: Selection;
  readonly bookmarks: boolean;
  /** Bytes that may wait unread; past them the watcher is cut. */
  readonly budgetBytes: number;
}

/** One reader of changes: what it has not read yet waits here, within a budget. */
export class Watcher {
  readonly selection: Selection;
  readonly #options: WatcherOptions;
  #queue: RegistryEvent<KubeObject>[] = [];
  #queuedBytes = 0;
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #waiting: Deferred<void> | undefined;

  constructor(options: WatcherOptions) {
    this.selection = options.selection;
    this.#options = options;
  }

  /** Whether it was cut because its reader was too slow, or ended. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Takes a change, if it is of the selection. */
  offer(change: Change): void {
    if (this.#ended) return;
    try {
      const event = change.eventFor(this.selection);
      if (!event) return;
      this.#queue.push(event);
    } catch (reason) {
      // A selection that cannot be evaluated is this watcher's trouble, nobody else's.
      this.#failure = { reason };
      this.end();
      return;
    }
    this.#queuedBytes += change.size;
    // What waits is given up at once: the reader resumes from what it has seen, and memory is free again.
    if (this.#queuedBytes > this.#options.budgetBytes) this.cut();
    else this.#wake();
  }

  /** Tells how far the reader is once it has read what waits. */
  offerBookmark(revision: number): void {
    if (this.#ended || !this.#options.bookmarks) return;
    const last = this.#queue[this.#queue.length - 1];
    if (last?.type === "BOOKMARK") this.#queue.pop();
    this.#queue.push({ type: "BOOKMARK", revision, initialEventsEnd: false });
    this.#wake();
  }

  /** Ends after what waits was read. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Ends now. */
  cut(): void {
    this.#queue = [];
    this.end();
  }

  /** What waits, as one batch; undefined at the end. One reader at a time. */
  async next(): Promise<readonly RegistryEvent<KubeObject>[] | undefined> {
    while (this.#queue.length === 0) {
      if (this.#failure) throw this.#failure.reason;
      if (this.#ended) return undefined;
      this.#waiting = deferred();
      await this.#waiting.promise;
    }
    const batch = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    return batch;
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
