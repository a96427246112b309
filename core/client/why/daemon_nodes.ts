import { type DaemonSet, node, type Pod } from "../../kinds/mod.ts";
import { leastChanges } from "./changes.ts";
import { counted, type Reason, type WhyContext } from "./explanation.ts";
import { list } from "./look.ts";
import { refusalText, visibleRefusals } from "./refusals.ts";

/** Nodes that are shown one by one. */
const shownNodes = 10;
/** Taints that the pods of every DaemonSet tolerate. */
const tolerated = ["not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"];

/** The nodes that get no pod of a DaemonSet, and by which of its wishes; undefined when every node gets one. */
export async function passedOverReason(object: DaemonSet, context: WhyContext): Promise<Reason | undefined> {
  const nodes = await list(node, context);
  if (!nodes) return undefined;
  if (nodes.length === 0) return { stage: "scheduling", says: "there are no nodes" };
  const { metadata = {}, spec } = object.spec.template;
  const own = tolerated.map((key) => ({ key: `node.kubernetes.io/${key}`, operator: "Exists" as const }));
  const like: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, ...(object.metadata.namespace ? { namespace: object.metadata.namespace } : {}) },
    spec: { ...spec, tolerations: [...(spec.tolerations ?? []), ...own] },
  };
  // What there is on a node does not matter: its pod waits there.
  const refusals = visibleRefusals(like, nodes, []).filter(({ plugin }) =>
    ["TaintToleration", "NodeAffinity"].includes(plugin),
  );
  if (refusals.length === 0) return undefined;
  const isNowhere = refusals.length === nodes.length;
  const more = refusals.length > shownNodes ? [`and ${counted(refusals.length - shownNodes, "more node")}`] : [];
  const [change] = isNowhere ? leastChanges(like, refusals, { nodes, pods: [], message: "" }) : [];
  return {
    stage: "scheduling",
    says: isNowhere
      ? "no node takes its pods"
      : `${refusals.length} of ${counted(nodes.length, "node")} get none of its pods`,
    details: [...refusals.slice(0, shownNodes).map(refusalText), ...more],
    ...(change ? { remedy: change } : {}),
  };
}
