import { type Deferred, deferred } from "../util/deferred.ts";
import { defaultWindowBytes, maxWindowBytes } from "./spdy_frames.ts";
import type { SpdyStream } from "./spdy_stream.ts";

/**
 * How much a SPDY peer takes: of each stream, and of all of them together. It is counted always, and kept until the peer
 * begins to speak: one that does not begin with its settings knows nothing of windows.
 */
export class SendWindows {
  #isKept = true;
  #initial = defaultWindowBytes;
  #all = defaultWindowBytes;
  #opened: Deferred<void> | undefined;

  /** Of a stream that is opened now. */
  get initial(): number {
    return this.#initial;
  }

  /** The peer's settings came: what its streams begin with, also those that are there. */
  keep(initial: number | undefined, streams: Iterable<SpdyStream>): void {
    if (initial === undefined) return;
    for (const stream of streams) stream.sendWindow += initial - this.#initial;
    this.#initial = initial;
    this.#isKept = true;
    this.wake();
  }

  /** The peer knows nothing of windows. */
  forget(): void {
    this.#isKept = false;
    this.wake();
  }

  /** The peer takes more of a stream, or of all; undefined: of one that is gone. */
  open(which: SpdyStream | "all" | undefined, delta: number): void {
    if (which === "all") this.#all = Math.min(this.#all + delta, maxWindowBytes);
    else if (which) which.sendWindow = Math.min(which.sendWindow + delta, maxWindowBytes);
    this.wake();
  }

  /** How much of `wanted` may be sent now: waits until that is something, or nothing is wanted. @throws Error when the stream is closed meanwhile */
  async take(stream: SpdyStream, wanted: number, isOpen: () => boolean): Promise<number> {
    for (;;) {
      const room = this.#isKept ? Math.min(wanted, stream.sendWindow, this.#all) : wanted;
      if (room > 0 || wanted === 0) {
        stream.sendWindow -= room;
        this.#all -= room;
        return room;
      }
      this.#opened ??= deferred();
      await this.#opened.promise;
      if (!isOpen()) throw new Error("Cannot write: the SPDY stream is closed");
    }
  }

  /** Lets those who wait look again. */
  wake(): void {
    this.#opened?.resolve();
    this.#opened = undefined;
  }
}
