import { selectorFromObject } from "../../core/api/labels.ts";
import type { Pod, PodDisruptionBudget } from "../../core/kinds/mod.ts";
import type { PostFilterContext, Rejection } from "./framework.ts";
import type { NodeInfo, PodInfo } from "./node_info.ts";

/** Which pods would have to go from a node so that another one fits. */
export interface Candidate {
  readonly node: NodeInfo;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of them a disruption budget would rather keep. */
  readonly violations: number;
}

/**
 * The least important pods of a node whose going lets a pod in, those first that no disruption budget protects; or why even
 * all of lower priority would not do.
 */
export function selectVictims(
  pod: Pod,
  node: NodeInfo,
  { snapshot, without, fits }: Pick<PostFilterContext, "snapshot" | "without" | "fits">,
): Candidate | Rejection {
  const priority = pod.spec.priority ?? 0;
  const lower = [...node.pods].filter((info) => info.priority < priority).sort(byImportance);
  if (lower.length === 0) return { reason: "No preemption victims found for incoming pod" };
  return without(lower, ({ putBack, remove }) => {
    const rejection = fits(node);
    if (rejection) return rejection;
    const { protectedPods, others } = byBudget(lower, (namespace) => snapshot.cluster.disruptionBudgets(namespace));
    const mustGo = (info: PodInfo) => {
      putBack(info);
      if (!fits(node)) return false;
      remove(info);
      return true;
    };
    const violating = protectedPods.filter(mustGo);
    const going = new Set([...violating, ...others.filter(mustGo)]);
    return { node, victims: lower.filter((info) => going.has(info)), violations: violating.length };
  });
}

/**
 * The candidate that costs least: the fewest violated budgets, then the lowest of the highest priorities, the least sum of
 * priorities, the fewest pods, and those that have run least.
 */
export function cheapest(candidates: readonly Candidate[]): Candidate | undefined {
  const costs: readonly ((candidate: Candidate) => number)[] = [
    ({ violations }) => violations,
    ({ victims }) => victims[0]?.priority ?? 0,
    // Priorities may be negative: fewer such pods must not cost more than many.
    ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
    ({ victims }) => victims.length,
    ({ victims }) => -earliestStart(victims.filter(({ priority }) => priority === victims[0]?.priority)),
  ];
  let left = candidates;
  for (const cost of costs) {
    if (left.length <= 1) break;
    const of = new Map(left.map((candidate) => [candidate, cost(candidate)] as const));
    const least = [...of.values()].reduce((min, value) => Math.min(min, value), Number.POSITIVE_INFINITY);
    left = left.filter((candidate) => of.get(candidate) === least);
  }
  return left[0];
}

/** Pods whose going a budget does not allow, after those before them are gone, and the others. */
function byBudget(
  pods: readonly PodInfo[],
  budgetsOf: (namespace: string) => readonly PodDisruptionBudget[],
): { readonly protectedPods: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
  const left = new Map<PodDisruptionBudget, number>();
  const [protectedPods, others]: [PodInfo[], PodInfo[]] = [[], []];
  for (const info of pods) {
    const { namespace = "", name = "", labels } = info.pod.metadata;
    let isProtected = false;
    for (const budget of budgetsOf(namespace)) {
      const selector = selectorFromObject(budget.spec?.selector);
      if (selector.empty || !selector.matches(labels)) continue;
      // Its going was agreed to and counted already.
      if (Object.hasOwn(budget.status?.disruptedPods ?? {}, name)) continue;
      const allowed = (left.get(budget) ?? budget.status?.disruptionsAllowed ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) isProtected = true;
    }
    (isProtected ? protectedPods : others).push(info);
  }
  return { protectedPods, others };
}

/** The most important first: of higher priority, then who runs longer. */
function byImportance(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  return a.startMs - b.startMs;
}

function earliestStart(pods: readonly PodInfo[]): number {
  return pods.reduce((earliest, { startMs }) => Math.min(earliest, startMs), Number.POSITIVE_INFINITY);
}
