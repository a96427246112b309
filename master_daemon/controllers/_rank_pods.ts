import { findCondition } from "../../core/api/meta.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";

/** Annotation by which a user makes a pod go sooner (lower) or later (higher). */
const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";

/** What the choice of pods to delete depends on besides the pods. */
export interface RankOptions {
  /** How many active pods of the same kin run on a node, by its name. */
  readonly podsOnNode: (nodeName: string) => number;
  readonly nowMs: number;
}

/**
 * `pods` in the order in which they go when too many run: unscheduled before scheduled, Pending before Running, not ready
 * before ready, low deletion cost first, doubled up on a node first, ready for a short time first, often restarted first,
 * young first. Ages are compared by their order of magnitude, so that not always the newest is hit.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/controller_utils.go ActivePodsWithRanks
 */
export function rankForDeletion(pods: readonly Pod[], { podsOnNode, nowMs }: RankOptions): readonly Pod[] {
  const criteria: readonly ((a: Pod, b: Pod) => number)[] = [
    (a, b) => Number(!!a.spec.nodeName) - Number(!!b.spec.nodeName),
    (a, b) => phaseOrder(a) - phaseOrder(b),
    (a, b) => Number(isPodReady(a)) - Number(isPodReady(b)),
    (a, b) => deletionCost(a) - deletionCost(b),
    (a, b) => podsOnNode(b.spec.nodeName ?? "") - podsOnNode(a.spec.nodeName ?? ""),
    (a, b) => (isPodReady(a) && isPodReady(b) ? compareAges(a, b, podReadyTime, nowMs) : 0),
    (a, b) => restarts(b) - restarts(a),
    (a, b) => compareAges(a, b, (pod) => pod.metadata.creationTimestamp, nowMs),
  ];
  return [...pods].sort((a, b) => {
    for (const compare of criteria) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function phaseOrder({ status }: Pod): number {
  if (status?.phase === "Running") return 2;
  return status?.phase === "Unknown" ? 1 : 0;
}

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[deletionCostAnnotation] ?? "";
  return /^-?(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : 0;
}

function restarts({ status }: Pod): number {
  return Math.max(0, ...(status?.containerStatuses ?? []).map((container) => container.restartCount));
}

function compareAges(a: Pod, b: Pod, timeOf: (pod: Pod) => string | undefined, nowMs: number): number {
  const [one, two] = [timeOf(a), timeOf(b)];
  if (one === two) return 0;
  if (!one || !two) return one ? 1 : -1;
  const difference = magnitude(nowMs - Date.parse(one)) - magnitude(nowMs - Date.parse(two));
  if (difference !== 0) return difference;
  return (a.metadata.uid ?? "") < (b.metadata.uid ?? "") ? -1 : 1;
}

function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1;
}

/** Since when a pod is ready (or not). */
export function podReadyTime({ status }: Pod): string | undefined {
  return findCondition(status?.conditions, "Ready")?.lastTransitionTime;
}
