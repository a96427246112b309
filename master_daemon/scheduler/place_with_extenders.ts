import type { Pod } from "../../core/kinds/mod.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { cheapest } from "./_preemption.ts";
import type { Extender, ExtenderVerdict } from "./extender.ts";
import type { Refusal, SchedulerPlugin } from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";
import { chooseNode, findNodes, type PlaceOptions } from "./place_pod.ts";
import type { Placement, Unplaced } from "./placement.ts";
import type { Snapshot } from "./snapshot.ts";

/** What placing with servers outside depends on, besides. */
export interface PlaceWithExtendersOptions extends PlaceOptions {
  /** Those that want to be asked about the pod. */
  readonly extenders: readonly Extender[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Stands for all such servers where it is told who refused a pod: whatever happens may help. */
const refusedByExtender: SchedulerPlugin = {
  name: "Extender",
  helpedBy: [
    "node-added",
    "node-deleted",
    "node-updated",
    "pod-added",
    "pod-deleted",
    "pod-updated",
    "storage-changed",
  ],
};

/**
 * Finds the best node for a pod among those that servers outside let it have. While they are asked the cluster goes on:
 * nodes that went meanwhile are left out.
 *
 * @throws Error when a server that cannot be done without does not answer
 */
export async function placeWithExtenders(
  pod: Pod,
  snapshot: Snapshot,
  options: PlaceWithExtendersOptions,
): Promise<Placement> {
  for (const ignoresNomination of [false, true]) {
    const found = findNodes(pod, snapshot, { ...options, ignoresNomination });
    if (!("nodes" in found)) return await preempt(pod, found, options);
    const { nodes, refused } = await filter(pod, found.nodes, snapshot, options);
    if (nodes.length > 0) {
      const added = nodes.length > 1 ? await prioritize(pod, nodes, options) : undefined;
      const left = nodes.filter((node) => isThere(node, snapshot));
      if (left.length > 0)
        return chooseNode(pod, snapshot, { ...found, nodes: left }, { ...options, ...(added ? { added } : {}) });
    }
    if (!found.isNominated) return await preempt(pod, found.nowhere(refused), options);
  }
  throw new Error("no nodes available to schedule pods");
}

async function filter(
  pod: Pod,
  all: readonly NodeInfo[],
  snapshot: Snapshot,
  { extenders, log, signal }: PlaceWithExtendersOptions,
): Promise<{ readonly nodes: readonly NodeInfo[]; readonly refused: ReadonlyMap<NodeInfo, Refusal> }> {
  const refused = new Map<NodeInfo, Refusal>();
  let nodes = all;
  for (const extender of extenders) {
    if (nodes.length === 0) break;
    const verdict: ExtenderVerdict | undefined = await unlessIgnored(extender, log, () =>
      extender.filter(pod, nodes, { signal }),
    );
    if (!verdict) continue;
    for (const node of nodes) {
      const rejection = verdict.failed.get(node.name);
      if (rejection && !verdict.nodes.includes(node) && isThere(node, snapshot))
        refused.set(node, { plugin: refusedByExtender, rejection });
    }
    nodes = verdict.nodes.filter((node) => isThere(node, snapshot));
  }
  return { nodes, refused };
}

/** Scores that cannot be had are none. */
async function prioritize(
  pod: Pod,
  nodes: readonly NodeInfo[],
  { extenders, log, signal }: PlaceWithExtendersOptions,
): Promise<ReadonlyMap<NodeInfo, number>> {
  const scores = await Promise.all(
    extenders.map((extender) =>
      extender.prioritize(pod, nodes, { signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        log.warn("Extender gives no scores", { extender: extender.options.urlPrefix, error: errorMessage(error) });
        return new Map<string, number>();
      }),
    ),
  );
  return new Map(nodes.map((node) => [node, scores.reduce((sum, of) => sum + (of.get(node.name) ?? 0), 0)] as const));
}

/** Has those servers look at which pods are to go that care. */
async function preempt(
  pod: Pod,
  unplaced: Unplaced,
  { extenders, log, signal }: PlaceWithExtendersOptions,
): Promise<Placement> {
  const asked = extenders.filter(({ options }) => options.preemptVerb !== "");
  let candidates = unplaced.postFilter?.candidates ?? [];
  if (asked.length === 0 || candidates.length === 0) return unplaced;
  for (const extender of asked) {
    if (candidates.length === 0) break;
    const present = candidates;
    candidates = (await unlessIgnored(extender, log, () => extender.preempt(pod, present, { signal }))) ?? present;
  }
  const best = cheapest(candidates);
  if (!best) {
    const message = `${unplaced.message} preemption: no candidate node for preemption.`;
    return { ...unplaced, message, postFilter: { message, nominatedNodeName: "" } };
  }
  const victims = best.victims.map((victim) => victim.pod);
  return { ...unplaced, postFilter: { message: undefined, nominatedNodeName: best.node.name, victims } };
}

/** Undefined when the server failed, and can be done without. */
async function unlessIgnored<T>(extender: Extender, log: Logger, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    const { ignorable, urlPrefix } = extender.options;
    if (!ignorable) throw error;
    log.warn("Extender passed over", { extender: urlPrefix, error: errorMessage(error) });
    return undefined;
  }
}

function isThere(node: NodeInfo, snapshot: Snapshot): boolean {
  return snapshot.node(node.name) === node;
}
