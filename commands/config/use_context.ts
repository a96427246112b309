import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { onlyWord, openKubeconfig } from "./_kubeconfig.ts";

/** Makes a context the current one. */
export const useContext: Verb = defineVerb({
  name: "use-context",
  aliases: ["use"],
  group: "Settings",
  summary: "Make a context the current one.",
  words: "[name...]",
  flags: {},
  examples: [["Work on another cluster", "wherry config use-context e2e"]],
  async run({ words, env }) {
    const name = onlyWord(words);
    const { config, files } = await openKubeconfig(env);
    if (!config.contexts.has(name)) throw new UsageError(`no context exists with the name: "${name}"`);
    await files.changeCurrentContext(config, name);
    await env.terminal.write(`Switched to context "${name}".\n`);
    return 0;
  },
});
