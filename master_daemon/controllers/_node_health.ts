import { findCondition } from "../../core/api/meta.ts";
import type { Node, NodeCondition, Pod, Taint } from "../../core/kinds/mod.ts";
import { tolerates } from "../../core/kinds/tolerates.ts";
import { timestamp } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";

/** Taint of a node whose daemon says that it is not ready. */
const notReadyTaint = "node.kubernetes.io/not-ready";
/** Taint of a node whose daemon is not heard of. */
const unreachableTaint = "node.kubernetes.io/unreachable";

/** Taints that keep new pods away, by the condition and its status that calls for them. */
const conditionTaints: readonly { readonly type: string; readonly status: string; readonly key: string }[] = [
  { type: "Ready", status: "False", key: notReadyTaint },
  { type: "Ready", status: "Unknown", key: unreachableTaint },
  { type: "MemoryPressure", status: "True", key: "node.kubernetes.io/memory-pressure" },
  { type: "DiskPressure", status: "True", key: "node.kubernetes.io/disk-pressure" },
  { type: "NetworkUnavailable", status: "True", key: "node.kubernetes.io/network-unavailable" },
  { type: "PIDPressure", status: "True", key: "node.kubernetes.io/pid-pressure" },
];
const unschedulableTaint = "node.kubernetes.io/unschedulable";
const managedKeys = new Set([unschedulableTaint, ...conditionTaints.map(({ key }) => key)]);

/** Conditions that only the node's daemon knows. */
const daemonConditions: readonly string[] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/**
 * The node's conditions once its daemon was silent for too long.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/nodelifecycle/node_lifecycle_controller.go tryUpdateNodeHealth
 */
export function unknownConditions(node: Node, nowMs: number): readonly NodeCondition[] {
  const now = timestamp({ now: () => nowMs });
  const present = node.status?.conditions ?? [];
  const missing = daemonConditions
    .filter((type) => !findCondition(present, type))
    .map((type) =>
      compact<NodeCondition>({
        type,
        status: "Unknown",
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status.",
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: now,
      }),
    );
  const silenced = present.map((condition): NodeCondition => {
    if (!daemonConditions.includes(condition.type) || condition.status === "Unknown") return condition;
    return {
      ...condition,
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastTransitionTime: now,
    };
  });
  return [...silenced, ...missing];
}

/** What to do about taints that drive pods out. */
export type ExecuteMode =
  /** Add what the node's state calls for. */
  | "add"
  /** Add none; what stands stays as long as the state calls for one. */
  | "hold"
  /** Take all away: when no node at all is ready, the fault is likely to be ours. */
  | "remove";

/** The taints of a node in the state that `conditions` tell. Taints that people set stay as they are. Pure. */
export function planTaints(
  node: Node,
  { conditions, execute, nowMs }: { conditions: readonly NodeCondition[]; execute: ExecuteMode; nowMs: number },
): readonly Taint[] {
  const present = node.spec?.taints ?? [];
  const timeAdded = timestamp({ now: () => nowMs });
  const wanted: Taint[] = [];
  const want = (key: string, effect: Taint["effect"]) => {
    const same = present.find((taint) => taint.key === key && taint.effect === effect);
    wanted.push(same ?? { key, effect, timeAdded });
  };
  for (const { type, status, key } of conditionTaints) {
    if (findCondition(conditions, type)?.status === status) want(key, "NoSchedule");
  }
  if (node.spec?.unschedulable) want(unschedulableTaint, "NoSchedule");
  const driving = executeTaint(conditions);
  if (driving && execute !== "remove" && (execute === "add" || isDriven(node))) want(driving, "NoExecute");

  const isManaged = ({ key, effect }: Taint) =>
    (effect === "NoSchedule" && managedKeys.has(key)) ||
    (effect === "NoExecute" && (key === notReadyTaint || key === unreachableTaint));
  return [...present.filter((taint) => !isManaged(taint) || wanted.includes(taint)), ...wanted.filter(isNew)];

  function isNew(taint: Taint): boolean {
    return !present.includes(taint);
  }
}

/** The taint that drives pods out in this state; undefined when the node is ready. */
export function executeTaint(conditions: readonly NodeCondition[]): string | undefined {
  const ready = findCondition(conditions, "Ready");
  if (ready?.status === "False") return notReadyTaint;
  return ready?.status === "Unknown" ? unreachableTaint : undefined;
}

/** Whether one of our taints already drives the node's pods out. */
export function isDriven({ spec }: Node): boolean {
  return (spec?.taints ?? []).some(
    ({ key, effect }) => effect === "NoExecute" && (key === notReadyTaint || key === unreachableTaint),
  );
}

/** Labels that every node has, by the name that they had before. */
const olderLabels = [
  ["kubernetes.io/os", "beta.kubernetes.io/os"],
  ["kubernetes.io/arch", "beta.kubernetes.io/arch"],
] as const;

/** Labels of an older name that do not say what the present ones say; undefined when all do. */
export function staleLabels({ metadata: { labels = {} } }: Node): Readonly<Record<string, string>> | undefined {
  const stale = olderLabels.flatMap(([name, older]) => {
    const value = labels[name];
    return value === undefined || labels[older] === value ? [] : [[older, value] as const];
  });
  return stale.length > 0 ? Object.fromEntries(stale) : undefined;
}

/** How bad a zone's state is. @see https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction */
export function zoneState(readyCounts: {
  readonly ready: number;
  readonly notReady: number;
}): "normal" | "partial" | "full" {
  const { ready, notReady } = readyCounts;
  if (ready === 0 && notReady > 0) return "full";
  return notReady > 2 && notReady / (ready + notReady) >= 0.55 ? "partial" : "normal";
}

/**
 * Milliseconds for which a pod may stay under taints of effect NoExecute: 0 not at all, Infinity for ever.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export function toleratedMs({ spec }: Pod, taints: readonly Taint[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const used = (spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (used.length === 0) return 0;
    for (const { tolerationSeconds } of used) {
      if (tolerationSeconds !== undefined) least = Math.min(least, Math.max(0, tolerationSeconds) * 1000);
    }
  }
  return least;
}
