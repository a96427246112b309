import type { KubeconfigContext } from "../../core/client/kubeconfig.ts";
import { compact } from "../../core/util/compact.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { openKubeconfig } from "./_kubeconfig.ts";

/** Sets members of a context. */
export const setContext: Verb = defineVerb({
  name: "set-context",
  group: "Settings",
  summary: "Set a context of the kubeconfig.",
  description: "What is not said stays as it is.",
  words: "[name...]",
  flags: {
    current: { type: "boolean", description: "Change the current context." },
    cluster: { type: "string", placeholder: "name", description: "Cluster of the context." },
    user: { type: "string", placeholder: "name", description: "User of the context." },
    namespace: { type: "string", short: "n", placeholder: "name", description: "Namespace of the context." },
  },
  examples: [["The namespace to work in", "wherry config set-context --current --namespace=shop"]],
  async run({ flags, words, env }) {
    const [word, ...more] = words;
    if (more.length > 0 || (word === undefined && !flags.current) || word === "")
      throw new UsageError(
        more.length > 0
          ? `unexpected args: [${words.join(" ")}]`
          : "you must specify a non-empty context name or --current",
      );
    if (word !== undefined && flags.current)
      throw new UsageError("you cannot specify both a context name and --current");
    const { config, files } = await openKubeconfig(env);
    const name = word ?? config.currentContext;
    if (!name) throw new UsageError("no current context is set");
    const present = config.contexts.get(name);
    if (flags.current && !present) throw new UsageError(`current context "${name}" does not exist`);
    const next = compact<KubeconfigContext>({
      cluster: "",
      user: "",
      ...present?.value,
      ...(flags.cluster === undefined ? {} : { cluster: flags.cluster }),
      ...(flags.user === undefined ? {} : { user: flags.user }),
      ...(flags.namespace === undefined ? {} : { namespace: flags.namespace || undefined }),
    });
    await files.changeEntry(config, "contexts", name, next);
    await env.terminal.write(`Context "${name}" ${present ? "modified" : "created"}.\n`);
    return 0;
  },
});
