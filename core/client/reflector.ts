import type { ResourceType } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { StatusError } from "../api/status.ts";
import { allowManyListeners } from "../platform/allow_many_listeners.ts";
import type { Clock } from "../util/clock.ts";
import { type Deferred, deferred } from "../util/deferred.ts";
import { errorMessage, type Logger } from "../util/log.ts";
import type { Client } from "./client.ts";

/** One object and the version of the API's state that it is of. */
export interface Versioned<T> {
  readonly object: T;
  readonly revision: bigint;
}

/** Where a reflector puts what it learns. */
export interface ReflectorTarget<T> {
  /** The whole content as of `revision`. @param options.anew revisions do not compare with earlier ones */
  replace(objects: readonly Versioned<T>[], revision: bigint, options: { readonly anew: boolean }): void;
  set(object: T, revision: bigint): void;
  delete(object: T, revision: bigint): void;
  /** Nothing else happened up to `revision`. */
  advance(revision: bigint): void;
}

/** Options of a {@linkcode Reflector}. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly kind: ResourceType<T>;
  readonly selection: {
    readonly namespace?: string | undefined;
    readonly labelSelector?: string | undefined;
    readonly fieldSelector?: string | undefined;
  };
  readonly target: ReflectorTarget<T>;
  /** Seconds after which a watch is begun anew at the earliest, and twice as many at the latest. Default 300. */
  readonly watchSeconds?: number | undefined;
}

const pageSize = 500;
const baseDelayMs = 100;
const maxDelayMs = 10_000;
/** A watch that lasted this long was a good one, even if nothing happened in it. */
const healthyWatchMs = 1000;
const defaultWatchSeconds = 300;
/** So many lists in a row that are older than what is known are no lagging server, but one whose history began anew. */
const staleListsBelieved = 5;

/** A list that is older than what is already known. */
class StaleListError extends Error {
  override readonly name = "StaleListError";
}

/**
 * Keeps a target in step with a resource: lists, watches from there, resumes where a connection ended, lists again when
 * the server has forgotten that point. Failures wait a jittered, growing time.
 *
 * @see k8s.io/client-go/tools/cache/reflector.go
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #ending = new AbortController();
  /** Ends the present watch. */
  #watching = new AbortController();
  /** Up to where the target is complete; undefined: list first. */
  #position: bigint | undefined;
  #newest = 0n;
  #failures = 0;
  #staleLists = 0;
  /** Who waits for a list that begins from now on. */
  #asking: Deferred<void>[] = [];

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    allowManyListeners(this.#ending.signal);
  }

  /** Works until {@linkcode end}. */
  async run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        if (this.#position === undefined || this.#asking.length > 0) await this.#list();
        else await this.#watch(this.#position);
      } catch (error) {
        if (!signal.aborted) await this.#recover(error);
      }
    }
  }

  /** Ends the work. Who waits for a list is told why. */
  end(reason: unknown): void {
    this.#ending.abort(reason);
    this.#watching.abort(reason);
    for (const { reject } of this.#asking.splice(0)) reject(reason);
  }

  /** Resolves once the target has the content of a list that began after the call: many who ask share one. */
  relist(): Promise<void> {
    const asked = deferred<void>();
    if (this.#ending.signal.aborted) asked.reject(this.#ending.signal.reason);
    else this.#asking.push(asked);
    this.#watching.abort();
    return asked.promise;
  }

  async #list(): Promise<void> {
    const { client, log, kind, selection, target } = this.#options;
    const asked = this.#asking.length;
    const { items, revision } = await listAll(client, kind, selection, this.#ending.signal);
    const stale = revision < this.#newest;
    if (stale && ++this.#staleLists < staleListsBelieved)
      throw new StaleListError(`Cannot use the list: its version ${revision} is older than ${this.#newest}`);
    this.#staleLists = 0;
    if (stale) log.warn("Server's history began anew", { resource: kind.plural });
    target.replace(items, revision, { anew: stale });
    this.#position = this.#newest = revision;
    for (const { resolve } of this.#asking.splice(0, asked)) resolve();
  }

  async #watch(from: bigint): Promise<void> {
    const { client, clock, random, kind, selection, target, watchSeconds = defaultWatchSeconds } = this.#options;
    const startedAt = clock.monotonic();
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    const events = client.watch(kind, {
      ...selection,
      resourceVersion: String(from),
      // Spread, so that all informers of a process do not come back at once.
      timeoutSeconds: Math.round(watchSeconds * (1 + random())),
      signal,
    });
    let at = from;
    try {
      for await (const { type, object } of events) {
        const revision = BigInt(object.metadata.resourceVersion ?? "");
        // At or below our position it repeats what is known: nothing old may come after something newer.
        if (revision <= at) continue;
        if (type === "BOOKMARK") target.advance(revision);
        else if (type === "DELETED") target.delete(object, revision);
        else target.set(object, revision);
        this.#position = this.#newest = at = revision;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      if (at > from || clock.monotonic() - startedAt >= healthyWatchMs) this.#failures = 0;
    }
    if (at === from && clock.monotonic() - startedAt < healthyWatchMs && !signal.aborted)
      throw new Error("The watch ended at once");
  }

  async #recover(error: unknown): Promise<void> {
    const { clock, random, log, kind } = this.#options;
    if (isForgotten(error)) this.#position = undefined;
    // A first "too old" is an answer, not a failure: list at once.
    const waitMs = isForgotten(error) && this.#failures === 0 ? 0 : delayMs(this.#failures, random(), error);
    const fields = { resource: kind.plural, error: errorMessage(error), retryMs: Math.round(waitMs) };
    if (this.#failures > 0) log.debug("Watch still interrupted", fields);
    else if (error instanceof StatusError && !isForgotten(error)) log.warn("Watch refused", fields);
    else log.info("Watch interrupted", fields);
    this.#failures++;
    if (waitMs > 0) await clock.sleep(waitMs, { signal: this.#ending.signal }).catch(() => {});
  }
}

/** All pages. When the first page's version is forgotten half-way, everything at once. */
async function listAll<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  selection: ReflectorOptions<T>["selection"],
  signal: AbortSignal,
): Promise<{ readonly items: readonly Versioned<T>[]; readonly revision: bigint }> {
  const items: Versioned<T>[] = [];
  let token: string | undefined;
  do {
    const page = await client
      .list(kind, { ...selection, limit: pageSize, continue: token, signal })
      .catch((error: unknown) => {
        if (token === undefined || !isForgotten(error)) throw error;
        items.length = 0;
        return client.list(kind, { ...selection, signal });
      });
    for (const object of page.items) items.push({ object, revision: BigInt(object.metadata.resourceVersion ?? "") });
    token = page.metadata.continue || undefined;
    if (token === undefined) return { items, revision: BigInt(page.metadata.resourceVersion ?? "") };
  } while (!signal.aborted);
  throw signal.reason;
}

/** Whether the server cannot go on from our version: compacted, or not there yet (it was put back to an older state). */
function isForgotten(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return (
    error.reason === "Expired" ||
    error.reason === "Gone" ||
    (error.status.details?.causes?.some(({ reason }) => reason === "ResourceVersionTooLarge") ?? false)
  );
}

function delayMs(failures: number, random: number, error: unknown): number {
  const delay = Math.min(baseDelayMs * 2 ** failures, maxDelayMs) * (0.5 + random);
  const asked = error instanceof StatusError ? (error.status.details?.retryAfterSeconds ?? 0) : 0;
  return Math.max(delay, asked * 1000);
}
