import type { Pod } from "../../kinds/mod.ts";
import { isPodTerminal, podCondition } from "../../kinds/pod_helpers.ts";
import type { Reason, WhyContext } from "./explanation.ts";

/** What the scheduler decided about a pod that has no node. Undefined for one that has. */
export async function schedulingReason(pod: Pod, _context: WhyContext): Promise<Reason | undefined> {
  return pendingReason(pod);
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
