import type { FlagOf } from "../../core/flags/flag.ts";
import type { CommandEnv } from "../env.ts";
import { type ManifestSources, manifestFlags, namesManifests } from "../manifests.ts";
import { findTargets, type Targets } from "../targets.ts";
import { UsageError } from "../verb.ts";
import { selectorFlags } from "../write_flags.ts";

/** The flags that name workloads. */
export const workloadFlags: typeof manifestFlags & { readonly selector: FlagOf<"string"> } = {
  ...manifestFlags,
  selector: selectorFlags.selector,
};

/** The workloads that a command line names; a type alone means all of them. @throws UsageError when it names none */
export async function workloads(
  flags: ManifestSources & { readonly selector: string | undefined },
  words: readonly string[],
  env: CommandEnv,
): Promise<Targets> {
  if (words.length === 0 && !namesManifests(flags)) throw new UsageError("required resource not specified");
  return await findTargets({ words, manifests: flags, selector: flags.selector, typeAlone: true }, env);
}

/** Says that there was nothing to do. */
export async function tellNone({ terminal, namespace }: CommandEnv): Promise<void> {
  terminal.warn(`No resources found in ${await namespace()} namespace.`);
}
