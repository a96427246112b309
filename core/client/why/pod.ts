import type { Event } from "../../kinds/event.ts";
import { type Pod, secret } from "../../kinds/mod.ts";
import { isPodReady, isPodTerminal, podCondition, podStatusText } from "../../kinds/pod_helpers.ts";
import { logLines } from "../logs.ts";
import { containerReasons, containersInTurn, type PodReason } from "./container.ts";
import { eventsOf, newestEvent } from "./events_of.ts";
import { type Explainer, lastSeen, type Reason, type WhyContext } from "./explanation.ts";
import { find } from "./look.ts";
import { podClaimReasons } from "./pod_claims.ts";
import { podNodeReason } from "./pod_node.ts";
import { referenceRemedy } from "./remedies.ts";
import { schedulingReason } from "./scheduling.ts";

/** Lines of a failed container's log that are shown. */
const shownLogLines = 5;
const maxLogBytes = 4096;

/** Why a pod is not ready, or where it runs. */
export const explainPod: Explainer<Pod> = async (pod, context) => {
  const events = await eventsOf(pod, context);
  const scheduling = await schedulingReason(pod, context);
  const own = podReasons(pod, { events });
  const above = scheduling ? [scheduling] : [];
  const claims = await podClaimReasons(pod, context);
  const node = await podNodeReason(pod, context);
  // Where a pod was placed stands above what happened to it there; that it has no node comes before all but a claim that keeps it
  // from one.
  const reasons = pod.spec.nodeName
    ? [...(node ? [node] : []), ...own, ...claims, ...above]
    : scheduling && /persistent ?volume/i.test(scheduling.says)
      ? [...claims, ...above, ...own]
      : [...above, ...claims, ...own];
  const told = await Promise.all(reasons.map((reason) => withMore(reason, pod, context)));
  const isDone = pod.status?.phase === "Succeeded";
  const isWell = isDone || (isPodReady(pod) && pod.metadata.deletionTimestamp === undefined);
  return { state: stateOf(pod), isWell, reasons: told };
};

/** A pod's state in a few words. */
function stateOf(pod: Pod): string {
  const text = podStatusText(pod) || "Pending";
  return text === "Running" ? (isPodReady(pod) ? "Running and ready" : "Running, not ready") : text;
}

/** The causes that a pod itself and its events tell of, besides its scheduling: the nearest first. Pure. */
export function podReasons(pod: Pod, { events }: { readonly events: readonly Event[] }): readonly PodReason[] {
  if (pod.status?.phase === "Succeeded") return [];
  return [
    ...endReasons(pod),
    ...setUpReasons(pod, events),
    ...containersInTurn(pod).flatMap((one) => containerReasons(one, { pod, events })),
    ...gateReasons(pod),
    ...(["PodResizePending", "PodResizeInProgress"] as const).flatMap((type): PodReason[] => {
      const resize = podCondition(pod, type);
      if (resize?.status !== "True" || !(resize.reason || resize.message)) return [];
      const says = `its new resources are not in force: ${resize.message || resize.reason}`;
      return [{ stage: "condition", says, since: resize.lastTransitionTime ?? undefined }];
    }),
  ];
}

function endReasons(pod: Pod): readonly PodReason[] {
  const { status = {} } = pod;
  const disruption = podCondition(pod, "DisruptionTarget");
  if (disruption?.status === "True") {
    return [
      {
        stage: "eviction",
        says: `${disruption.reason ?? "Disrupted"}: ${disruption.message ?? ""}`.replace(/: $/, ""),
        since: disruption.lastTransitionTime ?? undefined,
        remedy: disruptionRemedy(disruption.reason, pod),
      },
    ];
  }
  if (status.phase !== "Failed" || !status.reason) return [];
  const says = `${status.reason}: ${status.message ?? ""}`.replace(/: $/, "");
  if (status.reason === "Evicted") return [{ stage: "eviction", says, remedy: disruptionRemedy(status.reason, pod) }];
  if (status.reason === "DeadlineExceeded")
    return [{ stage: "container", says, remedy: "raise spec.activeDeadlineSeconds, or let it end sooner" }];
  return [{ stage: "admission", says }];
}

function disruptionRemedy(reason: string | undefined, { spec: { nodeName } }: Pod): string | undefined {
  if (reason === "PreemptionByScheduler") return "give it a PriorityClass that is as high, or add a node";
  const node = nodeName && `wherry why node/${nodeName}`;
  if (reason !== "TerminationByKubelet" && reason !== "Evicted") return node;
  return `let it ask for what it uses (resources.requests); ${node}`;
}

const mountFailures = ["FailedMount", "FailedAttachVolume", "FailedMapVolume", "VolumeResizeFailed"];
const sandboxFailures = ["FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady"];

/** What keeps a pod that has its node from starting its first container. */
function setUpReasons(pod: Pod, events: readonly Event[]): readonly PodReason[] {
  const { spec, status = {} } = pod;
  if (!spec.nodeName || isPodTerminal(pod)) return [];
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const hasStarted = statuses.some(
    ({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated,
  );
  if (hasStarted) return [];
  const failures = [
    ["volumes", newestEvent(events, mountFailures)],
    ["sandbox", newestEvent(events, sandboxFailures)],
  ] as const;
  const reasons = failures.flatMap(([stage, event]): PodReason[] =>
    event
      ? [
          {
            stage,
            says: event.message ?? event.reason ?? "",
            since: lastSeen(event),
            remedy: referenceRemedy(event.message ?? ""),
          },
        ]
      : [],
  );
  if (reasons.length > 0 || statuses.some(({ state }) => state?.waiting?.reason)) return reasons;
  return [
    {
      stage: "sandbox",
      says: `the node ${spec.nodeName} has not begun to start it`,
      remedy: `wherry why node/${spec.nodeName}`,
    },
  ];
}

function gateReasons({ spec, status = {} }: Pod): readonly PodReason[] {
  return (spec.readinessGates ?? []).flatMap(({ conditionType }): PodReason[] => {
    const gate = status.conditions?.find(({ type }) => type === conditionType);
    if (gate?.status === "True") return [];
    const says = `it waits for the condition ${conditionType}, which ${gate ? `is ${gate.status}` : "nobody has set"}`;
    return [{ stage: "condition", says, ...(gate?.message ? { details: [gate.message] } : {}) }];
  });
}

/** Adds what only the server knows: the last lines of the container's log, or which of its imagePullSecrets are not there. */
export async function withMore({ logOf, ...reason }: PodReason, pod: Pod, context: WhyContext): Promise<Reason> {
  if (reason.stage === "image") return withPullSecrets(reason, pod, context);
  if (!logOf) return reason;
  const { client, signal } = context;
  const { namespace = "default", name = "" } = pod.metadata;
  const lines: string[] = [];
  try {
    const options = { ...logOf, tailLines: shownLogLines, limitBytes: maxLogBytes, signal };
    for await (const line of logLines(client, { namespace, name }, options)) lines.push(`| ${line}`);
  } catch {
    // The log may be gone, or the node: what is known is said without it.
  }
  return lines.length > 0 ? { ...reason, details: [...(reason.details ?? []), ...lines] } : reason;
}

/** A node goes on without a Secret that is not there, and only the registry complains. */
async function withPullSecrets(reason: Reason, { metadata, spec }: Pod, context: WhyContext): Promise<Reason> {
  const { namespace = "default" } = metadata;
  for (const { name } of spec.imagePullSecrets ?? []) {
    if (!name || (await find(secret, { namespace, name }, context))) continue;
    const details = [...(reason.details ?? []), `there is no Secret ${name}, which its imagePullSecrets name`];
    const remedy = `wherry create secret docker-registry ${name} --docker-server=… --docker-username=… --docker-password=…`;
    return { ...reason, details, remedy };
  }
  return reason;
}
