import { keyOf } from "../../core/api/meta.ts";
import { type Node, node } from "../../core/kinds/mod.ts";
import { unlessGone } from "./_errors.ts";
import { type Controller, watching } from "./controller.ts";

const annotation = "node.alpha.kubernetes.io/ttl";

/** For clusters of how many nodes which time holds. They overlap, so that a node more or less does not change it to and fro. */
const steps = [
  { min: 0, max: 100, ttlSeconds: 0 },
  { min: 90, max: 500, ttlSeconds: 15 },
  { min: 450, max: 1000, ttlSeconds: 30 },
  { min: 900, max: 2000, ttlSeconds: 60 },
  { min: 1800, max: Number.POSITIVE_INFINITY, ttlSeconds: 300 },
] as const;

/**
 * Tells nodes in an annotation for how many seconds they may keep ConfigMaps and Secrets before they ask for them again:
 * longer in larger clusters. It is for nodes that do not watch them.
 */
export function nodeTtlController(): Controller {
  let ttlSeconds = 0;
  return {
    name: "ttl-controller",
    account: "ttl-controller",
    reconciles: node,
    watches: [
      watching<Node>({
        kind: node,
        keys(_node, lister) {
          // Asked for every heartbeat of every node: they are listed only when their number matters.
          const nodes = lister(node);
          const next = planNodeTtl(nodes.size, ttlSeconds);
          if (next === ttlSeconds) return [];
          ttlSeconds = next;
          return nodes.list().map(keyOf);
        },
      }),
    ],
    async reconcile(key, { client, lister, signal }) {
      const found = lister(node).get(key);
      const wanted = String(ttlSeconds);
      if (!found || found.metadata.deletionTimestamp || found.metadata.annotations?.[annotation] === wanted)
        return undefined;
      const body = { metadata: { annotations: { [annotation]: wanted } } };
      await unlessGone(client.patch(node, key, { type: "merge", body }, { signal }));
      return undefined;
    },
  };
}

/** Seconds for a cluster of so many nodes, where it is `before` now: kept as long as it fits. Pure. */
export function planNodeTtl(nodes: number, before: number): number {
  let at = Math.max(
    0,
    steps.findIndex(({ ttlSeconds }) => ttlSeconds === before),
  );
  while (nodes > (steps[at]?.max ?? 0)) at++;
  while (nodes < (steps[at]?.min ?? 0)) at--;
  return steps[at]?.ttlSeconds ?? 0;
}
