import { alignColumns } from "../output/columns.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { openKubeconfig, sortedNames } from "./_kubeconfig.ts";

/** Prints the name of the current context. */
export const currentContext: Verb = defineVerb({
  name: "current-context",
  group: "Settings",
  summary: "Show the name of the current context.",
  words: "[ignored...]",
  flags: {},
  examples: [["Where commands go", "wherry config current-context"]],
  async run({ env }) {
    const { config } = await openKubeconfig(env);
    if (!config.currentContext) throw new UsageError("current-context is not set");
    await env.terminal.write(`${config.currentContext}\n`);
    return 0;
  },
});

/** Prints the names of the clusters. */
export const getClusters: Verb = namesOf("clusters", "get-clusters", "List the clusters of the kubeconfig.");
/** Prints the names of the users. */
export const getUsers: Verb = namesOf("users", "get-users", "List the users of the kubeconfig.");

function namesOf(section: "clusters" | "users", name: string, summary: string): Verb {
  return defineVerb({
    name,
    group: "Settings",
    summary,
    words: "[ignored...]",
    flags: {},
    examples: [["All of them", `wherry config ${name}`]],
    async run({ env }) {
      const { config } = await openKubeconfig(env);
      const lines = alignColumns([["NAME"], ...sortedNames(config[section]).map((name) => [name])]);
      await env.terminal.write(`${lines.join("\n")}\n`);
      return 0;
    },
  });
}
