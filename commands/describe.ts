import type { KubeObject } from "../core/api/meta.ts";
import { isReason } from "../core/api/status.ts";
import { throwAll } from "./all_errors.ts";
import type { CommandEnv } from "./env.ts";
import { chunkSizeFlag, selectionFlags } from "./get/flags.ts";
import type { GetRequest, GetRequests } from "./get/requests.ts";
import { manifestFlags, namesManifests } from "./manifests.ts";
import { warnNothingFound } from "./not_found.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Shows an object for people, with what happened to it. */
export const describe: Verb = defineVerb({
  name: "describe",
  group: "See",
  summary: "Show the details of objects, and what happened to them.",
  words: "[type] [names...]",
  flags: {
    ...selectionFlags,
    ...manifestFlags,
    "show-events": {
      type: "string",
      implied: "true",
      placeholder: "true|false",
      description: "Show events too. Default: of a single object.",
    },
    "chunk-size": chunkSizeFlag,
  },
  examples: [
    ["A pod", "wherry describe pod web-5d9c7b9f4-x2x7k"],
    ["All pods whose names begin so", "wherry describe pod web"],
  ],
  async run({ flags, words, env }) {
    const { planRequests } = await import("./get/requests.ts");
    if (words.length === 0 && !namesManifests(flags)) {
      throw new UsageError(
        'You must specify the type of resource to describe. Use "wherry api-resources" for a complete list of supported resources.',
      );
    }
    const planned = await planRequests(words, { ...flags, "field-selector": undefined }, env);
    const { requests } = planned;
    const { found, errors } = await findObjects(planned, flags["chunk-size"], env);
    const several = errors.length > 0 || found.length > 1;
    const showEvents = flags["show-events"] === undefined ? !several : flags["show-events"] === "true";
    const show = (one: Found) => describeObject(one, { env, showEvents, chunkSize: flags["chunk-size"] });
    const [only] = requests;
    if (words.length === 2 && only && errors.length === 1 && isReason(errors[0], "NotFound")) {
      // Of two words the second is the beginning of a name; `pod/a pod/b` are names in any case.
      if (words[0]?.includes("/")) throw errors[0];
      const matching = await startingWith(only, flags["chunk-size"], env);
      for (const one of matching) await env.terminal.write(`${await show(one)}\n`);
      if (matching.length === 0) throw errors[0];
      return 0;
    }
    let first = true;
    for (const one of found) {
      try {
        const text = await show(one);
        await env.terminal.write(`${first ? "" : "\n\n"}${text}`);
        first = false;
      } catch (error) {
        if (env.signal.aborted) throw error;
        errors.push(error);
      }
    }
    if (found.length === 0 && errors.length === 0) {
      await warnNothingFound(flags["all-namespaces"] ? undefined : await env.namespace(), env);
    }
    throwAll(errors);
    return 0;
  },
});

interface Found {
  readonly object: KubeObject;
  readonly request: GetRequest;
}

async function findObjects(
  requests: Pick<GetRequests, "requests" | "failed">,
  chunkSize: number,
  env: CommandEnv,
): Promise<{ readonly found: readonly Found[]; readonly errors: unknown[] }> {
  const { collect, fetchPages } = await import("./get/fetch.ts");
  const { found, errors } = await collect(
    requests,
    async (request) => {
      const objects: Found[] = [];
      const options = { accept: "application/json", chunkSize, ignoreNotFound: false };
      for await (const page of fetchPages(request, options, env)) {
        const items =
          request.name === undefined ? ((page as { items?: readonly KubeObject[] }).items ?? []) : [page as KubeObject];
        objects.push(...items.map((object) => ({ object, request })));
      }
      return objects;
    },
    env,
  );
  return { found: found.flat(), errors: [...errors] };
}

/** The objects of the resource whose names begin with what was asked for. */
async function startingWith(request: GetRequest, chunkSize: number, env: CommandEnv): Promise<readonly Found[]> {
  const { name = "" } = request;
  const { found, errors } = await findObjects({ requests: [{ ...request, name: undefined }] }, chunkSize, env);
  throwAll(errors);
  return found.filter(({ object }) => object.metadata.name?.startsWith(name));
}

async function describeObject(
  { object, request: { resource } }: Found,
  {
    env,
    showEvents,
    chunkSize,
  }: { readonly env: CommandEnv; readonly showEvents: boolean; readonly chunkSize: number },
): Promise<string> {
  const [{ describerOf }, { Page }] = await Promise.all([import("./describe/mod.ts"), import("./describe/page.ts")]);
  const page = new Page();
  const describer = await describerOf(resource);
  const { group, version, kind } = resource;
  const typed = { ...object, apiVersion: group ? `${group}/${version}` : version, kind };
  const { signal, clock } = env;
  await describer(typed, page, { client: await env.client(), signal, now: clock.now(), showEvents, chunkSize });
  return page.text();
}
