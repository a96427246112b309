import type { KubeObject, ObjectKey } from "../api/meta.ts";
import { isReason, StatusError } from "../api/status.ts";
import type { ObjectReference } from "../kinds/endpoints.ts";
import type { Event } from "../kinds/event.ts";
import { sha256 } from "../platform/hash.ts";
import { type Clock, timestamp } from "../util/clock.ts";
import { compact } from "../util/compact.ts";
import { errorMessage, type Logger } from "../util/log.ts";
import { Tasks } from "../util/tasks.ts";
import type { Client } from "./client.ts";
import { eventResource } from "./resources.ts";

/** What happened, in Kubernetes' words. */
export interface EventText {
  readonly type: "Normal" | "Warning";
  /** Short and machine-readable, e.g. `FailedScheduling`. */
  readonly reason: string;
  readonly message: string;
  /** Part of the object that it is about, e.g. `spec.containers{web}`. */
  readonly fieldPath?: string | undefined;
}

/** Records Events about objects. Never waits, never throws: an Event that cannot be written is dropped. */
export interface EventRecorder extends AsyncDisposable {
  record(object: KubeObject, text: EventText): void;
  /** Resolves when nothing waits to be written. For who is about to end. */
  written(): Promise<void>;
}

/** Options of {@linkcode createEventRecorder}. */
export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  /** Who reports, e.g. `kubelet`. */
  readonly component: string;
  /** Node on which it runs. */
  readonly host?: string | undefined;
  readonly log: Logger;
}

const maxPending = 1000;
const maxRemembered = 4096;
/** At least so many are written in one turn of the event loop, and of those that are pending at least one in so many. */
const atOnce = 8;
const turnsBehind = 16;
const maxMessageLength = 1024;
/** At first this many Events about one object, then one each five minutes. @see k8s.io/client-go/tools/record/events_cache.go */
const burst = 25;
const refillMs = 300_000;
/** So many texts of one reason about an object stand for themselves, less one; those that follow share an Event. */
const maxSimilar = 10;
const similarMs = 600_000;
const similarPrefix = "(combined from similar events): ";
const maxTries = 12;
const retryMs = 10_000;

/**
 * A recorder that counts repetitions up on the Event that stands already, lets texts that are many share one, and writes one
 * after another when there is time.
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

interface Occurrence {
  readonly key: string;
  readonly event: Event;
  /** Whether the Event stands for several texts, and says the newest. */
  readonly isCombined: boolean;
}

/** All that is needed to count an Event up: recorders remember thousands. */
interface Written {
  readonly key: ObjectKey;
  readonly count: number;
}

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #tasks: Tasks;
  readonly #pending: Occurrence[] = [];
  #writing = false;
  readonly #onWritten: (() => void)[] = [];
  /** What was written, by object and text; least recently used first. */
  readonly #written = new Map<string, Written>();
  /** Texts of one reason about an object that stand for themselves, and when the newest came; least recently used first. */
  readonly #similar = new Map<string, { readonly texts: readonly string[]; readonly at: number }>();
  /** Tokens left for an object as of a time; least recently used first. */
  readonly #budgets = new Map<string, { readonly tokens: number; readonly at: number }>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#tasks = new Tasks({
      onError: (error) => options.log.error("Event recorder failed", { error: errorMessage(error) }),
    });
  }

  record(object: KubeObject, { type, reason, message, fieldPath }: EventText): void {
    if (this.#tasks.signal.aborted) return;
    const about = compact<ObjectReference>({
      kind: object.kind,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      uid: object.metadata.uid,
      apiVersion: object.apiVersion,
      resourceVersion: object.metadata.resourceVersion,
      fieldPath,
    });
    const objectKey = digest([about.kind, about.namespace, about.name, about.uid, about.apiVersion]);
    if (this.#pending.length >= maxPending || !this.#spend(objectKey)) {
      this.#options.log.debug("Event dropped", { reason, object: about.name });
      return;
    }
    const similarKey = digest([objectKey, type, reason]);
    const isCombined = this.#isOneOfMany(similarKey, message);
    const whole = isCombined ? `${similarPrefix}${message}` : message;
    const text = whole.length > maxMessageLength ? `${whole.slice(0, maxMessageLength - 3)}...` : whole;
    this.#pending.push({
      key: isCombined ? similarKey : digest([objectKey, fieldPath, type, reason, text]),
      event: this.#newEvent(about, { type, reason, message: text }),
      isCombined,
    });
    if (this.#writing) return;
    this.#writing = true;
    this.#tasks.run((signal) => this.#writeAll(signal));
  }

  async written(): Promise<void> {
    if (this.#writing) await new Promise<void>((resolve) => this.#onWritten.push(resolve));
  }

  /** Takes one token of the object's budget; false when it is spent. */
  #spend(objectKey: string): boolean {
    const now = this.#options.clock.monotonic();
    const budget = this.#budgets.get(objectKey);
    const tokens = budget ? Math.min(burst, budget.tokens + (now - budget.at) / refillMs) : burst;
    const allowed = tokens >= 1;
    remember(this.#budgets, objectKey, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed;
  }

  /** Whether a text is one too many of its like to stand for itself. */
  #isOneOfMany(similarKey: string, message: string): boolean {
    const at = this.#options.clock.monotonic();
    const known = this.#similar.get(similarKey);
    const texts = known && at - known.at <= similarMs ? known.texts : [];
    const isKnown = texts.includes(message);
    const isOneOfMany = texts.length + 1 >= maxSimilar && !isKnown;
    remember(this.#similar, similarKey, { texts: isKnown || isOneOfMany ? texts : [...texts, message], at });
    return isOneOfMany;
  }

  #newEvent(about: ObjectReference, { type, reason, message }: EventText): Event {
    const { clock, random, component, host } = this.#options;
    const time = timestamp(clock);
    const nanoseconds = BigInt(Math.floor(clock.now())) * 1_000_000n + BigInt(Math.floor(random() * 1_000_000));
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${about.name}.${nanoseconds.toString(16)}`, namespace: about.namespace ?? "default" },
      involvedObject: about,
      reason,
      message,
      source: host ? { component, host } : { component },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type,
      eventTime: null,
      reportingComponent: component,
      reportingInstance: host ?? "",
    };
  }

  async #writeAll(signal: AbortSignal): Promise<void> {
    try {
      while (this.#pending.length > 0 && !signal.aborted) {
        // What the Events tell of goes first, and a burst of it lets them wait; not longer than the queue holds.
        await new Promise((resolve) => setImmediate(resolve));
        const due = Math.max(atOnce, Math.floor(this.#pending.length / turnsBehind));
        for (const next of this.#pending.splice(0, due)) await this.#writeWithRetries(next, signal);
      }
    } finally {
      this.#writing = false;
      for (const tell of this.#onWritten.splice(0)) tell();
    }
  }

  async #writeWithRetries(occurrence: Occurrence, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await this.#write(occurrence, signal);
      } catch (error) {
        // What the server refused it will refuse again; a server out of reach may come back.
        if (error instanceof StatusError || tries >= maxTries) {
          log.debug("Event not written", { reason: occurrence.event.reason, error: errorMessage(error) });
          return;
        }
        // The first wait is a random part, so that everybody who lost a server does not return at once.
        await clock.sleep(tries === 1 ? retryMs * random() : retryMs, { signal });
      }
    }
  }

  async #write({ key, event, isCombined }: Occurrence, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const present = this.#written.get(key);
    if (present) {
      const { message = "", lastTimestamp = null } = event;
      const body = { count: present.count + 1, lastTimestamp, ...(isCombined ? { message } : {}) };
      try {
        const { count = body.count } = await client.patch(
          eventResource,
          present.key,
          { type: "merge", body },
          { signal },
        );
        remember(this.#written, key, { ...present, count });
        return;
      } catch (error) {
        // Events expire; then it is told anew.
        if (!isReason(error, "NotFound")) throw error;
      }
    }
    const { metadata, count = 1 } = event;
    await client.create(eventResource, event, { signal });
    remember(this.#written, key, { key: { namespace: metadata.namespace, name: metadata.name ?? "" }, count });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}

/** A key in place of texts: they would take more memory than all else that is remembered. */
function digest(texts: readonly (string | undefined)[]): string {
  return sha256(JSON.stringify(texts));
}

/** Puts an entry last and forgets the first past the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= maxRemembered) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
