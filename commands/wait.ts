import { isReason } from "../core/api/status.ts";
import { type WaitDeletedOptions, type WaitOptions, waitFor } from "../core/client/wait_for.ts";
import { parseDuration } from "./durations.ts";
import { keyIn } from "./namespaced.ts";
import { selectResources } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Waits for a condition of objects. */
export const wait: Verb = defineVerb({
  name: "wait",
  group: "Look inside",
  summary: "Wait until objects are as wanted.",
  words: "<type> [names...]",
  flags: {
    for: { type: "string", placeholder: "what", description: "condition=NAME, condition=NAME=VALUE, or delete." },
    all: { type: "boolean", description: "All objects of the type in the namespace." },
    selector: { type: "string", short: "l", placeholder: "labels", description: "Objects with these labels." },
    timeout: { type: "string", default: "30s", placeholder: "duration", description: "How long to wait at most." },
  },
  examples: [["Until a pod is ready", "wherry wait pod/web --for=condition=Ready --timeout=60s"]],
  async run({ flags, words, env }) {
    const client = await env.client();
    const what = goal(flags.for);
    const common = { timeoutMs: parseDuration(flags.timeout), clock: env.clock, signal: env.signal };
    for (const { resource, names } of await selectResources(client, words)) {
      const all = names ?? (await namesOf());
      await Promise.all(
        all.map(async (name) => {
          const key = await keyIn(resource, name, env);
          if (what === "delete")
            await waitFor(client, resource, key, { ...common, deleted: true } satisfies WaitDeletedOptions);
          else await waitFor(client, resource, key, { ...common, ...what } satisfies WaitOptions);
          await env.terminal.write(
            `${resource.singular}${resource.group ? `.${resource.group}` : ""}/${name} condition met\n`,
          );
        }),
      ).catch((error: unknown) => {
        if (isReason(error, "Timeout"))
          throw new UsageError(`timed out waiting for the condition on ${resource.plural}/${all.join(",")}`);
        throw error;
      });
      async function namesOf(): Promise<readonly string[]> {
        if (!flags.all && !flags.selector)
          throw new UsageError("resource(s) were provided, but no name was specified; use --all for all of them");
        const namespace = resource.namespaced ? await env.namespace() : undefined;
        const { items } = await client.list(resource, { namespace, labelSelector: flags.selector, signal: env.signal });
        return items.map(({ metadata }) => metadata.name ?? "");
      }
    }
    return 0;
  },
});

function goal(text: string | undefined): "delete" | { readonly condition: string; readonly status: string } {
  if (text?.toLowerCase() === "delete") return "delete";
  const [, condition, status = "True"] = /^condition=([^=]+)(?:=(.+))?$/i.exec(text ?? "") ?? [];
  if (!condition)
    throw new UsageError(
      `unrecognized condition: "${text ?? ""}"; use --for=condition=Ready, --for=condition=Ready=False or --for=delete`,
    );
  return { condition, status };
}
