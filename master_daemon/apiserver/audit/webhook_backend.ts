import type { KubeconfigWebhook } from "../../../core/client/kubeconfig_webhook.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { AuditBackend } from "./backend.ts";

/** How events are put together and sent, named as kube-apiserver's flags `--audit-webhook-batch-…`. */
export interface AuditBatchOptions {
  /** Events that may wait; more are lost. Default 10000. */
  readonly bufferSize?: number | undefined;
  /** Events sent together at most. Default 400. */
  readonly maxSize?: number | undefined;
  /** Milliseconds after which fewer are sent, too. Default 30000. */
  readonly maxWaitMs?: number | undefined;
  /** Batches a second; 0: as many as there are. Default 10. */
  readonly throttleQps?: number | undefined;
  /** Batches that may go at once when none went before. Default 15. */
  readonly throttleBurst?: number | undefined;
}

/** Length of all events that wait, whatever their number. */
const maxWaitingLength = 64 * 2 ** 20;
/** Milliseconds in which what still waits is sent at the end. */
const closingMs = 5000;

/**
 * Sends events to a server outside, batch after batch. While it is not to be reached, events wait, and are lost past
 * the buffer's end; a batch that it does not take after several tries is lost, too.
 *
 * @see https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend
 */
export class WebhookBackend implements AuditBackend {
  readonly #webhook: KubeconfigWebhook;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #options: { readonly [Name in keyof AuditBatchOptions]-?: number };
  readonly #closing = new AbortController();
  #waiting: string[] = [];
  #waitingLength = 0;
  #dropped = 0;
  #isClosed = false;
  #sending: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #tokens: number;
  #tokensAt: number;

  constructor({
    webhook,
    clock,
    log,
    ...options
  }: AuditBatchOptions & { readonly webhook: KubeconfigWebhook; readonly clock: Clock; readonly log: Logger }) {
    this.#webhook = webhook;
    this.#clock = clock;
    this.#log = log;
    this.#options = {
      bufferSize: options.bufferSize ?? 10_000,
      maxSize: options.maxSize ?? 400,
      maxWaitMs: options.maxWaitMs ?? 30_000,
      throttleQps: options.throttleQps ?? 10,
      throttleBurst: options.throttleBurst ?? 15,
    };
    this.#tokens = this.#options.throttleBurst;
    this.#tokensAt = clock.monotonic();
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(event: string): void {
    const { bufferSize, maxSize, maxWaitMs } = this.#options;
    if (this.#waiting.length >= bufferSize || this.#waitingLength + event.length > maxWaitingLength) {
      if (this.#dropped++ === 0) this.#log.error("Audit events are lost: they come faster than they are sent");
      return;
    }
    this.#waiting.push(event);
    this.#waitingLength += event.length;
    if (this.#waiting.length >= maxSize) this.#send();
    else this.#cancelTimer ??= this.#clock.schedule(maxWaitMs, () => this.#send());
  }

  #send(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
      // What came meanwhile, and is no whole batch, has its own time.
      if (this.#waiting.length > 0)
        this.#cancelTimer ??= this.#clock.schedule(this.#options.maxWaitMs, () => this.#send());
    });
  }

  /** Sends what waits now; after that only whole batches, and everything at the end. */
  async #drain(): Promise<void> {
    const { maxSize } = this.#options;
    let due = this.#waiting.length;
    while (this.#waiting.length > 0 && (due > 0 || this.#waiting.length >= maxSize || this.#isClosed)) {
      const batch = this.#waiting.splice(0, maxSize);
      for (const event of batch) this.#waitingLength -= event.length;
      due -= batch.length;
      try {
        await this.#throttle();
        const list = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${batch.join(",")}]}`;
        await this.#webhook.post(new TextEncoder().encode(list), { signal: this.#closing.signal });
      } catch (error) {
        this.#dropped += batch.length;
        this.#log.error("Cannot send audit events", { events: batch.length, error: errorMessage(error) });
      }
    }
  }

  async #throttle(): Promise<void> {
    const { throttleQps, throttleBurst } = this.#options;
    if (throttleQps <= 0) return;
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(throttleBurst, this.#tokens + ((now - this.#tokensAt) / 1000) * throttleQps) - 1;
    this.#tokensAt = now;
    if (this.#tokens >= 0) return;
    await this.#clock.sleep((-this.#tokens / throttleQps) * 1000, { signal: this.#closing.signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const cancel = this.#clock.schedule(closingMs, () => this.#closing.abort(new Error("the server is shutting down")));
    if (this.#waiting.length > 0) this.#send();
    await this.#sending;
    cancel();
    this.#cancelTimer?.();
    await this.#webhook[Symbol.asyncDispose]();
  }
}
