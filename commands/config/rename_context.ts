import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { mainFile, openKubeconfig } from "./_kubeconfig.ts";

/** Gives a context another name. */
export const renameContext: Verb = defineVerb({
  name: "rename-context",
  group: "Settings",
  summary: "Rename a context.",
  words: "[names...]",
  flags: {},
  examples: [["A shorter name", "wherry config rename-context kubernetes-admin@e2e e2e"]],
  async run({ words, env }) {
    const [from, to] = words;
    if (from === undefined || to === undefined || words.length > 2)
      throw new UsageError(`unexpected args: [${words.join(" ")}]`);
    const { config, files } = await openKubeconfig(env);
    const file = await mainFile(config, env);
    const context = config.contexts.get(from);
    if (!context) throw new UsageError(`cannot rename the context "${from}", it's not in ${file}`);
    if (config.contexts.has(to))
      throw new UsageError(`cannot rename the context "${from}", the context "${to}" already exists in ${file}`);
    await files.editKubeconfig(context.path, (present) => ({
      ...present,
      contexts: (present.contexts ?? []).map((entry) => (entry.name === from ? { ...entry, name: to } : entry)),
    }));
    if (config.currentContext === from) await files.changeCurrentContext(config, to);
    await env.terminal.write(`Context "${from}" renamed to "${to}".\n`);
    return 0;
  },
});
