import type { Selector } from "../../core/api/labels.ts";
import type { StringMap } from "../../core/api/meta.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import type { AffinityTerm, NamespaceLabels } from "./_affinity_terms.ts";
import { type Labelled, NodeCounts } from "./_node_counts.ts";
import { RecentMap } from "./_recent_map.ts";

/** Selections whose counts are kept. Pods of one workload share one. */
const maxSelections = 256;

interface Selection {
  readonly counts: NodeCounts;
  readonly asksNamespaces: boolean;
  includes(pod: Pod): boolean;
}

/** How many pods that are selected alike are on which node: counted once, then kept up to date. */
export class PodCounts {
  readonly #selections = new RecentMap<Selection>(maxSelections);
  readonly #namespaceLabels: NamespaceLabels;
  readonly #all: () => Iterable<readonly [Pod, Labelled]>;

  constructor(options: {
    readonly namespaceLabels: NamespaceLabels;
    readonly all: () => Iterable<readonly [Pod, Labelled]>;
  }) {
    this.#namespaceLabels = options.namespaceLabels;
    this.#all = options.all;
  }

  ofTerms(terms: readonly AffinityTerm[]): NodeCounts {
    return this.#counts(`terms ${terms.map(({ identity }) => identity).join()}`, {
      asksNamespaces: terms.some((term) => term.asksNamespaces),
      includes: (pod) => terms.every((term) => term.selects(pod, this.#namespaceLabels)),
    });
  }

  ofSelector(namespace: string, selector: Selector): NodeCounts {
    return this.#counts(`selector ${namespace} ${selector.empty ? "" : selector.toString()}`, {
      asksNamespaces: false,
      includes: ({ metadata }) =>
        metadata.namespace === namespace &&
        metadata.deletionTimestamp === undefined &&
        !selector.empty &&
        selector.matches(metadata.labels),
    });
  }

  /** Counts a pod that came to a node (1) or left it (-1). */
  add(pod: Pod, node: Labelled, amount: 1 | -1): void {
    for (const selection of this.#selections.values()) if (selection.includes(pod)) selection.counts.add(node, amount);
  }

  relabel(node: Labelled, previous: StringMap): void {
    for (const { counts } of this.#selections.values()) counts.relabel(node, previous);
  }

  namespacesChanged(): void {
    this.#selections.drop(({ asksNamespaces }) => asksNamespaces);
  }

  #counts(key: string, selection: Omit<Selection, "counts">): NodeCounts {
    const make = () => {
      const counts = new NodeCounts();
      for (const [pod, node] of this.#all()) if (selection.includes(pod)) counts.add(node, 1);
      return { ...selection, counts };
    };
    return this.#selections.getOrMake(key, make).counts;
  }
}
