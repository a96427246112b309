import type { NodeInfo } from "./node_info.ts";

/**
 * Nodes such that those of different zones come in turn: the search for a node ends early in a large cluster, and what it
 * has seen by then should be of every zone.
 */
export function inZoneOrder(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zoneOf(node);
    const members = zones.get(zone);
    if (members) members.push(node);
    else zones.set(zone, [node]);
  }
  if (zones.size <= 1) return nodes;
  const lists = [...zones.values()];
  const longest = lists.reduce((most, { length }) => Math.max(most, length), 0);
  return Array.from({ length: longest }, (_, turn) => lists.flatMap((members) => members[turn] ?? [])).flat();
}

/** Where a node is; nodes that do not say are all in one place. */
export function zoneOf({ labels }: Pick<NodeInfo, "labels">): string {
  return `${labels["topology.kubernetes.io/region"] ?? ""}/${labels["topology.kubernetes.io/zone"] ?? ""}`;
}
