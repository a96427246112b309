import { isJsonObject } from "../../api/json_object.ts";
import type { Json, JsonObject } from "../../api/meta.ts";
import { canonicalQuantity } from "../../api/quantity.ts";
import { isReason } from "../../api/status.ts";
import { node, type Pod } from "../../kinds/mod.ts";
import { isPodTerminal, podCondition } from "../../kinds/pod_helpers.ts";
import { readBody } from "../transport.ts";
import { counted, type Reason, type WhyContext } from "./explanation.ts";

const maxDiagnosisBytes = 16 * 1024 * 1024;
/** Nodes that are shown one by one. */
const shownNodes = 20;
const mebibyte = 1024 * 1024;

/** What the scheduler decided about a pod, with what it remembers of it where the server tells. */
export async function schedulingReason(pod: Pod, context: WhyContext): Promise<Reason | undefined> {
  const pending = pendingReason(pod);
  if (isPodTerminal(pod) || (pod.spec.schedulingGates ?? []).length > 0) return pending;
  const diagnosis = await diagnosisOf(pod, context);
  if (!diagnosis) return pending;
  return pending
    ? withNodes(await withLabels(pending, pod, diagnosis, context), diagnosis)
    : placedReason(pod, diagnosis);
}

/** What keeps a pod from its node, as its own status says. Pure. */
export function pendingReason(pod: Pod): Reason | undefined {
  const { spec, metadata } = pod;
  if (spec.nodeName || isPodTerminal(pod)) return undefined;
  const scheduled = podCondition(pod, "PodScheduled");
  const since = scheduled?.lastTransitionTime ?? metadata.creationTimestamp;
  const gates = (spec.schedulingGates ?? []).map(({ name }) => name);
  if (gates.length > 0)
    return { stage: "scheduling", says: `it is held back by the scheduling gates ${gates.join(", ")}`, since };
  if (scheduled?.status === "False")
    return { stage: "scheduling", says: scheduled.message || scheduled.reason || "no node was found for it", since };
  const { schedulerName = "default-scheduler" } = spec;
  return {
    stage: "scheduling",
    says: `the scheduler ${schedulerName} has not looked at it yet`,
    since,
    ...(schedulerName === "default-scheduler" ? {} : { remedy: `check that a scheduler named ${schedulerName} runs` }),
  };
}

/** What wherry's scheduler remembers of a pod; undefined where the server has no such memory, or does not tell. */
async function diagnosisOf(pod: Pod, { client, signal }: WhyContext): Promise<JsonObject | undefined> {
  const { namespace = "", name = "", uid } = pod.metadata;
  const path = `/debug/scheduling/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  const response = await client.raw({ method: "GET", path, headers: { accept: "application/json" } }, { signal });
  const body = await readBody(response.body, maxDiagnosisBytes);
  if (response.status !== 200) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return isJsonObject(value) && value["uid"] === uid ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The reason with the label of the pod's nodeSelector that no node has: mostly one that is misspelt, or was never given. */
async function withLabels(
  reason: Reason,
  { spec: { nodeSelector = {} } }: Pod,
  diagnosis: JsonObject,
  { client, signal }: WhyContext,
): Promise<Reason> {
  const wanted = Object.entries(nodeSelector);
  const nodes = objects(diagnosis["nodes"]);
  if (wanted.length === 0 || !nodes.some(({ plugin }) => plugin === "NodeAffinity")) return reason;
  try {
    for (const [name, value] of wanted) {
      const labelSelector = `${name}=${value}`;
      const { items } = await client.list(node, { labelSelector, limit: 1, signal });
      if (items.length > 0) continue;
      const remedy = `no node has the label ${labelSelector}: wherry label node NAME ${labelSelector}, or change the pod's nodeSelector`;
      return { ...reason, remedy };
    }
  } catch (error) {
    // Who may not read nodes is told the rest.
    if (!isReason(error, "Forbidden")) throw error;
  }
  return reason;
}

/** The reason with each node that refused the pod, and the least change that would help. Pure. */
function withNodes(reason: Reason, diagnosis: JsonObject): Reason {
  const nodes = objects(diagnosis["nodes"]);
  if (nodes.length === 0) return reason;
  const lines = nodes.slice(0, shownNodes).map(nodeLine);
  const more = nodes.length > shownNodes ? [`and ${counted(nodes.length - shownNodes, "more node")}`] : [];
  const victims = diagnosis["victims"];
  const nominated =
    typeof diagnosis["nominatedNodeName"] === "string" && Array.isArray(victims)
      ? [`${diagnosis["nominatedNodeName"]}: ${victims.join(", ")} must go for it`]
      : [];
  const remedy = reason.remedy ?? leastChange(nodes);
  return { ...reason, details: [...lines, ...more, ...nominated], ...(remedy ? { remedy } : {}) };
}

function placedReason({ spec }: Pod, diagnosis: JsonObject): Reason | undefined {
  const { nodeName, feasibleNodes, visitedNodes } = diagnosis;
  if (nodeName !== spec.nodeName || typeof nodeName !== "string") return undefined;
  return {
    stage: "scheduling",
    says: `it was placed on ${nodeName}: of ${counted(Number(visitedNodes), "node")} looked at, ${feasibleNodes} fit`,
    details: objects(diagnosis["scores"]).map(
      ({ plugin, score, weight }) => `${plugin}: ${score} of 100${weight === 1 ? "" : `, ${weight} times`}`,
    ),
  };
}

function nodeLine(node: JsonObject): string {
  const lacks = lacksOf(node);
  const reasons = Array.isArray(node["reasons"]) ? node["reasons"].join(", ") : "";
  const how = lacks.map(({ resource, requested, free }) => {
    return `${resource}: asks ${amount(resource, requested)}, ${amount(resource, free)} free`;
  });
  return `${node["name"]}  ${node["plugin"]}  ${how.length > 0 ? how.join("; ") : reasons}`;
}

interface Lack {
  readonly resource: string;
  readonly requested: number;
  readonly free: number;
}

/** On which node the pod would have to ask for least less, and for how much. */
function leastChange(nodes: readonly JsonObject[]): string | undefined {
  let best: { readonly name: string; readonly lacks: readonly Lack[]; readonly share: number } | undefined;
  for (const node of nodes) {
    const lacks = lacksOf(node);
    if (lacks.length === 0 || lacks.some(({ resource, free }) => resource === "pods" || free <= 0)) continue;
    const share = Math.min(...lacks.map(({ requested, free }) => free / requested));
    if (share > (best?.share ?? 0)) best = { name: String(node["name"]), lacks, share };
  }
  if (!best) return undefined;
  const asks = best.lacks.map(({ resource, free }) => `${amount(resource, free)} of ${resource}`).join(" and ");
  return `with no more than ${asks} it would fit on ${best.name}`;
}

function lacksOf(node: JsonObject): readonly Lack[] {
  return objects(node["lacks"]).map(({ resource, requested, free }) => ({
    resource: String(resource),
    requested: Number(requested),
    free: Number(free),
  }));
}

function amount(resource: string, value: number): string {
  if (resource === "cpu") return canonicalQuantity(`${Math.floor(value)}m`);
  const isBytes = resource === "memory" || resource === "ephemeral-storage" || resource.startsWith("hugepages-");
  return isBytes ? `${Math.floor(value / mebibyte)}Mi` : String(value);
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
