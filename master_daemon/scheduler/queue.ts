import type { Pod } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { Heap } from "./_heap.ts";
import { podUid } from "./_pod_uid.ts";
import type { ClusterEvent, QueuedPod, SchedulerPlugin } from "./framework.ts";
import { byPriority } from "./plugins/priority_sort.ts";

/** Options of {@linkcode SchedulingQueue}. */
export interface SchedulingQueueOptions {
  readonly clock: Clock;
  /** Whether a pod goes before another. Default: by priority, then who waits longer. */
  readonly isBefore?: ((a: QueuedPod, b: QueuedPod) => boolean) | undefined;
  /** Milliseconds that a pod waits after its first failed attempt; doubles with each. Default 1000. */
  readonly initialBackoffMs?: number | undefined;
  /** Longest such wait, in milliseconds. Default 10000. */
  readonly maxBackoffMs?: number | undefined;
  /** Milliseconds after which an unschedulable pod is tried again whatever happened. Default 300000. */
  readonly flushAfterMs?: number | undefined;
}

/** A pod whose turn it is. */
export interface PoppedPod {
  readonly pod: Pod;
  /** How often it was tried, this time included. */
  readonly attempts: number;
}

/** Most events that are kept for the pod that is being placed; when there are more, some of them may help. */
const maxMissed = 1000;

interface Entry {
  pod: Pod;
  attempts: number;
  /** `gone` entries may still lie in the heap. */
  state: "active" | "backoff" | "unschedulable" | "in-flight" | "gone";
  /** Grows with every entry into the active queue: who waits longer goes first. */
  order: number;
  backoffUntil: number;
  /** Whether it is another pod now than the one that is being placed. */
  changedInFlight: boolean;
  /** Whether it is not to be tried yet, whatever happens. */
  held: boolean;
  /** Whether something happened meanwhile that may help it. */
  helped: boolean;
  refusedBy: readonly SchedulerPlugin[];
  cancelTimer: (() => void) | undefined;
}

/**
 * Pods that wait for a node, by uid.
 *
 * - *active*: to be tried now, in the order that the queue sort plug-in says.
 * - *backoff*: failed a moment ago; 1 s to 10 s.
 * - *unschedulable*: fits nowhere; waits for an event that may help, five minutes at most. *Held* as long as others are being
 *   told to go for it: as things are, more would be.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/scheduler/backend/queue/scheduling_queue.go
 */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #initialBackoffMs: number;
  readonly #maxBackoffMs: number;
  readonly #flushAfterMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #unschedulable = new Set<Entry>();
  readonly #active: Heap<QueuedPod & { readonly entry: Entry }>;
  #order = 0;
  /** The pod that is being placed, and what happened since it was taken: that may have come too late for it. */
  #placing: { readonly entry: Entry; readonly events: ClusterEvent[] } | undefined;
  #waiter: Deferred<void> | undefined;

  constructor({
    clock,
    isBefore = byPriority,
    initialBackoffMs = 1000,
    maxBackoffMs = 10_000,
    flushAfterMs = 300_000,
  }: SchedulingQueueOptions) {
    this.#clock = clock;
    this.#active = new Heap<QueuedPod & { readonly entry: Entry }>(isBefore);
    this.#initialBackoffMs = initialBackoffMs;
    this.#maxBackoffMs = maxBackoffMs;
    this.#flushAfterMs = flushAfterMs;
  }

  /** How many pods are in each state. */
  get counts(): { readonly active: number; readonly backoff: number; readonly unschedulable: number } {
    const counts = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { state } of this.#entries.values()) {
      if (state !== "in-flight" && state !== "gone") counts[state]++;
    }
    return counts;
  }

  /** Takes a pod in, or its new state. `changed`: its spec or labels are others, so that it may fit now. */
  add(pod: Pod, { changed = false }: { readonly changed?: boolean } = {}): void {
    const uid = podUid(pod);
    const present = this.#entries.get(uid);
    if (!present) {
      const entry: Entry = {
        pod,
        attempts: 0,
        state: "gone",
        order: 0,
        backoffUntil: 0,
        changedInFlight: false,
        held: false,
        helped: false,
        refusedBy: [],
        cancelTimer: undefined,
      };
      this.#entries.set(uid, entry);
      this.#activate(entry);
      return;
    }
    present.pod = pod;
    if (!changed) return;
    if (present.state === "unschedulable") this.#moveOut(present);
    else if (present.state === "in-flight") present.changedInFlight = true;
  }

  /** Forgets a pod: it is bound, gone, or no longer ours. */
  delete(pod: Pod): void {
    const entry = this.#entries.get(podUid(pod));
    if (!entry) return;
    this.#endPlacing(entry);
    this.#entries.delete(podUid(pod));
    this.#leave(entry, "gone");
  }

  /** The next pod to try; `delete()`, `retry()` or `park()` must follow. Rejects when aborted. */
  async pop(signal: AbortSignal): Promise<PoppedPod> {
    for (;;) {
      signal.throwIfAborted();
      for (let top = this.#active.pop(); top; top = this.#active.pop()) {
        const { entry, order } = top;
        if (entry.state !== "active" || entry.order !== order) continue;
        entry.state = "in-flight";
        entry.changedInFlight = false;
        entry.attempts++;
        this.#placing = { entry, events: [] };
        return { pod: entry.pod, attempts: entry.attempts };
      }
      await this.#wait(signal);
    }
  }

  /** The newest state of a pod that was taken; undefined when it need not be placed any more. */
  taken(pod: Pod): Pod | undefined {
    return this.#inFlight(pod)?.pod;
  }

  /** Tries a pod again after its back-off: what failed was not the pod's fault. */
  retry(pod: Pod): void {
    const entry = this.#inFlight(pod);
    if (!entry) return;
    this.#endPlacing(entry);
    this.#startBackoff(entry);
    this.#moveOut(entry);
  }

  /**
   * Puts a pod aside that fits nowhere, until something happens that helps one of `refusedBy`, or five minutes pass.
   *
   * @param options.held it is not tried before `release()`, whatever happens. Default false
   */
  park(
    pod: Pod,
    refusedBy: readonly SchedulerPlugin[],
    { held = false }: { readonly held?: boolean | undefined } = {},
  ): void {
    const entry = this.#inFlight(pod);
    if (!entry) return;
    this.#startBackoff(entry);
    entry.held = held;
    entry.helped = false;
    entry.refusedBy = refusedBy;
    entry.state = "unschedulable";
    this.#unschedulable.add(entry);
    entry.cancelTimer = this.#clock.schedule(this.#flushAfterMs, () => this.#moveOut(entry));
    const missed = this.#endPlacing(entry);
    const mayFitNow =
      entry.changedInFlight || missed.length >= maxMissed || missed.some((event) => isHelped(entry, event));
    if (mayFitNow) this.#moveOut(entry);
  }

  /** Lets a pod be tried again that was held; after its back-off, if something happened meanwhile. */
  release(pod: Pod): void {
    const entry = this.#entries.get(podUid(pod));
    if (!entry?.held) return;
    entry.held = false;
    if (entry.helped) this.#moveOut(entry);
  }

  /** Tries a pod again without back-off: what it waited for has happened. */
  hurry(pod: Pod): void {
    const entry = this.#entries.get(podUid(pod));
    if (entry?.state !== "unschedulable" && entry?.state !== "backoff") return;
    entry.backoffUntil = 0;
    this.#moveOut(entry);
  }

  /** Tries the parked pods again that `event` may help. */
  onEvent(event: ClusterEvent): void {
    this.#noteMissed(event);
    for (const entry of [...this.#unschedulable]) if (isHelped(entry, event)) this.#moveOut(entry);
  }

  /** Stops all timers. */
  close(): void {
    for (const entry of this.#entries.values()) this.#leave(entry, "gone");
    this.#entries.clear();
  }

  /** What becomes of the pod itself helps it no more. */
  #noteMissed(event: ClusterEvent): void {
    if (!this.#placing) return;
    const { entry, events } = this.#placing;
    const isOwn = "pod" in event && podUid(event.pod) === podUid(entry.pod);
    if (!isOwn && events.length < maxMissed) events.push(event);
  }

  /** What happened while a pod was being placed. */
  #endPlacing(entry: Entry): readonly ClusterEvent[] {
    if (this.#placing?.entry !== entry) return [];
    const { events } = this.#placing;
    this.#placing = undefined;
    return events;
  }

  #inFlight(pod: Pod): Entry | undefined {
    const entry = this.#entries.get(podUid(pod));
    return entry?.state === "in-flight" ? entry : undefined;
  }

  #startBackoff(entry: Entry): void {
    const delayMs = Math.min(this.#initialBackoffMs * 2 ** (entry.attempts - 1), this.#maxBackoffMs);
    entry.backoffUntil = this.#clock.monotonic() + delayMs;
  }

  /** To the active queue, or first to the end of its back-off. */
  #moveOut(entry: Entry): void {
    if (entry.held) {
      entry.helped = true;
      return;
    }
    this.#leave(entry, "backoff");
    const leftMs = entry.backoffUntil - this.#clock.monotonic();
    if (leftMs <= 0) this.#activate(entry);
    else entry.cancelTimer = this.#clock.schedule(leftMs, () => this.#activate(entry));
  }

  #activate(entry: Entry): void {
    this.#leave(entry, "active");
    entry.order = ++this.#order;
    this.#active.push({ entry, pod: entry.pod, order: entry.order });
    this.#waiter?.resolve();
    this.#waiter = undefined;
  }

  #leave(entry: Entry, next: Entry["state"]): void {
    entry.cancelTimer?.();
    entry.cancelTimer = undefined;
    this.#unschedulable.delete(entry);
    entry.state = next;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const waiter = deferred();
    const onAbort = () => waiter.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiter = waiter;
    try {
      await waiter.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** Whoever is refused by nobody waits for a node, and is helped by anything. */
function isHelped({ pod, refusedBy }: Entry, event: ClusterEvent): boolean {
  return (
    refusedBy.length === 0 ||
    refusedBy.some((plugin) => plugin.helpedBy?.includes(event.type) && (plugin.isHelpedBy?.(event, pod) ?? true))
  );
}
