import type { KubeObject } from "../core/api/meta.ts";
import { keyIn } from "./namespaced.ts";
import { selectResources } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Sets how many replicas a workload has. */
export const scale: Verb = defineVerb({
  name: "scale",
  group: "Change",
  summary: "Set how many replicas a workload has.",
  words: "<type> [names...]",
  flags: {
    replicas: { type: "number", placeholder: "n", description: "Replicas to have." },
    "current-replicas": { type: "number", placeholder: "n", description: "Only if it has so many now." },
  },
  examples: [["Five of them", "wherry scale deploy/web --replicas=5"]],
  async run({ flags, words, env }) {
    const { replicas, "current-replicas": expected } = flags;
    if (replicas === undefined || !Number.isInteger(replicas) || replicas < 0)
      throw new UsageError("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    const client = await env.client();
    for (const { resource, names } of await selectResources(client, words)) {
      if (!names) throw new UsageError(`name the ${resource.plural} to scale, e.g. ${resource.singular}/NAME`);
      if (!resource.subresources.some(({ name }) => name === "scale"))
        throw new UsageError(`${resource.plural} cannot be scaled`);
      for (const name of names) {
        const key = await keyIn(resource, name, env);
        if (expected !== undefined) {
          const current = (await client.get(resource, key, {
            subresource: "scale",
            signal: env.signal,
          })) as ScaleObject;
          if (current.spec?.replicas !== expected)
            throw new UsageError(`Expected replicas to be ${expected}, was ${current.spec?.replicas ?? 0}`);
        }
        await client.patch(
          resource,
          key,
          { type: "merge", body: { spec: { replicas } } },
          { subresource: "scale", signal: env.signal },
        );
        await env.terminal.write(`${resource.singular}${resource.group ? `.${resource.group}` : ""}/${name} scaled\n`);
      }
    }
    return 0;
  },
});

interface ScaleObject extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}
