import { cordonNodes, nodeFlags, nodesOf } from "./drain/cordon_nodes.ts";
import { defineVerb, type Verb } from "./verb.ts";
import { dryRunOf } from "./write_flags.ts";

/** Lets new pods onto nodes again. */
export const uncordon: Verb = defineVerb({
  name: "uncordon",
  group: "Change",
  summary: "Let new pods onto nodes again.",
  words: "[nodes...]",
  flags: nodeFlags,
  examples: [["After maintenance", "wherry uncordon node-1"]],
  async run({ flags, words, env }) {
    const nodes = await nodesOf("uncordon", words, flags, env);
    await cordonNodes(nodes, false, dryRunOf(flags, env), env);
    return 0;
  },
});
