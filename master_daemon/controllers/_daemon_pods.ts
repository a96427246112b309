import type { Affinity, DaemonSet, Node, Pod, Toleration } from "../../core/kinds/mod.ts";
import { isNodeWanted } from "../../core/kinds/node_selection.ts";
import { untolerated } from "../../core/kinds/tolerates.ts";
import { revisionHashLabel } from "./_history.ts";
import { podFromTemplate } from "./_pod_control.ts";
import { withEntry } from "./_template_hash.ts";

const generationLabel = "pod-template-generation";
const generationAnnotation = "deprecated.daemonset.template.generation";
const nodeNameField = "metadata.name";

/** What daemons bear: they stay when their node is in trouble. */
const ownTolerations: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const networkToleration: Toleration = {
  key: "node.kubernetes.io/network-unavailable",
  operator: "Exists",
  effect: "NoSchedule",
};

/** Whether a daemon belongs on a node, and whether one that is there may stay. */
export interface NodeFit {
  readonly run: boolean;
  readonly stay: boolean;
}

/**
 * How a node fits a daemon set.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/daemon/daemon_controller.go NodeShouldRunDaemonPod
 */
export function nodeFit(set: DaemonSet, node: Node): NodeFit {
  const { metadata, spec } = set.spec.template;
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: metadata ?? {}, spec };
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return { run: false, stay: false };
  if (!isNodeWanted(pod, node)) return { run: false, stay: false };
  const tolerations = daemonTolerations(set);
  const { taints } = node.spec ?? {};
  if (!untolerated(taints, tolerations, ["NoExecute", "NoSchedule"])) return { run: true, stay: true };
  return { run: false, stay: !untolerated(taints, tolerations, ["NoExecute"]) };
}

function daemonTolerations({ spec }: DaemonSet): readonly Toleration[] {
  const { tolerations = [], hostNetwork } = spec.template.spec;
  const added = hostNetwork ? [...ownTolerations, networkToleration] : ownTolerations;
  const isSame = (a: Toleration, b: Toleration) =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator && !a.value;
  const missing = added.filter((one) => !tolerations.some((present) => isSame(present, one)));
  // One of the same meaning loses the time that it was bounded to.
  return [...tolerations.map((present) => added.find((one) => isSame(present, one)) ?? present), ...missing];
}

/** The daemon for one node. */
export function daemonPod(set: DaemonSet, nodeName: string, hash: string): Pod {
  const pod = podFromTemplate(set);
  const generation = set.metadata.annotations?.[generationAnnotation];
  const labelled = withEntry(pod.metadata.labels, revisionHashLabel, hash);
  const labels = generation === undefined ? labelled : withEntry(labelled, generationLabel, generation);
  const affinity = withNode(pod.spec.affinity, nodeName);
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: { ...pod.spec, affinity, tolerations: daemonTolerations(set) },
  };
}

/** The scheduler places daemons, too; this leaves it no choice. What the template asked of nodes is met by this one. */
function withNode(affinity: Affinity | undefined, nodeName: string): Affinity {
  const nodeSelectorTerms = [{ matchFields: [{ key: nodeNameField, operator: "In", values: [nodeName] } as const] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  };
}

/** The node that a daemon is on, or is meant for. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const field = terms
    .flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator, values }) => key === nodeNameField && operator === "In" && values?.length === 1);
  return field?.values?.[0];
}

/** The hash of the template that a pod comes from. */
export function podHash({ metadata: { labels } }: Pod): string | undefined {
  return labels && Object.hasOwn(labels, revisionHashLabel) ? labels[revisionHashLabel] : undefined;
}
