import type { Pod } from "../../core/kinds/mod.ts";
import type { CycleState, WeightedPlugin } from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";
import type { PluginScore } from "./placement.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * The node with the best sum of scores; of several, each is as likely.
 *
 * @param options.added what others add to the scores of nodes
 */
export function bestNode(
  pod: Pod,
  nodes: readonly NodeInfo[],
  options: {
    readonly snapshot: Snapshot;
    readonly plugins: readonly WeightedPlugin[];
    readonly state: CycleState;
    readonly random: () => number;
    readonly added?: ReadonlyMap<NodeInfo, number> | undefined;
  },
): { readonly node: NodeInfo; readonly scores: readonly PluginScore[] } {
  const { snapshot, plugins, state, random, added } = options;
  const [only] = nodes as readonly [NodeInfo];
  if (nodes.length === 1) return { node: only, scores: [] };
  const totals = new Float64Array(nodes.length);
  const parts: { readonly plugin: string; readonly weight: number; readonly scores: readonly number[] }[] = [];
  for (const { plugin, weight } of plugins) {
    if (!plugin.score || weight === 0 || plugin.preScore?.(pod, nodes, snapshot, state) === false) continue;
    const raw = nodes.map((node) => plugin.score?.(pod, node, state) ?? 0);
    const scores = plugin.normalizeScores?.(raw) ?? raw;
    for (let at = 0; at < totals.length; at++) totals[at] = (totals[at] ?? 0) + (scores[at] ?? 0) * weight;
    parts.push({ plugin: plugin.name, weight, scores });
  }
  if (added) for (const [at, node] of nodes.entries()) totals[at] = (totals[at] ?? 0) + (added.get(node) ?? 0);
  const at = greatest(totals, random);
  const scores = parts.map(({ plugin, weight, scores }) => ({ plugin, weight, score: scores[at] ?? 0 }));
  return { node: nodes[at] ?? only, scores };
}

/** Where the greatest number is; of several, each is as likely. */
function greatest(numbers: Float64Array, random: () => number): number {
  let best = 0;
  let ties = 1;
  for (let at = 1; at < numbers.length; at++) {
    const [number, most] = [numbers[at] ?? 0, numbers[best] ?? 0];
    if (number > most) {
      best = at;
      ties = 1;
    } else if (number === most && random() * ++ties < 1) best = at;
  }
  return best;
}
