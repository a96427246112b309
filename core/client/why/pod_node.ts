import { findCondition } from "../../api/meta.ts";
import { node, type Pod } from "../../kinds/mod.ts";
import { isPodTerminal } from "../../kinds/pod_helpers.ts";
import { conditionText, type Reason, type WhyContext } from "./explanation.ts";
import { find } from "./look.ts";

/** That the node of a pod is gone, or does not answer: then nobody knows of the pod, nor ends it. */
export async function podNodeReason(pod: Pod, context: WhyContext): Promise<Reason | undefined> {
  const { nodeName: name } = pod.spec;
  if (!name || isPodTerminal(pod)) return undefined;
  const found = await find(node, { name }, context);
  if (found === "unknown") return undefined;
  if (!found)
    return {
      stage: "owner",
      says: `there is no node ${name}: the pod will be collected`,
      remedy: "leave spec.nodeName out, and the scheduler chooses a node",
    };
  const ready = findCondition(found.status?.conditions, "Ready");
  if (!ready || ready.status === "True") return undefined;
  const isGoing = pod.metadata.deletionTimestamp !== undefined;
  return {
    stage: "owner",
    says: `its node ${name} ${ready.status === "False" ? "is not ready" : "does not answer"}: ${conditionText(ready)}`,
    since: ready.lastTransitionTime ?? undefined,
    remedy: isGoing
      ? `bring the node back, or, if it is gone for good: wherry delete node ${name}`
      : `wherry why node/${name}`,
  };
}
