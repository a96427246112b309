import { findCondition } from "../../../core/api/meta.ts";
import type { Pod } from "../../../core/kinds/mod.ts";
import { tally } from "../_failure_message.ts";
import { type Candidate, cheapest, selectVictims } from "../_preemption.ts";
import type { PostFilterContext, PostFilterResult, SchedulerPlugin } from "../framework.ts";
import type { NodeInfo } from "../node_info.ts";

/** Options of {@linkcode defaultPreemption}. */
export interface DefaultPreemptionOptions {
  /** How many percent of the nodes that may do are looked at to find candidates. Default 10. */
  readonly minCandidateNodesPercentage?: number;
  /** How many candidates are enough at least. Default 100. */
  readonly minCandidateNodesAbsolute?: number;
}

/**
 * Finds pods of lower priority that have to go so that a pod fits.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#preemption
 */
export function defaultPreemption(options: DefaultPreemptionOptions = {}): SchedulerPlugin {
  return {
    name: "DefaultPreemption",
    postFilter(pod, context) {
      const why = ineligible(pod, context);
      if (why !== undefined) return { message: `preemption: ${why}` };
      return preempt(pod, context, options);
    },
  };
}

function ineligible(pod: Pod, { snapshot, refusals }: PostFilterContext): string | undefined {
  if (pod.spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = snapshot.node(snapshot.nominationOf(pod) ?? "");
  // Where it cannot go any more, nobody makes room for it.
  if (!nominated || refusals.get(nominated)?.rejection.preemptionHelps !== true) return undefined;
  for (const { pod: other, priority } of nominated.pods)
    if (priority < (pod.spec.priority ?? 0) && isBeingDisplaced(other))
      return "not eligible due to a terminating pod on the nominated node.";
  return undefined;
}

function isBeingDisplaced({ metadata, status }: Pod): boolean {
  const condition = findCondition(status?.conditions, "DisruptionTarget");
  return (
    metadata.deletionTimestamp !== undefined &&
    condition?.status === "True" &&
    condition.reason === "PreemptionByScheduler"
  );
}

function preempt(
  pod: Pod,
  context: PostFilterContext,
  { minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 }: DefaultPreemptionOptions,
): PostFilterResult {
  const { snapshot, refusals, random } = context;
  const potential: NodeInfo[] = [];
  for (const [node, { rejection }] of refusals) if (rejection.preemptionHelps) potential.push(node);
  const enough = Math.max(
    Math.floor((potential.length * minCandidateNodesPercentage) / 100),
    minCandidateNodesAbsolute,
  );
  const offset = Math.floor(random() * potential.length);
  const candidates: Candidate[] = [];
  const reasons = new Map<string, number>();
  const add = (reason: string, count = 1) => reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  for (const node of [...potential.slice(offset), ...potential.slice(0, offset)]) {
    if (candidates.length >= enough && candidates.some(({ violations }) => violations === 0)) break;
    const result = selectVictims(pod, node, context);
    if ("victims" in result) {
      if (result.victims.length > 0) candidates.push(result);
    } else for (const reason of [result.reason, ...(result.others ?? [])]) add(reason);
  }
  const best = cheapest(candidates);
  if (best) {
    const victims = best.victims.map((victim) => victim.pod);
    return { message: undefined, nominatedNodeName: best.node.name, victims, candidates };
  }
  const count = snapshot.nodes.length;
  if (count > potential.length) add("Preemption is not helpful for scheduling", count - potential.length);
  return { message: `preemption: 0/${count} nodes are available: ${tally(reasons)}.`, nominatedNodeName: "" };
}
