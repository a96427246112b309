import type { KubeObject } from "../../core/api/meta.ts";
import type { FlagOf } from "../../core/flags/flag.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { CommandEnv } from "../env.ts";
import { type ObjectPrinter, objectPrinter } from "../output/object_printer.ts";
import { findTargets, type LoadedTarget } from "../targets.ts";
import { UsageError } from "../verb.ts";
import { type DryRun, dryRunFlag, printerOptions, selectorFlags } from "../write_flags.ts";

/** The flags of verbs about nodes. */
export const nodeFlags: typeof dryRunFlag & { readonly selector: FlagOf<"string"> } = {
  ...dryRunFlag,
  selector: selectorFlags.selector,
};

interface Node extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean };
}

/** The nodes that a command line names. @throws UsageError when it names none, or something else */
export async function nodesOf(
  verb: string,
  words: readonly string[],
  flags: { readonly selector: string | undefined },
  env: CommandEnv,
): Promise<readonly LoadedTarget[]> {
  const wrong = (message: string) => new UsageError(`${message}\nSee 'wherry ${verb} -h' for help and examples`);
  if (words.length === 0 && flags.selector === undefined) throw wrong(`USAGE: ${verb} NODE [flags]`);
  if (words.length > 0 && flags.selector) throw wrong("error: cannot specify both a node name and a --selector option");
  const named = words.map((word) => (word.includes("/") ? word : `nodes/${word}`));
  const targets = await findTargets({ words: flags.selector ? ["nodes"] : named, selector: flags.selector }, env);
  const found: LoadedTarget[] = [];
  await targets.visitLoaded(async (target) => {
    const { group, version, plural } = target.resource;
    if (plural !== "nodes" || group !== "")
      throw new UsageError(`error: expected resource of type node, got "${group}/${version}, Resource=${plural}"`);
    found.push(target);
  });
  return found;
}

/** Prints what became of nodes and pods: lines only. */
export function linePrinter(dryRun: DryRun, env: CommandEnv): Promise<ObjectPrinter> {
  const plain = {
    output: undefined,
    template: undefined,
    "allow-missing-template-keys": true,
    "show-managed-fields": false,
  };
  return objectPrinter(plain, printerOptions(dryRun, env));
}

/** Makes nodes unschedulable, or schedulable again, and says so. What fails is told; the others go on. */
export async function cordonNodes(
  nodes: readonly LoadedTarget[],
  wanted: boolean,
  dryRun: DryRun,
  env: CommandEnv,
): Promise<void> {
  const verb = wanted ? "cordon" : "uncordon";
  const print = await linePrinter(dryRun, env);
  const client = await env.client();
  for (const { resource, key, object } of nodes) {
    if (((object as Node).spec?.unschedulable ?? false) === wanted) {
      await print(object, `already ${verb}ed`);
      continue;
    }
    try {
      if (dryRun !== "client")
        await client.patch(
          resource,
          key,
          { type: "strategic", body: { spec: { unschedulable: wanted ? true : null } } },
          { dryRun: dryRun === "server", signal: env.signal },
        );
      await print(object, `${verb}ed`);
    } catch (error) {
      env.terminal.warn(`error: unable to ${verb} node "${key.name}": ${errorMessage(error)}`);
    }
  }
}
