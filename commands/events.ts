import { asJson, asObject } from "../core/api/json_object.ts";
import { apiVersionOf } from "../core/api/kind.ts";
import type { KubeObject } from "../core/api/meta.ts";
import { UnknownResourceError } from "../core/client/discovery.ts";
import { type Event, event } from "../core/kinds/event.ts";
import { interval, sortedEvents } from "./describe/events.ts";
import type { CommandEnv } from "./env.ts";
import { chunkSizeFlag } from "./get/flags.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { shownSafely, tabbed } from "./output/tabbed.ts";
import { resourceNamed } from "./resource_args.ts";
import { defineVerb, PlainError, UsageError, type Verb } from "./verb.ts";

/** Lists what happened, and goes on listing it. */
export const events: Verb = defineVerb({
  name: "events",
  group: "See",
  summary: "Show what happened, the newest last.",
  words: "[ignored...]",
  flags: {
    ...printFlags,
    "all-namespaces": { type: "boolean", short: "A", description: "Events of all namespaces." },
    for: { type: "string", placeholder: "object", description: "Only what happened to this one, as TYPE/NAME." },
    types: { type: "list", placeholder: "types", description: "Only events of these types: Normal, Warning." },
    watch: { type: "boolean", short: "w", description: "Go on printing events." },
    "no-headers": { type: "boolean", description: "Leave out the headers." },
    "chunk-size": chunkSizeFlag,
  },
  examples: [["What went wrong with a pod", "wherry events --for pod/web --types=Warning"]],
  async run({ flags, env }) {
    const fieldSelector = flags.for === undefined ? undefined : await selectorOf(flags.for, env);
    const types = flags.types.flatMap((text) => text.split(",")).map((type) => type.toLowerCase());
    if (types.some((type) => type !== "normal" && type !== "warning"))
      throw new UsageError("valid --types are Normal or Warning");
    const isWanted = ({ type }: Event) => types.length === 0 || types.includes(type?.toLowerCase() ?? "");
    const namespace = flags["all-namespaces"] ? undefined : await env.namespace();
    const client = await env.client();
    const print = flags.output ? await objectPrinter(flags, { terminal: env.terminal, structures: true }) : undefined;
    const rows = rowPrinter(flags["all-namespaces"], !flags["no-headers"], env);
    if (flags.watch) {
      const watch = client.watch(event, { namespace, ...(fieldSelector ? { fieldSelector } : {}), signal: env.signal });
      for await (const { type, object } of watch) {
        if (type === "DELETED" || type === "BOOKMARK" || !isWanted(object)) continue;
        await (print ? print(typed(object)) : rows([object]));
      }
      return 0;
    }
    const found: Event[] = [];
    let next: string | undefined;
    do {
      const options = { namespace, fieldSelector, limit: flags["chunk-size"] || undefined, continue: next };
      const list = await client.list(event, { ...options, signal: env.signal });
      found.push(...list.items.filter(isWanted));
      next = list.metadata.continue || undefined;
    } while (next);
    if (found.length === 0) {
      env.terminal.warn(namespace === undefined ? "No events found." : `No events found in ${namespace} namespace.`);
    } else if (print) {
      const items = sortedEvents(found).map(typed);
      await print({ apiVersion: "v1", kind: "EventList", metadata: {}, items } as KubeObject);
    } else await rows(sortedEvents(found));
    return 0;
  },
});

/** As kubectl's structure has it, which writes an absent time too. */
function typed(one: Event): KubeObject {
  const { eventTime = null } = one as Event & { readonly eventTime?: string | null };
  return asObject({ ...asJson(one), apiVersion: "v1", kind: "Event", eventTime });
}

async function selectorOf(text: string, env: CommandEnv): Promise<string> {
  const [type = "", name, ...more] = text.split("/");
  if (name === undefined) throw new UsageError("--for must be in resource/name form");
  if (more.length > 0) throw new UsageError("arguments in resource/name form may not have more than one slash");
  if (!type || !name) throw new UsageError("arguments in resource/name form must have a single resource and name");
  const resource = await resourceNamed(await env.client(), type).catch((error: unknown) => {
    throw error instanceof UnknownResourceError ? new PlainError(error.message) : error;
  });
  return `involvedObject.kind=${resource.kind},involvedObject.apiVersion=${apiVersionOf(resource)},involvedObject.name=${name}`;
}

function rowPrinter(
  withNamespace: boolean,
  headers: boolean,
  { terminal, clock }: CommandEnv,
): (events: readonly Event[]) => Promise<void> {
  const widths: number[] = [];
  let headersDue = headers;
  return async (events) => {
    const rows = events.map((one) => [
      ...(withNamespace ? [one.metadata.namespace ?? ""] : []),
      interval(one, { now: clock.now() }),
      one.type ?? "",
      one.reason ?? "",
      `${one.involvedObject.kind ?? ""}/${one.involvedObject.name ?? ""}`,
      (one.message ?? "").trim(),
    ]);
    if (headersDue)
      rows.unshift([...(withNamespace ? ["NAMESPACE"] : []), "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
    headersDue = false;
    const text = rows.map((cells) => `${cells.join("\t")}\n`).join("");
    await terminal.write(tabbed(shownSafely(text), { padding: 3, minWidth: 6, widths }));
  };
}
