import { isJsonObject } from "../../api/json_object.ts";
import type { Json, JsonObject } from "../../api/meta.ts";
import { canonicalQuantity } from "../../api/quantity.ts";
import { hostPorts, PortTable } from "../../kinds/host_ports.ts";
import type { Node, Pod } from "../../kinds/mod.ts";
import { isNodeWanted } from "../../kinds/node_selection.ts";
import { isPodTerminal } from "../../kinds/pod_helpers.ts";
import {
  addResources,
  noResources,
  podRequests,
  type ResourceAmounts,
  resourceAmounts,
} from "../../kinds/pod_resources.ts";
import { tolerates, untolerated } from "../../kinds/tolerates.ts";

/** Why one node does not take a pod. */
export interface Refusal {
  readonly node: string;
  /** The scheduler's plug-in that said no. */
  readonly plugin: string;
  readonly reasons: readonly string[];
  readonly lacks: readonly Lack[];
}

/** What a node has too little of: `cpu` in thousandths, all else in whole units. */
export interface Lack {
  readonly resource: string;
  readonly requested: number;
  readonly free: number;
}

const mebibyte = 1024 * 1024;
const cordoned = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** The refusals that wherry's scheduler remembers. Pure. */
export function rememberedRefusals(diagnosis: JsonObject): readonly Refusal[] {
  return objects(diagnosis["nodes"]).map(({ name, plugin, reasons, lacks }) => ({
    node: String(name),
    plugin: String(plugin),
    reasons: Array.isArray(reasons) ? reasons.map(String) : [],
    lacks: objects(lacks).map(({ resource, requested, free }) => ({
      resource: String(resource),
      requested: Number(requested),
      free: Number(free),
    })),
  }));
}

/**
 * The refusals that nodes and the pods on them account for: what a scheduler that tells nothing of itself has seen, too. What
 * depends on several nodes at once (affinity of pods, spreading) is left to its own words. Pure.
 */
export function visibleRefusals(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): readonly Refusal[] {
  const byNode = new Map<string, Pod[]>();
  for (const one of pods) {
    const { nodeName } = one.spec;
    if (!nodeName || isPodTerminal(one)) continue;
    const there = byNode.get(nodeName);
    if (there) there.push(one);
    else byNode.set(nodeName, [one]);
  }
  return nodes.flatMap((node) => refusalOf(pod, node, byNode.get(node.metadata.name ?? "") ?? []) ?? []);
}

/** In the order in which the scheduler asks: the first no ends the questions. */
function refusalOf(pod: Pod, node: Node, there: readonly Pod[]): Refusal | undefined {
  const { tolerations } = pod.spec;
  const refusal = (plugin: string, reasons: readonly string[], lacks: readonly Lack[] = []): Refusal => ({
    node: node.metadata.name ?? "",
    plugin,
    reasons,
    lacks,
  });
  if (node.spec?.unschedulable && !tolerations?.some((one) => tolerates(one, cordoned)))
    return refusal("NodeUnschedulable", ["node(s) were unschedulable"]);
  const taint = untolerated(node.spec?.taints, tolerations, ["NoSchedule", "NoExecute"]);
  if (taint) return refusal("TaintToleration", [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`]);
  if (!isNodeWanted(pod, node)) return refusal("NodeAffinity", ["node(s) didn't match Pod's node affinity/selector"]);
  const taken = new PortTable();
  for (const one of there) taken.add(hostPorts(one));
  if (hostPorts(pod).some((port) => taken.conflicts(port)))
    return refusal("NodePorts", ["node(s) didn't have free ports for the requested pod ports"]);
  const lacks = lacksOf(pod, node, there);
  if (lacks.length === 0) return undefined;
  const reasons = lacks.map(({ resource }) => (resource === "pods" ? "Too many pods" : `Insufficient ${resource}`));
  return refusal("NodeResourcesFit", reasons, lacks);
}

function lacksOf(pod: Pod, { status }: Node, there: readonly Pod[]): readonly Lack[] {
  const wanted = amountsOf(podRequests(pod), 1);
  const used = amountsOf(there.map(podRequests).reduce(addResources, noResources), there.length);
  const present = amountsOf(resourceAmounts(status?.allocatable), 0);
  return [...wanted].flatMap(([resource, requested]) => {
    const free = (present.get(resource) ?? 0) - (used.get(resource) ?? 0);
    return requested > 0 && requested > free ? [{ resource, requested, free: Math.max(0, free) }] : [];
  });
}

function amountsOf(
  { milliCpu, memoryBytes, ephemeralStorageBytes, other }: ResourceAmounts,
  pods: number,
): ReadonlyMap<string, number> {
  return new Map([
    ["pods", pods],
    ["cpu", milliCpu],
    ["memory", memoryBytes],
    ["ephemeral-storage", ephemeralStorageBytes],
    ...other,
  ]);
}

/** A node, who refused, and by how much where that can be told. */
export function refusalText({ node, plugin, reasons, lacks }: Refusal): string {
  const how = lacks.map(({ resource, requested, free }) => {
    return `${resource}: asks ${amountText(resource, requested)}, ${amountText(resource, free)} free`;
  });
  return `${node}  ${plugin}  ${how.length > 0 ? how.join("; ") : reasons.join(", ")}`;
}

/** An amount as manifests have it. */
export function amountText(resource: string, value: number): string {
  if (resource === "cpu") return canonicalQuantity(`${Math.floor(value)}m`);
  const isBytes = resource === "memory" || resource === "ephemeral-storage" || resource.startsWith("hugepages-");
  return isBytes ? `${Math.floor(value / mebibyte)}Mi` : String(value);
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
