import type { ResourceType } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { StatusError } from "../api/status.ts";
import type { Clock } from "../util/clock.ts";
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

/** Options of {@linkcode reflect}. */
export interface ReflectOptions<T extends KubeObject> {
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
  readonly signal: AbortSignal;
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
 * Keeps `target` in step with a resource until `signal` is aborted: lists, watches from there, resumes where a
 * connection ended, lists again when the server has forgotten that point. Failures wait a jittered, growing time.
 *
 * @see k8s.io/client-go/tools/cache/reflector.go
 */
export async function reflect<T extends KubeObject>(options: ReflectOptions<T>): Promise<void> {
  const { client, clock, random, log, kind, selection, target, signal, watchSeconds = defaultWatchSeconds } = options;
  /** Up to where `target` is complete; undefined: list first. */
  let position: bigint | undefined;
  let newest = 0n;
  let failures = 0;
  let staleLists = 0;

  async function list(): Promise<void> {
    const { items, revision } = await listAll(client, kind, selection, signal);
    const stale = revision < newest;
    if (stale && ++staleLists < staleListsBelieved)
      throw new StaleListError(`Cannot use the list: its version ${revision} is older than ${newest}`);
    staleLists = 0;
    if (stale) log.warn("Server's history began anew", { resource: kind.plural });
    target.replace(items, revision, { anew: stale });
    position = newest = revision;
  }

  async function watch(from: bigint): Promise<void> {
    const startedAt = clock.monotonic();
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
        position = newest = at = revision;
      }
    } finally {
      if (at > from || clock.monotonic() - startedAt >= healthyWatchMs) failures = 0;
    }
    if (at === from && clock.monotonic() - startedAt < healthyWatchMs) throw new Error("The watch ended at once");
  }

  while (!signal.aborted) {
    try {
      if (position === undefined) await list();
      if (position !== undefined) await watch(position);
    } catch (error) {
      if (signal.aborted) return;
      if (isForgotten(error)) position = undefined;
      // A first "too old" is an answer, not a failure: list at once.
      const waitMs = isForgotten(error) && failures === 0 ? 0 : delayMs(failures, random(), error);
      const fields = { resource: kind.plural, error: errorMessage(error), retryMs: Math.round(waitMs) };
      if (failures > 0) log.debug("Watch still interrupted", fields);
      else if (error instanceof StatusError && !isForgotten(error)) log.warn("Watch refused", fields);
      else log.info("Watch interrupted", fields);
      failures++;
      if (waitMs > 0) await clock.sleep(waitMs, { signal }).catch(() => {});
    }
  }
}

/** All pages. When the first page's version is forgotten half-way, everything at once. */
async function listAll<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  selection: ReflectOptions<T>["selection"],
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
