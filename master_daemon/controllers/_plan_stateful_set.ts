import { scaledValue } from "../../core/api/intstr.ts";
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  StatefulSetStatus,
} from "../../core/kinds/mod.ts";
import { isPodAvailable, isPodReady, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { compact } from "../../core/util/compact.ts";
import { untilAvailable } from "./_availability.ts";
import { isStale, withOwners } from "./_claim_owners.ts";
import { templateOf } from "./_history.ts";
import { claimsOf, ordinalOf, ordinalRange, podRevision, statefulPod, withIdentity } from "./_stateful_pods.ts";

/** What is known about a stateful set. */
export interface ObservedStatefulSet {
  readonly set: StatefulSet;
  /** All pods that it controls, ended and ending ones too. */
  readonly pods: readonly Pod[];
  /** A claim of its namespace, by name. */
  readonly claim: (name: string) => PersistentVolumeClaim | undefined;
  /** Where pods come from that have not been updated yet, and where they are to go. */
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly nowMs: number;
}

/** What to do for a stateful set now, in the order of the members. */
export interface StatefulSetPlan {
  readonly createClaims: readonly { readonly claim: PersistentVolumeClaim; readonly pod: string }[];
  readonly updateClaims: readonly PersistentVolumeClaim[];
  readonly create: readonly Pod[];
  /** Pods that lost one of the labels with their name and ordinal. */
  readonly update: readonly Pod[];
  /** Pods that ended, to be made anew once they are gone. */
  readonly replace: readonly Pod[];
  readonly remove: readonly Pod[];
  /** Pods that cannot be made, because a claim of theirs is on its way out. */
  readonly blocked: readonly { readonly pod: string; readonly message: string }[];
  /** Names of claims that somebody else looks after, so that the set's policy says nothing about them. */
  readonly conflicting: readonly string[];
  readonly status: StatefulSetStatus;
  readonly requeueAfterMs: number | undefined;
}

/**
 * What to do so that the pods match the stateful set: in order, one after the other, unless it is to be done in parallel.
 * Pure: same arguments, same plan.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#deployment-and-scaling-guarantees
 */
export function planStatefulSet(observed: ObservedStatefulSet): StatefulSetPlan {
  const plan = new Planner(observed);
  // One that is being deleted only tells what is left.
  if (!observed.set.metadata.deletionTimestamp && plan.fill() && plan.scaleDown()) plan.roll();
  return plan.finish();
}

/** Most pods that are made at once. */
const burst = 500;

type Draft = { -readonly [K in keyof StatefulSetPlan]: StatefulSetPlan[K] extends readonly (infer T)[] ? T[] : never };

/** Each step says whether the next may follow. */
class Planner {
  readonly #observed: ObservedStatefulSet;
  readonly #isOrdered: boolean;
  readonly #byOrdinal = new Map<number, Pod>();
  /** Pods that wait for a claim to go. */
  #waiting = 0;
  /** Pods beyond the range, lowest ordinal first. */
  readonly #condemned: readonly Pod[];
  readonly #draft: Omit<Draft, "status" | "requeueAfterMs"> = {
    createClaims: [],
    updateClaims: [],
    create: [],
    update: [],
    replace: [],
    remove: [],
    blocked: [],
    conflicting: [],
  };

  constructor(observed: ObservedStatefulSet) {
    const { set, pods } = observed;
    this.#observed = observed;
    this.#isOrdered = set.spec.podManagementPolicy !== "Parallel";
    const { start, end } = ordinalRange(set);
    for (const pod of pods) {
      const ordinal = ordinalOf(set, pod);
      if (ordinal !== undefined) this.#byOrdinal.set(ordinal, pod);
    }
    this.#condemned = [...this.#byOrdinal]
      .filter(([ordinal]) => ordinal < start || ordinal >= end)
      .sort(([a], [b]) => a - b)
      .map(([, pod]) => pod);
  }

  #isAvailable(pod: Pod): boolean {
    const { set, nowMs } = this.#observed;
    const { minReadySeconds } = set.spec;
    return pod.status?.phase === "Running" && isPodAvailable(pod, { minReadySeconds, now: nowMs });
  }

  /** Makes what is missing, and puts right what is there. */
  fill(): boolean {
    const { start, end } = ordinalRange(this.#observed.set);
    for (let ordinal = start; ordinal < end; ordinal++) {
      const pod = this.#byOrdinal.get(ordinal);
      const goesOn = pod ? this.#tend(ordinal, pod) : this.#create(ordinal);
      if (
        !goesOn &&
        (this.#isOrdered || this.#draft.create.length + this.#draft.blocked.length + this.#waiting >= burst)
      )
        return false;
    }
    return true;
  }

  #create(ordinal: number): boolean {
    const { set, current, update } = this.#observed;
    const name = `${set.metadata.name}-${ordinal}`;
    const claims = claimsOf(set, ordinal).flatMap(({ claim }) => this.#observed.claim(claim.metadata.name ?? "") ?? []);
    // Its end brings the set back here.
    if (claims.some((claim) => isStale(set, claim, name))) {
      this.#waiting++;
      return false;
    }
    const ending = claims.filter(({ metadata }) => metadata.deletionTimestamp);
    if (ending.length > 0) {
      const reasons = ending.map(({ metadata }) => `pvc ${metadata.name} is being deleted`);
      const message = reasons.length > 1 ? `[${reasons.join(", ")}]` : reasons.join();
      this.#draft.blocked.push({ pod: name, message });
      return false;
    }
    this.#claim(ordinal, undefined);
    const isCurrent = ordinal < this.#firstUpdated();
    const revision = isCurrent ? current : update;
    const template = templateOf(revision) ?? set.spec.template;
    this.#draft.create.push(statefulPod(set, { template, revision: revision.metadata.name ?? "", ordinal }));
    return false;
  }

  /** The lowest ordinal whose pod is made from the new template. */
  #firstUpdated(): number {
    const { set } = this.#observed;
    const { type = "RollingUpdate", rollingUpdate } = set.spec.updateStrategy ?? {};
    const { start } = ordinalRange(set);
    if (type !== "RollingUpdate") return start;
    return start + (rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status?.currentReplicas ?? 0));
  }

  /** Returns whether the pod is as it should be, so that the next one's turn has come. */
  #tend(ordinal: number, pod: Pod): boolean {
    const { set } = this.#observed;
    if (isPodTerminal(pod)) {
      if (!pod.metadata.deletionTimestamp) this.#draft.replace.push(pod);
      return false;
    }
    if (pod.status?.phase === "Pending") this.#claim(ordinal, pod);
    if (this.#isOrdered && (pod.metadata.deletionTimestamp || !this.#isAvailable(pod))) return false;
    this.#claim(ordinal, pod);
    const right = withIdentity(set, pod, ordinal);
    if (!semanticEqual(right.metadata.labels, pod.metadata.labels)) this.#draft.update.push(right);
    return true;
  }

  /** Makes missing claims of a pod, and gives those that are there the owners that they should have. */
  #claim(ordinal: number, pod: Pod | undefined, scaledDown = false): void {
    const { set } = this.#observed;
    for (const { claim } of claimsOf(set, ordinal)) {
      const name = claim.metadata.name ?? "";
      const present = this.#observed.claim(name);
      const podName = `${set.metadata.name}-${ordinal}`;
      const { claim: wanted, isConflicting } = withOwners(set, present ?? claim, { podName, pod, scaledDown });
      const isNews = !pod || pod.status?.phase === "Pending" || wanted !== present;
      if (isConflicting && isNews && !this.#draft.conflicting.includes(name)) this.#draft.conflicting.push(name);
      if (!present && !scaledDown) {
        if (this.#draft.createClaims.some((one) => one.claim.metadata.name === name)) continue;
        this.#draft.createClaims.push({ claim: wanted, pod: podName });
      } else if (present && wanted !== present && !this.#draft.updateClaims.some((one) => one.metadata.name === name))
        this.#draft.updateClaims.push(wanted);
    }
  }

  /** Removes what is beyond the range, highest ordinal first. */
  scaleDown(): boolean {
    const { set } = this.#observed;
    for (const pod of this.#condemned) this.#claim(ordinalOf(set, pod) ?? 0, pod, true);
    const firstUnhealthy = this.#condemned.find((pod) => pod.metadata.deletionTimestamp || !isPodReady(pod));
    for (const pod of this.#condemned.toReversed()) {
      if (pod.metadata.deletionTimestamp) {
        if (this.#isOrdered) return false;
        continue;
      }
      if (this.#isOrdered && !this.#isAvailable(pod) && pod !== firstUnhealthy) return false;
      this.#draft.remove.push(pod);
      if (this.#isOrdered) return false;
    }
    return true;
  }

  /** Removes pods of the old template, highest ordinal first, so that they are made anew. */
  roll(): void {
    const { set, update } = this.#observed;
    const { type = "RollingUpdate", rollingUpdate } = set.spec.updateStrategy ?? {};
    if (type !== "RollingUpdate") return;
    const { maxUnavailable, partition = 0 } = rollingUpdate ?? {};
    const isUnavailable = (pod: Pod) => !this.#isAvailable(pod) || pod.metadata.deletionTimestamp !== undefined;
    const { start, end } = ordinalRange(set);
    const limit = Math.max(1, scaledValue(maxUnavailable ?? 1, end - start, { roundUp: false }));
    const present = [...this.#byOrdinal].filter(([ordinal]) => ordinal >= start && ordinal < end);
    // Where nobody said how many, only a pod that has been updated is waited for.
    const isCounted = maxUnavailable !== undefined;
    if (!isCounted && present.length < end - start) return;
    const missing = end - start - present.filter(([, pod]) => !isUnavailable(pod)).length;
    let room = isCounted ? limit - missing : limit;
    const candidates = present.filter(([ordinal]) => ordinal >= start + partition).sort(([a], [b]) => b - a);
    for (const [, pod] of candidates) {
      if (room <= 0) return;
      if (podRevision(pod) !== update.metadata.name && !pod.metadata.deletionTimestamp) {
        this.#draft.remove.push(pod);
        room--;
      } else if (!isCounted && isUnavailable(pod)) return;
    }
  }

  finish(): StatefulSetPlan {
    const { set, pods, nowMs } = this.#observed;
    const { minReadySeconds } = set.spec;
    return {
      ...this.#draft,
      status: statusOf(this.#observed),
      requeueAfterMs: untilAvailable(pods, { minReadySeconds, nowMs }),
    };
  }
}

/** What the pods add up to. Once all of them are updated, the new revision is the current one. */
function statusOf({ set, pods, current, update, nowMs }: ObservedStatefulSet): StatefulSetStatus {
  const { replicas: wanted = 1, minReadySeconds, updateStrategy } = set.spec;
  const of = (revision: ControllerRevision) =>
    pods.filter((pod) => !pod.metadata.deletionTimestamp && podRevision(pod) === revision.metadata.name).length;
  const ready = pods.filter((pod) => pod.status?.phase === "Running" && isPodReady(pod));
  const updatedReplicas = of(update);
  const isComplete =
    (updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate" &&
    [updatedReplicas, ready.length, pods.length].every((count) => count === wanted);
  return compact<StatefulSetStatus>({
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: ready.length || undefined,
    currentReplicas: (isComplete ? updatedReplicas : of(current)) || undefined,
    updatedReplicas: updatedReplicas || undefined,
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, { minReadySeconds, now: nowMs })).length,
    currentRevision: (isComplete ? update : current).metadata.name,
    updateRevision: update.metadata.name,
    collisionCount: set.status?.collisionCount ?? 0,
    conditions: set.status?.conditions,
  });
}
