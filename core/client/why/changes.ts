import { formatLabelSelector, selectorFromObject } from "../../api/labels.ts";
import { hostPorts, PortTable } from "../../kinds/host_ports.ts";
import type { Node, Pod } from "../../kinds/mod.ts";
import { matchesNodeTerm } from "../../kinds/node_selection.ts";
import type { NodeSelectorRequirement } from "../../kinds/pod.ts";
import { isPodTerminal } from "../../kinds/pod_helpers.ts";
import { untolerated } from "../../kinds/tolerates.ts";
import { amountText, type Lack, type Refusal } from "./refusals.ts";

/** What there is besides the pod. */
export interface Surroundings {
  readonly nodes: readonly Node[];
  /** Those that are placed, of all namespaces. */
  readonly pods: readonly Pod[];
  /** What the scheduler says. */
  readonly message: string;
}

/** Names that are told of one kind of trouble. */
const shownNames = 3;

/** The least changes of which each would give a pending pod a node, one for each plug-in that refuses it. Pure. */
export function leastChanges(pod: Pod, refusals: readonly Refusal[], around: Surroundings): readonly string[] {
  const by = (plugin: string) => refusals.filter((one) => one.plugin === plugin);
  const changes = [
    lessOf(by("NodeResourcesFit")),
    ...by("NodeUnschedulable")
      .slice(0, 1)
      .map(({ node }) => `wherry uncordon ${node}`),
    taintChange(pod, by("TaintToleration"), around),
    by("NodeAffinity").length > 0 ? labelChange(pod, around) : undefined,
    by("NodePorts").length > 0 ? portChange(pod, around) : undefined,
    affinityChange(pod, around),
    spreadChange(pod, around),
  ];
  return changes.filter((one) => one !== undefined);
}

/** On which node the pod would have to ask for least less, and for how much. */
function lessOf(refusals: readonly Refusal[]): string | undefined {
  let best: { readonly node: string; readonly lacks: readonly Lack[]; readonly share: number } | undefined;
  for (const { node, lacks } of refusals) {
    if (lacks.length === 0 || lacks.some(({ resource, free }) => resource === "pods" || free <= 0)) continue;
    const share = Math.min(...lacks.map(({ requested, free }) => free / requested));
    if (share > (best?.share ?? 0)) best = { node, lacks, share };
  }
  if (best) {
    const asks = best.lacks.map(({ resource, free }) => `${amountText(resource, free)} of ${resource}`).join(" and ");
    return `with no more than ${asks} it would fit on ${best.node}`;
  }
  const lacking = new Set(
    refusals.flatMap(({ lacks }) => lacks.filter(({ free }) => free <= 0)).map(({ resource }) => resource),
  );
  return lacking.size > 0
    ? `no node has any ${[...lacking].join(" or ")} left: add a node, or end other pods`
    : undefined;
}

function taintChange({ spec }: Pod, refusals: readonly Refusal[], { nodes }: Surroundings): string | undefined {
  const refusing = new Set(refusals.map(({ node }) => node));
  for (const { metadata, spec: { taints } = {} } of nodes) {
    const { name = "" } = metadata;
    const taint = refusing.has(name) && untolerated(taints, spec.tolerations, ["NoSchedule", "NoExecute"]);
    if (!taint) continue;
    const { key, value, effect } = taint;
    // The cluster's own taints say that something is wrong with the node.
    return key.startsWith("node.kubernetes.io/")
      ? `wherry why node/${name}`
      : `let it tolerate the taint ${key}${value ? `=${value}` : ""}:${effect}, or wherry taint node ${name} ${key}-`;
  }
  return undefined;
}

/** The label that no node has: mostly one that is misspelt, or was never given. */
function labelChange({ spec }: Pod, { nodes }: Surroundings): string | undefined {
  for (const [name, value] of Object.entries(spec.nodeSelector ?? {})) {
    if (nodes.some(({ metadata }) => metadata.labels?.[name] === value)) continue;
    return `no node has the label ${name}=${value}: wherry label node NAME ${name}=${value}, or change the pod's nodeSelector`;
  }
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const nowhere = terms.map(({ matchExpressions = [] }) =>
    matchExpressions.find((one) => !nodes.some((node) => matchesNodeTerm({ matchExpressions: [one] }, node))),
  );
  const [first] = nowhere;
  if (first && nowhere.every((one) => one !== undefined))
    return `no node has ${requirementText(first)}: label a node, or change the pod's node affinity`;
  return undefined;
}

function requirementText({ key, operator, values = [] }: NodeSelectorRequirement): string {
  return `${key} ${operator}${values.length > 0 ? ` (${values.join(", ")})` : ""}`;
}

function portChange(pod: Pod, { pods }: Surroundings): string | undefined {
  const wanted = hostPorts(pod);
  const holders = pods.filter((one) => {
    if (isPodTerminal(one)) return false;
    const table = new PortTable();
    table.add(hostPorts(one));
    return wanted.some((port) => table.conflicts(port));
  });
  if (holders.length === 0) return undefined;
  const ports = wanted.map(({ port }) => port).join(", ");
  return `hostPort ${ports} is taken by ${podNames(holders)}: do without it, or add a node`;
}

function affinityChange(
  { spec, metadata: { namespace = "" } }: Pod,
  { message, pods }: Surroundings,
): string | undefined {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  if (/match pod affinity rules/.test(message)) {
    for (const term of podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      const selector = selectorFromObject(term.labelSelector);
      const namespaces = term.namespaces?.length ? term.namespaces : [namespace];
      const isThere = pods.some(
        ({ metadata }) =>
          (term.namespaceSelector || namespaces.includes(metadata.namespace ?? "")) &&
          selector.matches(metadata.labels ?? {}),
      );
      if (isThere) continue;
      return `no pod with the labels ${formatLabelSelector(term.labelSelector)} has a node yet, and its affinity asks for one`;
    }
  }
  if (/anti-affinity rules/.test(message)) {
    const terms = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const labels = terms.map(({ labelSelector }) => formatLabelSelector(labelSelector)).join(" or ");
    return /existing pods anti-affinity/.test(message)
      ? "a pod that is there keeps it away: add a node, or change that pod's anti-affinity"
      : `its anti-affinity keeps it away from pods with the labels ${labels}: add a node, or make the rule preferred`;
  }
  return undefined;
}

function spreadChange({ spec }: Pod, { message, nodes }: Surroundings): string | undefined {
  if (!/topology spread constraints/.test(message)) return undefined;
  for (const { topologyKey: key, whenUnsatisfiable } of spec.topologySpreadConstraints ?? []) {
    if (whenUnsatisfiable !== "DoNotSchedule" || nodes.some(({ metadata }) => metadata.labels?.[key] !== undefined))
      continue;
    return `no node has a label ${key}: wherry label node NAME ${key}=VALUE`;
  }
  return "raise maxSkew, or let whenUnsatisfiable be ScheduleAnyway";
}

function podNames(pods: readonly Pod[]): string {
  const names = pods.slice(0, shownNames).map(({ metadata }) => `pod/${metadata.name ?? ""}`);
  return `${names.join(", ")}${pods.length > shownNames ? " and others" : ""}`;
}
