import { topNode } from "./top/node.ts";
import { topPod } from "./top/pod.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Shows what nodes and pods use. */
export const top: Verb = defineVerb({
  name: "top",
  group: "See",
  summary: "Show how much CPU and memory nodes and pods use.",
  flags: {},
  verbs: [topNode, topPod],
});
