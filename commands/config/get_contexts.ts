import { throwAll } from "../all_errors.ts";
import { alignColumns } from "../output/columns.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { openKubeconfig, sortedNames } from "./_kubeconfig.ts";

/** Lists the contexts, or those named. */
export const getContexts: Verb = defineVerb({
  name: "get-contexts",
  group: "Settings",
  summary: "List the contexts of the kubeconfig.",
  words: "[names...]",
  flags: {
    "no-headers": { type: "boolean", description: "Only the rows." },
    output: { type: "string", short: "o", placeholder: "format", description: "name: only the names." },
  },
  examples: [["All of them", "wherry config get-contexts"]],
  async run({ flags, words, env }) {
    if (flags.output !== undefined && flags.output !== "" && flags.output !== "name")
      throw new UsageError(`output must be one of '' or 'name': ${flags.output}`);
    const { config } = await openKubeconfig(env);
    const missing = words.filter((name) => !config.contexts.has(name));
    const names = words.length === 0 ? sortedNames(config.contexts) : words.filter((name) => !missing.includes(name));
    const rows = names.map((name) => {
      const { cluster = "", user = "", namespace = "" } = config.contexts.get(name)?.value ?? {};
      return [name === config.currentContext ? "*" : "", name, cluster, user, namespace];
    });
    const headers = ["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"];
    const lines = flags.output === "name" ? [...names] : alignColumns(flags["no-headers"] ? rows : [headers, ...rows]);
    if (lines.length > 0) await env.terminal.write(`${lines.join("\n")}\n`);
    throwAll(missing.map((name) => new UsageError(`context ${name} not found`)));
    return 0;
  },
});
