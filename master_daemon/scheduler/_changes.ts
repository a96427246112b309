import type { Node, Pod } from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";

/** Whether a node changed in what placing looks at. Daemons write their status all the time. */
export function isOtherNode(next: Node, previous: Node): boolean {
  const relevant = ({ metadata, spec, status }: Node) => [
    metadata.labels,
    spec?.taints,
    spec?.unschedulable,
    status?.allocatable,
  ];
  return !semanticEqual(relevant(next), relevant(previous));
}

/** Whether a pod changed in what placing looks at: not in its status alone. */
export function isOtherPod(next: Pod, previous: Pod): boolean {
  const relevant = ({ metadata: { labels }, spec }: Pod) => [labels, spec];
  return !semanticEqual(relevant(next), relevant(previous));
}
