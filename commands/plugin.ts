import { list } from "./plugin/list.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Tells about plug-ins: programs on PATH that are verbs. */
export const plugin: Verb = defineVerb({
  name: "plugin",
  group: "Settings",
  summary: "Show the programs on PATH that serve as verbs.",
  description: "A program called wherry-NAME or kubectl-NAME is run as 'wherry NAME'.",
  flags: {},
  verbs: [list],
});
