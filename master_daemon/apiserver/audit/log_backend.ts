import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { AuditBackend } from "./backend.ts";
import type { LogSink } from "./log_file.ts";

const maxWaitingEvents = 10_000;
const maxWaitingLength = 64 * 2 ** 20;

/** Writes events in batches, as they come. */
export class LogBackend implements AuditBackend {
  readonly #sink: LogSink;
  readonly #log: Logger;
  #waiting: string[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;
  #dropped = 0;

  constructor(parts: { readonly sink: LogSink; readonly log: Logger }) {
    this.#sink = parts.sink;
    this.#log = parts.log;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(event: string): void {
    if (this.#waiting.length >= maxWaitingEvents || this.#waitingLength + event.length > maxWaitingLength) {
      if (this.#dropped++ === 0) this.#log.error("Audit events are lost: they come faster than they are written");
      return;
    }
    this.#waiting.push(`${event}\n`);
    this.#waitingLength += event.length;
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // What comes in this turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingLength = 0;
      try {
        await this.#sink.write(lines.join(""));
      } catch (error) {
        this.#dropped += lines.length;
        this.#log.error("Cannot write the audit log", { events: lines.length, error: errorMessage(error) });
      }
    }
    this.#writing = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#sink[Symbol.asyncDispose]();
  }
}
