import { apiVersionOf } from "../../core/api/kind.ts";
import { findCondition, type KubeObject } from "../../core/api/meta.ts";
import { type Node, type NodeStatus, node as nodeKind } from "../../core/kinds/node.ts";

/** Something of a node that people should see. */
export interface NodeNews {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What kubelets' events name their node by: whoever describes a node looks for that. */
export function nodeReference(name: string): KubeObject {
  return { apiVersion: apiVersionOf(nodeKind), kind: nodeKind.kind, metadata: { name, uid: name } };
}

/** What a condition is called that became true, and that became something else. */
const words: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["MemoryPressure", ["NodeHasInsufficientMemory", "NodeHasSufficientMemory"]],
  ["DiskPressure", ["NodeHasDiskPressure", "NodeHasNoDiskPressure"]],
  ["PIDPressure", ["NodeHasInsufficientPID", "NodeHasSufficientPID"]],
  ["Ready", ["NodeReady", "NodeNotReady"]],
]);

/**
 * What is new in a node's status since the one before. Of the first, all conditions are. Pure.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/nodestatus/setters.go
 */
export function statusNews(name: string, before: NodeStatus | undefined, after: NodeStatus): readonly NodeNews[] {
  const news: NodeNews[] = [];
  const bootId = after.nodeInfo?.bootID ?? "";
  const bootBefore = before?.nodeInfo?.bootID ?? "";
  if (bootBefore !== "" && bootId !== "" && bootId !== bootBefore) {
    const message = `Node ${name} has been rebooted, boot id: ${bootId}`;
    news.push({ type: "Warning", reason: "Rebooted", message });
  }
  for (const [type, [whenTrue, otherwise]] of words) {
    const [was, is] = [before, after].map((status) => findCondition(status?.conditions, type)?.status);
    if (is === undefined || was === is) continue;
    news.push(nowIs(name, is === "True" ? whenTrue : otherwise));
  }
  return news;
}

/** Whether a node began or ceased to take pods. Pure. */
export function cordonNews(before: Node, after: Node): readonly NodeNews[] {
  const isCordoned = after.spec?.unschedulable ?? false;
  if (isCordoned === (before.spec?.unschedulable ?? false)) return [];
  return [nowIs(after.metadata.name ?? "", isCordoned ? "NodeNotSchedulable" : "NodeSchedulable")];
}

function nowIs(name: string, reason: string): NodeNews {
  return { type: "Normal", reason, message: `Node ${name} status is now: ${reason}` };
}
