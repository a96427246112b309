import type { Node, Pod, PodSpec } from "../../../core/kinds/mod.ts";
import { type PlaceOptions, placePod } from "../../../master_daemon/scheduler/place_pod.ts";
import type { Placement } from "../../../master_daemon/scheduler/placement.ts";
import { plugins } from "../../../master_daemon/scheduler/plugins/mod.ts";
import { Snapshot } from "../../../master_daemon/scheduler/snapshot.ts";
import { aNode, aPod } from "../controllers/fixtures.ts";

/** A node with its name as `kubernetes.io/hostname`, and more labels. */
export function labelled(name: string, labels: Readonly<Record<string, string>> = {}): Node {
  return aNode(name, { metadata: { labels: { "kubernetes.io/hostname": name, ...labels } } });
}

/** A pod on a node. */
export function on(
  nodeName: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
  spec: Partial<PodSpec> = {},
): Pod {
  return aPod(name, { nodeName, metadata: { labels }, spec });
}

/** A pod without a node. */
export function waiting(spec: Partial<PodSpec> = {}, labels: Readonly<Record<string, string>> = {}): Pod {
  return aPod("new", { nodeName: "", metadata: { labels }, spec });
}

/** A snapshot of nodes and of the pods on them. */
export function snapshotOf(
  nodes: readonly Node[],
  pods: readonly Pod[] = [],
  options: ConstructorParameters<typeof Snapshot>[0] = {},
): Snapshot {
  const snapshot = new Snapshot(options);
  for (const node of nodes) snapshot.setNode(node);
  for (const pod of pods) snapshot.setPod(pod);
  return snapshot;
}

/** Places a pod with all plug-ins; the first of equals is taken. */
export function place(pod: Pod, snapshot: Snapshot, options: Partial<PlaceOptions> = {}): Placement {
  return placePod(pod, snapshot, { plugins, random: () => 0.999, ...options });
}

/** Names of all nodes that a pod could go to, sorted. */
export function feasible(pod: Pod, snapshot: Snapshot): readonly string[] {
  return snapshot.nodes
    .filter((node) => {
      const wanted = { ...pod, spec: { ...pod.spec, nodeName: node.name } };
      return placePod(wanted, snapshot, { plugins, random: () => 0 }).node?.name === node.name;
    })
    .map(({ name }) => name)
    .sort();
}
