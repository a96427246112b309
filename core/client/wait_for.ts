import type { ResourceType } from "../api/kind.ts";
import { type Condition, findCondition, type KubeObject, type ObjectKey } from "../api/meta.ts";
import { isReason, StatusError } from "../api/status.ts";
import { systemClock } from "../platform/clock.ts";
import type { Clock } from "../util/clock.ts";
import type { Client } from "./client.ts";
import { ConnectionError } from "./connection_error.ts";

interface CommonWaitOptions {
  /** Milliseconds of the clock. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What to wait for: a condition's status, or anything that can be read off the object. */
export type WaitOptions<T extends KubeObject = KubeObject> = CommonWaitOptions &
  (
    | { readonly condition: string /** Default `True`. */; readonly status?: string | undefined }
    | { readonly predicate: (object: T) => boolean }
  );

/** Waits until the object is gone. */
export interface WaitDeletedOptions extends CommonWaitOptions {
  readonly deleted: true;
}

const reconnectMs = 500;

/**
 * Waits until a condition of an object has the wanted status, or a predicate holds. Watches; never polls.
 *
 * @param options.timeoutMs milliseconds of the clock; default 30000
 * @returns the object as of the satisfying event
 * @throws StatusError `NotFound` if it does not exist or is deleted meanwhile, `Timeout` after `timeoutMs`
 * @see https://kubernetes.io/docs/reference/kubectl/generated/kubectl_wait/
 * @example const web = await waitFor(client, pod, { namespace: "default", name: "web" }, { condition: "Ready" });
 */
export async function waitFor<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  key: ObjectKey,
  options: WaitOptions<T>,
): Promise<T>;
/** As above, until the object is gone; resolves with its last state, undefined when there was none. */
export async function waitFor<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  key: ObjectKey,
  options: WaitDeletedOptions,
): Promise<T | undefined>;
/** The body of both. */
export async function waitFor<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  key: ObjectKey,
  options: WaitOptions<T> | WaitDeletedOptions,
): Promise<T | undefined> {
  const { timeoutMs = 30_000, clock = systemClock, signal } = options;
  signal?.throwIfAborted();
  const ending = new AbortController();
  const onAbort = () => ending.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const cancelTimeout = clock.schedule(timeoutMs, () => ending.abort(timedOut(kind, key, options)));
  try {
    return await follow(client, kind, key, options, { clock, signal: ending.signal });
  } finally {
    cancelTimeout();
    signal?.removeEventListener("abort", onAbort);
    ending.abort();
  }
}

/** Lists and watches until satisfied, again after each lost connection. */
async function follow<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  key: ObjectKey,
  options: WaitOptions<T> | WaitDeletedOptions,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T | undefined> {
  const deleted = "deleted" in options;
  const satisfied = deleted ? () => false : predicateOf(options);
  const place = {
    ...(kind.namespaced ? { namespace: key.namespace ?? "default" } : {}),
    fieldSelector: `metadata.name=${key.name}`,
  };
  let last: T | undefined;
  for (;;) {
    try {
      const { items, metadata } = await client.list(kind, { ...place, signal });
      const [present] = items;
      const replaced = last && present && last.metadata.uid !== present.metadata.uid;
      if (!present || (deleted && replaced)) {
        if (deleted) return last;
        throw StatusError.notFound(kind, key.name);
      }
      last = present;
      if (satisfied(present)) return present;
      for await (const event of client.watch(kind, { ...place, resourceVersion: metadata.resourceVersion, signal })) {
        if (event.type === "BOOKMARK") continue;
        last = event.object;
        if (event.type === "DELETED") {
          if (deleted) return last;
          throw StatusError.notFound(kind, key.name);
        }
        if (satisfied(last)) return last;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConnectionError) && !isReason(error, "Expired")) throw error;
    }
    signal.throwIfAborted();
    await clock.sleep(reconnectMs, { signal });
  }
}

function predicateOf<T extends KubeObject>(options: WaitOptions<T>): (object: T) => boolean {
  if ("predicate" in options) return options.predicate;
  const { condition: type, status = "True" } = options;
  return (object) => {
    const { conditions } = (object as { status?: { conditions?: readonly Condition[] } }).status ?? {};
    const condition =
      findCondition(conditions, type) ?? conditions?.find((one) => one.type.toLowerCase() === type.toLowerCase());
    if (!condition) return false;
    // A condition that was judged on an older spec says nothing about this one.
    const { generation = 0 } = object.metadata;
    if (condition.observedGeneration !== undefined && condition.observedGeneration < generation) return false;
    return condition.status.toLowerCase() === status.toLowerCase();
  };
}

function timedOut(
  { group, plural }: ResourceType,
  { name }: ObjectKey,
  options: WaitOptions<never> | WaitDeletedOptions,
): StatusError {
  const resource = group ? `${plural}.${group}` : plural;
  const what = "deleted" in options ? "deletion" : "the condition";
  return new StatusError(504, "Timeout", `timed out waiting for ${what} on ${resource}/${name}`, {
    name,
    ...(group ? { group } : {}),
    kind: plural,
  });
}
