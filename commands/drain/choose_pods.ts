import { controllerOf } from "../../core/api/meta.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { isMirror } from "../../core/kinds/pod_helpers.ts";

/** What drain may do to pods that it would rather leave. */
export interface DrainPolicy {
  readonly force: boolean;
  readonly ignoreDaemonSets: boolean;
  readonly deleteEmptyDirData: boolean;
  /** Pods that have been ending for longer than this are left; 0: none are. */
  readonly skipEndingAfterSeconds: number;
}

/** What is to become of the pods of a node. */
export interface DrainChoice {
  /** Those to evict. */
  readonly pods: readonly Pod[];
  /** Sentences about pods, joined; empty when there is nothing to say. */
  readonly warnings: string;
  /** Why the node cannot be drained. */
  readonly errors: readonly string[];
}

type Verdict =
  | { readonly goes: true; readonly warning?: string }
  | { readonly goes: false; readonly warning?: string; readonly error?: string };

/**
 * Sorts the pods of a node. Pure.
 *
 * @param daemonSets namespace/name of those that there are
 * @param now milliseconds since the epoch
 * @see k8s.io/kubectl/pkg/drain/filters.go
 */
export function choosePods(
  pods: readonly Pod[],
  daemonSets: ReadonlySet<string>,
  policy: DrainPolicy,
  now: number,
): DrainChoice {
  const verdicts = pods.map((pod) => ({ pod, verdict: judge(pod, daemonSets, policy, now) }));
  const grouped = (member: "warning" | "error") => {
    const groups = new Map<string, string[]>();
    for (const { pod, verdict } of verdicts) {
      const text = (verdict as { readonly warning?: string; readonly error?: string })[member];
      if (text === undefined) continue;
      groups.set(text, [...(groups.get(text) ?? []), `${pod.metadata.namespace}/${pod.metadata.name}`]);
    }
    return [...groups].map(([text, names]) => `${text}: ${names.join(", ")}`);
  };
  return {
    pods: verdicts.filter(({ verdict }) => verdict.goes).map(({ pod }) => pod),
    warnings: grouped("warning").join("; "),
    errors: grouped("error").map((text) => `cannot delete ${text}`),
  };
}

function judge(pod: Pod, daemonSets: ReadonlySet<string>, policy: DrainPolicy, now: number): Verdict {
  const { namespace, deletionTimestamp } = pod.metadata;
  const { skipEndingAfterSeconds } = policy;
  if (skipEndingAfterSeconds > 0 && deletionTimestamp !== undefined) {
    if (Math.floor((now - Date.parse(deletionTimestamp)) / 1000) > skipEndingAfterSeconds) return { goes: false };
  }
  const finished = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  const owner = controllerOf(pod);
  if (owner?.kind === "DaemonSet" && owner.apiVersion === "apps/v1" && !finished) {
    if (!daemonSets.has(`${namespace}/${owner.name}`)) {
      if (!policy.force) return { goes: false, error: `daemonsets.apps "${owner.name}" not found` };
    } else if (policy.ignoreDaemonSets) return { goes: false, warning: "ignoring DaemonSet-managed Pods" };
    else return { goes: false, error: "DaemonSet-managed Pods (use --ignore-daemonsets to ignore)" };
  }
  if (isMirror(pod)) return { goes: false };
  if (finished) return { goes: true };
  if (pod.spec.volumes?.some(({ emptyDir }) => emptyDir !== undefined)) {
    if (!policy.deleteEmptyDirData)
      return { goes: false, error: "Pods with local storage (use --delete-emptydir-data to override)" };
  }
  // As in kubectl, the last look decides what is said: what came before is not warned of.
  if (owner) return { goes: true };
  if (!policy.force) return { goes: false, error: "Pods that declare no controller (use --force to override)" };
  return { goes: true, warning: "deleting Pods that declare no controller" };
}
