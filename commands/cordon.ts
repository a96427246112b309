import { cordonNodes, nodeFlags, nodesOf } from "./drain/cordon_nodes.ts";
import { defineVerb, type Verb } from "./verb.ts";
import { dryRunOf } from "./write_flags.ts";

/** Keeps new pods off nodes. */
export const cordon: Verb = defineVerb({
  name: "cordon",
  group: "Change",
  summary: "Keep new pods off nodes.",
  words: "[nodes...]",
  flags: nodeFlags,
  examples: [["Nothing new comes, what is there stays", "wherry cordon node-1"]],
  async run({ flags, words, env }) {
    const nodes = await nodesOf("cordon", words, flags, env);
    await cordonNodes(nodes, true, dryRunOf(flags, env), env);
    return 0;
  },
});
