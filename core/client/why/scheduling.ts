import { isJsonObject } from "../../api/json_object.ts";
import type { JsonObject } from "../../api/meta.ts";
import { node, type Pod, pod as podKind } from "../../kinds/mod.ts";
import { isPodTerminal, podCondition } from "../../kinds/pod_helpers.ts";
import { readBody } from "../transport.ts";
import { leastChanges, type Surroundings } from "./changes.ts";
import { counted, type Reason, type WhyContext } from "./explanation.ts";
import { list } from "./look.ts";
import { refusalText, rememberedRefusals, visibleRefusals } from "./refusals.ts";

const maxDiagnosisBytes = 16 * 1024 * 1024;
/** Nodes that are shown one by one. */
const shownNodes = 20;

/** What the scheduler decided about a pod: with what it remembers of it where the server tells, else with what its nodes show. */
export async function schedulingReason(pod: Pod, context: WhyContext): Promise<Reason | undefined> {
  const pending = pendingReason(pod);
  if (isPodTerminal(pod) || (pod.spec.schedulingGates ?? []).length > 0) return pending;
  const diagnosis = await diagnosisOf(pod, context);
  if (!pending) return diagnosis && placedReason(pod, diagnosis);
  if (!diagnosis && podCondition(pod, "PodScheduled")?.status !== "False") return pending;
  return withNodes(pending, pod, { diagnosis, around: await surroundings(pending.says, context) });
}

/** What keeps a pod from its node, as its own status says. Pure. */
export function pendingReason(pod: Pod): Reason | undefined {
  const { spec, metadata } = pod;
  if (spec.nodeName || isPodTerminal(pod)) return undefined;
  const scheduled = podCondition(pod, "PodScheduled");
  const since = scheduled?.lastTransitionTime ?? metadata.creationTimestamp;
  const gates = (spec.schedulingGates ?? []).map(({ name }) => name);
  if (gates.length > 0)
    return {
      stage: "scheduling",
      says: `it is held back by the scheduling gates ${gates.join(", ")}`,
      since,
      remedy: "whoever set a gate takes it away when the pod may go on",
    };
  if (scheduled?.status === "False") {
    const { message, reason } = scheduled;
    // What preemption found is seldom the cause, and is no shorter than it.
    const [says = "", preemption] = (message ?? "").split(/ (?=preemption: )/);
    return {
      stage: "scheduling",
      says: says || reason || "no node was found for it",
      since,
      ...(preemption ? { details: [preemption] } : {}),
    };
  }
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

/** The nodes and what is on them; undefined for those who may not read them. */
async function surroundings(message: string, context: WhyContext): Promise<Surroundings | undefined> {
  const [nodes, pods] = await Promise.all([
    list(node, context),
    list(podKind, context, { fieldSelector: "spec.nodeName!=" }),
  ]);
  return nodes && pods && { nodes, pods, message };
}

/** The reason with each node that refused the pod, and the least changes that would help. Pure. */
function withNodes(
  reason: Reason,
  pod: Pod,
  { diagnosis, around }: { readonly diagnosis: JsonObject | undefined; readonly around: Surroundings | undefined },
): Reason {
  const remembered = diagnosis ? rememberedRefusals(diagnosis) : [];
  const refusals = remembered.length === 0 && around ? visibleRefusals(pod, around.nodes, around.pods) : remembered;
  const lines = refusals.slice(0, shownNodes).map(refusalText);
  const more = refusals.length > shownNodes ? [`and ${counted(refusals.length - shownNodes, "more node")}`] : [];
  const nominated = nominationLines(pod, diagnosis);
  const details = [...lines, ...more, ...nominated, ...(reason.details ?? [])];
  const changes = leastChanges(pod, refusals, around ?? { nodes: [], pods: [], message: "" });
  // One that gets its place needs no change.
  const remedy = nominated.length > 0 ? undefined : (reason.remedy ?? (changes.join("; or ") || undefined));
  return { ...reason, ...(details.length > 0 ? { details } : {}), ...(remedy ? { remedy } : {}) };
}

/** Where a pod will go once others have gone for it. */
function nominationLines({ status }: Pod, diagnosis: JsonObject | undefined): readonly string[] {
  const victims = diagnosis?.["victims"];
  const nominated = diagnosis?.["nominatedNodeName"];
  if (typeof nominated === "string" && Array.isArray(victims))
    return [`${nominated}: ${victims.join(", ")} must go for it`];
  return status?.nominatedNodeName
    ? [`${status.nominatedNodeName}: it gets its place once others have gone for it`]
    : [];
}

function placedReason(
  { spec }: Pod,
  { nodeName, feasibleNodes, visitedNodes, scores }: JsonObject,
): Reason | undefined {
  if (nodeName !== spec.nodeName || typeof nodeName !== "string") return undefined;
  return {
    stage: "scheduling",
    says: `it was placed on ${nodeName}: of ${counted(Number(visitedNodes), "node")} looked at, ${feasibleNodes} fit`,
    details: (Array.isArray(scores) ? scores.filter(isJsonObject) : []).map(
      ({ plugin, score, weight }) => `${plugin}: ${score} of 100${weight === 1 ? "" : `, ${weight} times`}`,
    ),
  };
}
