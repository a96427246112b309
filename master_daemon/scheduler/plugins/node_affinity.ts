import type { Node, NodeSelectorTerm, Pod } from "../../../core/kinds/mod.ts";
import { isNodeWanted, matchesNodeTerm } from "../../../core/kinds/node_selection.ts";
import { type Narrowing, type SchedulerPlugin, scaleScores } from "../framework.ts";
import type { NodeInfo } from "../node_info.ts";
import type { Snapshot } from "../snapshot.ts";

/** What a pod, or a profile, says of the nodes that it wants. */
export type AddedAffinity = NonNullable<NonNullable<Pod["spec"]["affinity"]>["nodeAffinity"]>;

/** Options of {@linkcode nodeAffinity}. */
export interface NodeAffinityOptions {
  /** What every pod of the profile wants besides what it says itself. */
  readonly addedAffinity?: AddedAffinity;
}

/** Keeps pods on nodes that their nodeSelector and required node affinity ask for, rather those that they prefer. */
export function nodeAffinity({ addedAffinity }: NodeAffinityOptions = {}): SchedulerPlugin {
  const enforced = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const isEnforced = (node: Node) => !enforced || enforced.some((term) => matchesNodeTerm(term, node));
  const preferences = (pod: Pod) => [
    ...(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
  return {
    name: "NodeAffinity",
    helpedBy: ["node-added", "node-updated"],
    isHelpedBy(event, pod) {
      const isWanted = (node: Node) => isEnforced(node) && isNodeWanted(pod, node);
      if (event.type === "node-updated") return isWanted(event.node) && !isWanted(event.previous);
      return !("node" in event) || isWanted(event.node);
    },
    preFilter(pod, snapshot) {
      const terms = requiredTerms(pod);
      if (!terms && !pod.spec.nodeSelector) return enforced ? undefined : "skip";
      const names = terms && namesOf(terms);
      if (names?.size === 0) return { reason: "pod affinity terms conflict" };
      if (names) return { nodes: [...names].flatMap((name) => snapshot.node(name) ?? []), isFinal: true };
      return narrowest(pod, terms, snapshot);
    },
    filter(pod, { node }) {
      if (!isEnforced(node)) return { reason: "node(s) didn't match scheduler-enforced node affinity" };
      return isNodeWanted(pod, node) ? undefined : { reason: "node(s) didn't match Pod's node affinity/selector" };
    },
    preScore: (pod) => preferences(pod).length > 0,
    score: (pod, { node }) =>
      preferences(pod).reduce(
        (sum, { weight, preference }) => sum + (matchesNodeTerm(preference, node) ? weight : 0),
        0,
      ),
    normalizeScores: (scores) => scaleScores(scores),
  };
}

function requiredTerms({ spec }: Pod): readonly NodeSelectorTerm[] | undefined {
  return spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
}

/** The names of the only nodes that terms ask for; undefined when one asks for no name. */
function namesOf(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  const all = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const lists = matchFields
      .filter(({ key, operator }) => key === "metadata.name" && operator === "In")
      .map(({ values = [] }) => values);
    const [first, ...others] = lists;
    if (!first) return undefined;
    for (const name of first) if (others.every((list) => list.includes(name))) all.add(name);
  }
  return all;
}

/** The fewest nodes that one of the labels leaves that a pod asks for. */
function narrowest(
  { spec: { nodeSelector = {} } }: Pod,
  terms: readonly NodeSelectorTerm[] | undefined,
  snapshot: Snapshot,
): Narrowing | undefined {
  const withLabel = (key: string, values: readonly string[]) => {
    const { byValue } = snapshot.nodesBy(key);
    return [...new Set(values)].flatMap((value) => [...(byValue.get(value) ?? [])]);
  };
  let fewest: readonly NodeInfo[] | undefined;
  for (const [key, value] of Object.entries(nodeSelector)) {
    const count = snapshot.nodesBy(key).byValue.get(value)?.size ?? 0;
    if (count < (fewest?.length ?? snapshot.nodes.length)) fewest = withLabel(key, [value]);
  }
  const [term, ...others] = terms ?? [];
  if (term && others.length === 0) {
    for (const { key, operator, values = [] } of term.matchExpressions ?? []) {
      if (operator !== "In") continue;
      const count = values.reduce((sum, value) => sum + (snapshot.nodesBy(key).byValue.get(value)?.size ?? 0), 0);
      if (count < (fewest?.length ?? snapshot.nodes.length)) fewest = withLabel(key, values);
    }
  }
  return fewest && { nodes: fewest };
}
