import type { PodCondition } from "../../core/kinds/pod.ts";
import type { PodFailure } from "./plan_pod.ts";

/** That a node ends a pod for the node's own sake, why, and how much time it gets. */
export interface PodEviction extends PodFailure {
  readonly gracePeriodSeconds: number;
  /** Whether the pod's status says by its condition DisruptionTarget that it was no fault of the pod's. */
  readonly disruption: boolean;
}

/** Whoever uses more than is there gets no time. */
export const immediateGraceSeconds = 1;

/** The pods that this node has decided to end: for what they use, for lack of something, or for a pod that it cannot do without. */
export class PodEvictions {
  readonly #evicted = new Map<string, PodEviction>();
  readonly #wake: (podUid: string) => void;

  /** @param wake makes the pod's worker look at it */
  constructor(wake: (podUid: string) => void) {
    this.#wake = wake;
  }

  /** Ends the pod. The first decision stands. */
  evict(podUid: string, eviction: PodEviction): void {
    if (this.#evicted.has(podUid)) return;
    this.#evicted.set(podUid, eviction);
    this.#wake(podUid);
  }

  /** Why and how the pod is ended; undefined when it is not. */
  get(podUid: string): PodEviction | undefined {
    return this.#evicted.get(podUid);
  }

  /** The pod is gone. */
  release(podUid: string): void {
    this.#evicted.delete(podUid);
  }
}

/** The condition of a pod that its node ends. @see https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
export function disruptionTarget(message: string): Pick<PodCondition, "type" | "status" | "reason" | "message"> {
  return { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message };
}
