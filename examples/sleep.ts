/**
 * Puts deployments to sleep and wakes them again: overnight, or for as long as nobody needs them.
 *
 *     wherry run-script examples/sleep.ts tier=dev
 *     wherry run-script examples/sleep.ts --wake tier=dev
 */
import { deployment, keyOf, type ScriptContext, type ScriptFlags } from "wherry";

export const flags: ScriptFlags = { boolean: ["wake"] };

/** How many replicas there were, and who took them away. */
const awake = "example.com/awake";
const sentBy = "example.com/sent-to-sleep-by";

export async function main({ client, namespace, args, signal, $ }: ScriptContext): Promise<number> {
  const [selector] = args._;
  if (selector === undefined) {
    console.error("Usage: sleep.ts [--wake] SELECTOR");
    return 2;
  }
  const user = await $`id -un`;
  const { items } = await client.list(deployment, { namespace, labelSelector: String(selector), signal });
  for (const found of items) {
    const { replicas = 1 } = found.spec;
    const before = found.metadata.annotations?.[awake];
    if (args["wake"] ? before === undefined : replicas === 0) continue;
    const body = args["wake"]
      ? { metadata: { annotations: { [awake]: null, [sentBy]: null } }, spec: { replicas: Number(before) } }
      : { metadata: { annotations: { [awake]: String(replicas), [sentBy]: user } }, spec: { replicas: 0 } };
    await client.patch(deployment, keyOf(found), { type: "merge", body }, { signal });
    console.log(`${found.metadata.name}: ${replicas} -> ${body.spec.replicas}`);
  }
  return 0;
}
