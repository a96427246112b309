import type { Pod } from "../../core/kinds/mod.ts";

/** Index of pods by the node that they are on. */
export const byNode = "pod.nodeName";

/** The index function of {@linkcode byNode}. */
export const podsByNode: { readonly [byNode]: (object: Pod) => readonly string[] } = {
  [byNode]: ({ spec }) => (spec.nodeName ? [spec.nodeName] : []),
};
