import type { Pod, ResourceList } from "../../../core/kinds/pod.ts";
import { isPodActive } from "../../../core/kinds/pod_helpers.ts";
import type { PodEvents } from "../pod_events.ts";
import { type Allocation, askedAllocation, reportedAllocation, sameAllocation, withAllocation } from "./allocation.ts";
import type { AllocationRecords } from "./allocation_records.ts";
import { type ResizeRefusal, resizeOrder, resizeRefusal } from "./plan_resize.ts";
import { resizeMessage } from "./resize_events.ts";

/** Where a pod's resize stands. */
export interface ResizeState {
  /** Why what the pod asks for is not set aside for it, and which generation asks. */
  readonly pending?: (ResizeRefusal & { readonly generation: number | undefined }) | undefined;
  /** What is set aside is being given to the containers: of which generation it is. */
  readonly inProgress?: { readonly generation: number | undefined } | undefined;
}

/** Options of {@linkcode Allocations}. */
export interface AllocationsOptions {
  readonly records: AllocationRecords;
  readonly events: PodEvents;
  /** What the node has to give. */
  readonly allocatable: () => ResourceList;
  /** The other pods of the node with what is set aside for them. */
  readonly others: (pod: Pod) => readonly Pod[];
  /** Something changed for this pod. */
  readonly onChange: (podUid: string) => void;
}

interface Entry extends ResizeState {
  /** As it was last told. */
  readonly pod: Pod;
  readonly allocation: Allocation;
  /** When its resize began to wait. */
  readonly since: number;
}

/**
 * What a node has set aside for its pods, where that is something else than they ask for: a resize takes effect when there is
 * room for it, and is tried again whenever some is freed. Nothing is polled.
 *
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export class Allocations {
  readonly #options: AllocationsOptions;
  readonly #entries = new Map<string, Entry>();
  #waits = 0;

  constructor(options: AllocationsOptions) {
    this.#options = options;
  }

  /** Where the pod's resize stands. */
  state(podUid: string): ResizeState {
    return this.#entries.get(podUid) ?? {};
  }

  /** The pod with what is set aside for it in place of what it asks for. */
  allocated(pod: Pod): Pod {
    const entry = this.#entries.get(pod.metadata.uid ?? "");
    return withAllocation(pod, entry?.allocation ?? this.#known(pod));
  }

  #known(pod: Pod): Allocation {
    const recorded = this.#options.records.get(pod.metadata.uid ?? "");
    return recorded?.allocation ?? reportedAllocation(pod);
  }

  /** The node has taken the pod, now or before the daemon started again; or the pod has changed since. */
  update(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    const present = this.#entries.get(uid);
    const { inProgress } = present ?? this.#options.records.get(uid) ?? {};
    const { allocation = this.#known(pod), since = 0, pending } = present ?? {};
    const entry: Entry = { pod, allocation, since, inProgress, pending };
    this.#entries.set(uid, entry);
    if (sameAllocation(askedAllocation(pod), allocation)) {
      if (pending) this.#set(uid, { ...entry, pending: undefined });
    } else if (pending?.generation === undefined || pending.generation !== pod.metadata.generation) {
      this.#set(uid, { ...entry, since: pending ? since : this.#waits++ }, { quiet: true });
      this.#try(uid);
    }
  }

  /** Something may have been freed: tries the resizes that wait for that. */
  retry(): void {
    const waiting = [...this.#entries.values()].filter(({ pending }) => pending?.reason === "Deferred");
    const ordered = resizeOrder(
      waiting.map(({ pod, allocation, since }) => ({ pod, allocated: withAllocation(pod, allocation), since })),
    );
    for (const { pod } of ordered) this.#try(pod.metadata.uid ?? "");
  }

  #try(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry || !isPodActive(entry.pod)) return;
    const { allocatable, others, events, records } = this.#options;
    const { pod } = entry;
    const { generation } = pod.metadata;
    const refusal = resizeRefusal(pod, { allocatable: allocatable(), others: others(pod) });
    if (!refusal) {
      const allocation = askedAllocation(pod);
      const inProgress = { generation };
      records.set(uid, { allocation, inProgress });
      events.normal(pod, "ResizeStarted", resizeMessage("started", pod, generation));
      this.#set(uid, { ...entry, allocation, inProgress, pending: undefined });
      return;
    }
    const { pending } = entry;
    const { reason, message } = refusal;
    if (pending?.reason === reason && pending.message === message && pending.generation === generation) return;
    // A daemon that starts again reads from the pod what it asks for, not what it was given.
    records.set(uid, { allocation: entry.allocation });
    events.warning(pod, `Resize${reason}`, resizeMessage(reason, pod, generation, message));
    this.#set(uid, { ...entry, pending: { ...refusal, generation } });
  }

  #set(uid: string, entry: Entry, { quiet = false }: { readonly quiet?: boolean } = {}): void {
    this.#entries.set(uid, entry);
    if (!quiet) this.#options.onChange(uid);
  }

  /** The pod's containers run with what is set aside for them. True when that is news. */
  completed(podUid: string): boolean {
    const entry = this.#entries.get(podUid);
    if (!entry?.inProgress) return false;
    const { pod, allocation, inProgress } = entry;
    this.#options.records.set(podUid, { allocation });
    const told = resizeMessage("completed", withAllocation(pod, allocation), inProgress.generation);
    this.#options.events.normal(pod, "ResizeCompleted", told);
    this.#set(podUid, { ...entry, inProgress: undefined }, { quiet: true });
    this.retry();
    return true;
  }

  /** Resolves when what is set aside is written down: a daemon that starts again knows of it. */
  recorded(podUid: string): Promise<void> {
    return this.#options.records.saved(podUid);
  }

  /** The pod has ended: what it had is for others. */
  ended(podUid: string): void {
    const entry = this.#entries.get(podUid);
    if (entry?.pending || entry?.inProgress)
      this.#set(podUid, { ...entry, pending: undefined, inProgress: undefined }, { quiet: true });
    this.retry();
  }

  /** The pod is gone. */
  release(podUid: string): void {
    this.#entries.delete(podUid);
    this.#options.records.forget(podUid);
    this.retry();
  }
}
