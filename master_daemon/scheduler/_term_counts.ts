import type { StringMap } from "../../core/api/meta.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import type { AffinityTerm, NamespaceLabels } from "./_affinity_terms.ts";
import { type Labelled, NodeCounts } from "./_node_counts.ts";
import type { PodInfo } from "./node_info.ts";

/** Which of a pod's lists a term is in. */
export type TermKind = "affinity" | "antiAffinity" | "preferredAffinity" | "preferredAntiAffinity";

/** A term that pods have, and on which nodes they are. */
export interface TermCount {
  readonly term: AffinityTerm;
  /** 1 for terms that are required. */
  readonly weight: number;
  readonly counts: NodeCounts;
}

/** The terms of pods on nodes: pods of one workload have the same ones. */
export class TermCounts {
  readonly #kinds: Readonly<Record<TermKind, Map<string, TermCount>>> = {
    affinity: new Map(),
    antiAffinity: new Map(),
    preferredAffinity: new Map(),
    preferredAntiAffinity: new Map(),
  };
  readonly #namespaceLabels: NamespaceLabels;

  constructor({ namespaceLabels }: { readonly namespaceLabels: NamespaceLabels }) {
    this.#namespaceLabels = namespaceLabels;
  }

  /** Terms that select a pod. */
  selecting(pod: Pod, kind: TermKind): readonly TermCount[] {
    const terms = this.#kinds[kind];
    if (terms.size === 0) return [];
    return [...terms.values()].filter(({ term }) => term.selects(pod, this.#namespaceLabels));
  }

  /** Counts a pod that came to a node (1) or left it (-1). */
  add({ terms }: PodInfo, node: Labelled, amount: 1 | -1): void {
    for (const term of terms.affinity) this.#count("affinity", { term, weight: 1 }, node, amount);
    for (const term of terms.antiAffinity) this.#count("antiAffinity", { term, weight: 1 }, node, amount);
    for (const weighted of terms.preferredAffinity) this.#count("preferredAffinity", weighted, node, amount);
    for (const weighted of terms.preferredAntiAffinity) this.#count("preferredAntiAffinity", weighted, node, amount);
  }

  relabel(node: Labelled, previous: StringMap): void {
    for (const terms of Object.values(this.#kinds))
      for (const { counts } of terms.values()) counts.relabel(node, previous);
  }

  #count(kind: TermKind, { term, weight }: Omit<TermCount, "counts">, node: Labelled, amount: 1 | -1): void {
    const terms = this.#kinds[kind];
    const key = JSON.stringify([weight, term.topologyKey, term.identity]);
    const present = terms.get(key) ?? { term, weight, counts: new NodeCounts() };
    present.counts.add(node, amount);
    if (present.counts.total === 0) terms.delete(key);
    else terms.set(key, present);
  }
}
