import { keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { type Pod, type PodCondition, type PodStatus, pod as podKind } from "../../core/kinds/pod.ts";
import { Backoff } from "../../core/util/backoff.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { ownedConditions } from "./pod_conditions.ts";
import { sameStatus } from "./pod_status.ts";

/** Options of {@linkcode StatusManager}. */
export interface StatusManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** The pod as the informer knows it: for one of the node's own, what shows it there. */
  readonly lookup: (pod: Pod, podUid: string) => Pod | undefined;
  /** Whether a pod is of the node's own, and the API only shows it. */
  readonly isMirrored: (podUid: string) => boolean;
}

/** What is known of one pod. */
interface Entry {
  /** The newest version of the object that was read or written. */
  pod: Pod;
  /** What is to stand in the API. */
  wanted: PodStatus;
  /** resourceVersion of the last write. */
  written: string | undefined;
  /** What is being written. */
  sending: Pod | undefined;
  /** The `wanted` that was written last: what the server made of it is the truth, though it may read differently. */
  settled: PodStatus | undefined;
  writing: Promise<void> | undefined;
}

const newEntry = { written: undefined, sending: undefined, settled: undefined, writing: undefined };

/**
 * Writes pod statuses: only when they change, one write per pod at a time, the newest status wins. Goes on trying while
 * the API is away.
 */
export class StatusManager implements AsyncDisposable {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #tasks: Tasks;
  readonly #backoff: Backoff;

  constructor(options: StatusManagerOptions) {
    this.#options = options;
    this.#tasks = new Tasks({
      onError: (error) => options.log.error("Cannot write a pod's status", { error: errorMessage(error) }),
    });
    this.#backoff = new Backoff({ baseMs: 100, maxMs: 10_000, clock: options.clock });
  }

  /** The status last made for the pod. */
  get(podUid: string): PodStatus | undefined {
    return this.#entries.get(podUid)?.wanted;
  }

  /** Whether this version of the pod is the one that was written here last. */
  wrote(pod: Pod): boolean {
    const { metadata } = pod;
    const { written, sending } = this.#entries.get(metadata.uid ?? "") ?? {};
    if (written !== undefined && written === metadata.resourceVersion) return true;
    // A watch may tell of a write before its answer does.
    return (
      sending !== undefined &&
      sending.metadata.generation === metadata.generation &&
      sending.metadata.deletionTimestamp === metadata.deletionTimestamp &&
      sameStatus(sending.status, pod.status)
    );
  }

  /** Makes `status` stand in the API, soon. */
  set(pod: Pod, status: PodStatus): void {
    const uid = pod.metadata.uid ?? "";
    const entry = this.#entries.get(uid);
    if (entry) {
      entry.wanted = status;
      entry.pod = newer(entry.pod, pod);
    } else this.#entries.set(uid, { pod, wanted: status, ...newEntry });
    this.#write(uid);
  }

  /** What shows the pod in the API is new: it needs its status. */
  mirrored(podUid: string): void {
    this.#write(podUid);
  }

  /** Resolves when what was set stands in the API, or the pod is gone from it. */
  async flush(podUid: string): Promise<void> {
    for (let entry = this.#entries.get(podUid); entry?.writing; entry = this.#entries.get(podUid)) await entry.writing;
  }

  /** The pod is gone. */
  forget(podUid: string): void {
    this.#entries.delete(podUid);
    this.#backoff.reset(podUid);
  }

  #write(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry || entry.writing || this.#tasks.signal.aborted) return;
    entry.writing = new Promise((resolve) => {
      this.#tasks.run(async (signal) => {
        try {
          await this.#writeAll(uid, entry, signal);
        } finally {
          entry.writing = undefined;
          resolve();
        }
      });
    });
  }

  /** Writes until the object says what is wanted. */
  async #writeAll(uid: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const { client, clock, log, lookup, isMirrored } = this.#options;
    while (this.#entries.get(uid) === entry) {
      const known = lookup(entry.pod, uid);
      if (isMirrored(uid)) {
        // Written once it is shown.
        if (!known) return;
        if (known.metadata.uid !== entry.pod.metadata.uid) entry.settled = undefined;
      }
      entry.pod = newer(entry.pod, known ?? entry.pod);
      const { wanted } = entry;
      const status = mergeStatus(entry.pod.status, wanted);
      if (entry.settled === wanted || sameStatus(entry.pod.status, status)) {
        // Held once, where it stands in the API as it is.
        if (entry.pod.status && sameStatus(entry.pod.status, wanted)) entry.wanted = entry.settled = entry.pod.status;
        return;
      }
      entry.sending = { ...entry.pod, status };
      try {
        entry.pod = await client.updateStatus(podKind, entry.sending, { signal });
        entry.written = entry.pod.metadata.resourceVersion;
        entry.settled = wanted;
        this.#backoff.reset(uid);
      } catch (error) {
        if (signal.aborted) return;
        if (isReason(error, "NotFound")) return;
        if (!isReason(error, "Conflict")) {
          log.warn("Cannot write a pod's status", { ...logFields(entry.pod), error: errorMessage(error) });
          await clock.sleep(this.#backoff.next(uid), { signal });
        }
        if (!(await this.#refresh(entry, signal))) return;
      } finally {
        entry.sending = undefined;
      }
    }
  }

  /** Reads the object anew. False when it is gone, or another stands in its place. */
  async #refresh(entry: Entry, signal: AbortSignal): Promise<boolean> {
    try {
      const current = await this.#options.client.get(podKind, keyOf(entry.pod), { signal });
      if (current.metadata.uid !== entry.pod.metadata.uid) return false;
      entry.pod = current;
      return true;
    } catch (error) {
      // Out of reach: the next write tells.
      return !isReason(error, "NotFound");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}

/** What the kubelet wants over what stands there: conditions of others stay. */
function mergeStatus(current: PodStatus | undefined, wanted: PodStatus): PodStatus {
  const own = wanted.conditions ?? [];
  const types = new Set([...ownedConditions, ...own.map(({ type }) => type)]);
  const foreign = (current?.conditions ?? []).filter(({ type }) => !types.has(type));
  const conditions: readonly PodCondition[] = [...own, ...foreign];
  return { ...wanted, conditions };
}

/** The newer of two versions; of two that are the same the second, which others hold as well. */
function newer(a: Pod, b: Pod): Pod {
  return revision(b) >= revision(a) ? b : a;
}

function revision({ metadata }: Pod): bigint {
  const { resourceVersion = "0" } = metadata;
  return /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n;
}

function logFields({ metadata }: Pod): { readonly namespace: string | undefined; readonly pod: string | undefined } {
  return { namespace: metadata.namespace, pod: metadata.name };
}
