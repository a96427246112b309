import type { KubeconfigContext } from "../../core/client/kubeconfig.ts";
import { compact } from "../../core/util/compact.ts";
import type { CommandEnv } from "../env.ts";
import { UsageError } from "../verb.ts";
import { openKubeconfig } from "./_kubeconfig.ts";

/** Makes a namespace that of the current context. @returns the context's name */
export async function changeNamespace(namespace: string, env: CommandEnv): Promise<string> {
  const { config, files } = await openKubeconfig(env);
  const name = config.currentContext;
  const present = name ? config.contexts.get(name) : undefined;
  if (!name || !present) throw new UsageError("no current context is set");
  await files.changeEntry(config, "contexts", name, compact<KubeconfigContext>({ ...present.value, namespace }));
  return name;
}
