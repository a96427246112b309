import { hostPorts, PortTable } from "../../core/kinds/host_ports.ts";
import type { Node } from "../../core/kinds/node.ts";
import { isNodeWanted } from "../../core/kinds/node_selection.ts";
import type { Pod, ResourceList } from "../../core/kinds/pod.ts";
import { qosClass } from "../../core/kinds/pod_resources.ts";
import { tolerates, untolerated } from "../../core/kinds/tolerates.ts";
import { isCriticalPod } from "./critical_pod.ts";
import { lackingResources } from "./lacking_resources.ts";
import type { PodFailure } from "./plan_pod.ts";
import { planPreemption } from "./plan_preemption.ts";
import { isStatic } from "./sources/static_pod.ts";
import { type Confinements, unenforceable } from "./unenforceable.ts";

/** What a node knows of itself when a pod comes. */
export interface AdmissionView {
  /** The Node as it stands in the API; undefined where there is none. */
  readonly node: Node | undefined;
  /** What it has to give. */
  readonly allocatable: ResourceList;
  readonly operatingSystem: string;
  /** The pods that it took and that have not ended. */
  readonly others: readonly Pod[];
  /** Conditions that say what it is short of, e.g. `MemoryPressure`. */
  readonly pressure: readonly string[];
  readonly shuttingDown: boolean;
  /** What its runtime can keep pods to. */
  readonly confinements: Confinements;
}

/** Whether a node takes a pod. */
export interface AdmissionPlan {
  /** Why it does not. */
  readonly refusal: PodFailure | undefined;
  /** Whether a newer version of the Node might have another answer. */
  readonly rests: "on the node" | "on the pods";
  /** Pods to end so that this one has what it needs. */
  readonly preempted: readonly Pod[];
}

/**
 * Whether a node takes a pod beside those that it has. A scheduler would not have sent it where it does not fit, but who writes
 * `spec.nodeName` does not ask the scheduler, and two schedulers do not ask each other. Pure.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/lifecycle/predicate.go
 */
export function planAdmission(pod: Pod, view: AdmissionView): AdmissionPlan {
  const refusal = underPressure(pod, view) ?? wrongSystem(pod, view) ?? unenforceable(pod, view.confinements);
  if (refusal) return refused(refusal);
  const lacking = lackingResources(pod, view);
  const onNode = wrongNode(pod, view);
  const others = onNode ?? takenPorts(pod, view);
  const [first] = lacking;
  if (first && !isCriticalPod(pod)) {
    const { name, requested, used, capacity } = first;
    const message = `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
    return refused({ reason: `OutOf${name}`, message });
  }
  if (others) return { refusal: others, rests: onNode ? "on the node" : "on the pods", preempted: [] };
  if (view.shuttingDown)
    return refused({ reason: "NodeShutdown", message: "Pod was rejected as the node is shutting down." });
  if (!first) return { refusal: undefined, rests: "on the pods", preempted: [] };
  const toFree = new Map(lacking.map(({ name, requested, used, capacity }) => [name, requested - (capacity - used)]));
  const preempted = planPreemption(pod, view.others, toFree);
  if (typeof preempted !== "string") return { refusal: undefined, rests: "on the pods", preempted };
  const cause = `preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: ${preempted}`;
  const message = `Unexpected error while attempting to recover from admission failure: ${cause}`;
  return refused({ reason: "UnexpectedAdmissionError", message });
}

function refused(refusal: PodFailure): AdmissionPlan {
  return { refusal, rests: "on the pods", preempted: [] };
}

/** What is short already is not made shorter, but by pods that nobody can do without. */
function underPressure(pod: Pod, { pressure }: AdmissionView): PodFailure | undefined {
  if (pressure.length === 0 || isCriticalPod(pod)) return undefined;
  if (pressure.length === 1 && pressure[0] === "MemoryPressure") {
    const taint = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" } as const;
    if (qosClass(pod) !== "BestEffort" || pod.spec.tolerations?.some((one) => tolerates(one, taint))) return undefined;
  }
  return { reason: "Evicted", message: `The node had condition: [${pressure.join(" ")}]. ` };
}

function wrongSystem({ metadata, spec }: Pod, { operatingSystem }: AdmissionView): PodFailure | undefined {
  const labels = metadata.labels ?? {};
  const label = "kubernetes.io/os";
  if (Object.hasOwn(labels, label) && labels[label] !== operatingSystem)
    return {
      reason: "PodOSSelectorNodeLabelDoesNotMatch",
      message: `Failed to admit pod as the \`${label}\` label doesn't match node label`,
    };
  if (spec.os === undefined || spec.os.name === operatingSystem) return undefined;
  return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
}

function wrongNode(pod: Pod, { node }: AdmissionView): PodFailure | undefined {
  if (!node) return undefined;
  if (!isNodeWanted(pod, node)) return predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
  if (isStatic(pod) || !untolerated(node.spec?.taints, pod.spec.tolerations, ["NoExecute"])) return undefined;
  return predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate");
}

function takenPorts(pod: Pod, { others }: AdmissionView): PodFailure | undefined {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return undefined;
  const ports = new PortTable();
  for (const other of others) ports.add(hostPorts(other));
  if (!wanted.some((port) => ports.conflicts(port))) return undefined;
  return predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports");
}

function predicate(name: string, why: string): PodFailure {
  return { reason: name, message: `Predicate ${name} failed: ${why}` };
}
