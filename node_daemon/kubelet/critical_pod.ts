import type { Pod } from "../../core/kinds/pod.ts";
import { isMirror } from "../../core/kinds/pod_helpers.ts";
import { isStatic } from "./sources/static_pod.ts";

/** The least priority of pods that a cluster cannot do without. @see https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/ */
export const criticalPriority = 2_000_000_000;

/** Whether a node must not do without the pod: it is the node's own, or of critical priority. @see k8s.io/kubernetes/pkg/kubelet/types/pod_update.go */
export function isCriticalPod(pod: Pod): boolean {
  return isStatic(pod) || isMirror(pod) || (pod.spec.priority ?? 0) >= criticalPriority;
}
