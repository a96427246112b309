import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { mainFile, onlyWord, openKubeconfig } from "./_kubeconfig.ts";

/** Takes a cluster out of the kubeconfig. */
export const deleteCluster: Verb = remover("cluster", "clusters");
/** Takes a context out of the kubeconfig. */
export const deleteContext: Verb = remover("context", "contexts");
/** Takes a user out of the kubeconfig. */
export const deleteUser: Verb = remover("user", "users");

function remover(what: "cluster" | "context" | "user", section: "clusters" | "contexts" | "users"): Verb {
  return defineVerb({
    name: `delete-${what}`,
    group: "Settings",
    summary: `Take a ${what} out of the kubeconfig.`,
    words: "[name...]",
    flags: {},
    examples: [["When the cluster is gone", `wherry config delete-${what} e2e`]],
    async run({ words, env }) {
      const name = onlyWord(words);
      const { config, files } = await openKubeconfig(env);
      const file = await mainFile(config, env);
      if (!config[section].has(name)) throw new UsageError(`cannot delete ${what} ${name}, not in ${file}`);
      await files.changeEntry(config, section, name, undefined);
      if (what === "context" && config.currentContext === name)
        env.terminal.warn(
          'warning: this removed your active context, use "wherry config use-context" to select a different one',
        );
      await env.terminal.write(`deleted ${what} ${name} from ${file}\n`);
      return 0;
    },
  });
}
