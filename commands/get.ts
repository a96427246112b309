import { readJsonText } from "../core/api/json_text.ts";
import type { KubeObject, ObjectKey } from "../core/api/meta.ts";
import { isReason, StatusError } from "../core/api/status.ts";
import type { Client } from "../core/client/client.ts";
import { jsonLines } from "../core/client/json_lines.ts";
import { resourcePath } from "../core/client/paths.ts";
import { readStatusError } from "../core/client/read_status_error.ts";
import { readBody } from "../core/client/transport.ts";
import type { CommandEnv } from "./env.ts";
import { objectFormat } from "./output/format.ts";
import { TablePrinter, type WireTable } from "./output/table.ts";
import { type ResourceSelection, selectResources } from "./resource_args.ts";
import { defineVerb, type FlagValues, UsageError, type Verb } from "./verb.ts";

const flags = {
  output: {
    type: "string",
    short: "o",
    placeholder: "format",
    description: "Output format: wide, json, yaml or name.",
  },
  watch: { type: "boolean", short: "w", description: "After printing the objects, go on printing changes." },
  "watch-only": { type: "boolean", description: "Print changes only." },
  "all-namespaces": { type: "boolean", short: "A", description: "Objects of all namespaces." },
  selector: {
    type: "string",
    short: "l",
    placeholder: "labels",
    description: "Label selector, e.g. -l app=web,tier!=cache.",
  },
  "field-selector": {
    type: "string",
    placeholder: "fields",
    description: "Field selector, e.g. status.phase=Running.",
  },
  "show-labels": { type: "boolean", description: "Show all labels as the last column." },
  "label-columns": { type: "list", short: "L", placeholder: "labels", description: "Labels to show as columns." },
  "show-kind": { type: "boolean", description: "Put the resource before each name." },
  "show-managed-fields": { type: "boolean", description: "With -o json and yaml: show who owns which field." },
  "no-headers": { type: "boolean", description: "Leave out the headers." },
  "ignore-not-found": { type: "boolean", description: "A missing object is no error." },
  "chunk-size": {
    type: "number",
    default: 500,
    placeholder: "n",
    description: "Objects to ask for at a time; 0 asks for all at once.",
  },
} as const;

/** Prints objects, as a table that the server makes or whole. */
export const get: Verb = defineVerb({
  name: "get",
  group: "See",
  summary: "Show one or many objects.",
  words: "<type> [names...]",
  flags,
  examples: [
    ["Pods with their nodes and addresses", "wherry get pods -o wide"],
    ["Follow a deployment", "wherry get deploy web -w"],
  ],
  async run({ flags, words, env }) {
    const client = await env.client();
    const selections = await selectResources(client, words);
    const whole = flags.output !== undefined && flags.output !== "wide";
    if (whole) objectFormat(flags.output ?? "");
    if ((flags.watch || flags["watch-only"]) && selections.length > 1)
      throw new UsageError("you may only specify a single resource type with --watch");
    if (whole) await printWhole(selections, flags, env, client);
    else await printTables(selections, flags, env, client);
    return 0;
  },
});

type GetFlags = FlagValues<typeof flags>;

const maxErrorBytes = 1024 * 1024;
const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

async function printTables(
  selections: readonly ResourceSelection[],
  flags: GetFlags,
  env: CommandEnv,
  client: Client,
): Promise<void> {
  const several = selections.length > 1;
  let any = false;
  for (const selection of selections) {
    const { resource } = selection;
    const withNamespace = flags["all-namespaces"] && resource.namespaced;
    const prefixed = several || flags["show-kind"];
    const printer = new TablePrinter({
      wide: flags.output === "wide",
      headers: !flags["no-headers"],
      withNamespace,
      namePrefix: prefixed
        ? `${resource.singular || resource.kind.toLowerCase()}${resource.group ? `.${resource.group}` : ""}/`
        : undefined,
      showLabels: flags["show-labels"],
      labelColumns: flags["label-columns"].flatMap((text) => text.split(",")).filter(Boolean),
    });
    const print = async (table: WireTable) => {
      const lines = printer.lines(table);
      if (lines.length > 0) await env.terminal.write(`${lines.join("\n")}\n`);
      return lines.length > 0;
    };
    let version = "";
    const follow = flags.watch || flags["watch-only"];
    for await (const table of tables(selection, flags, env, client)) {
      version = table.metadata?.resourceVersion ?? version;
      if (flags["watch-only"]) continue;
      if (any && several && (table.rows?.length ?? 0) > 0) await env.terminal.write("\n");
      any = (await print(table)) || any;
    }
    if (follow) {
      for await (const { object } of watchTables(selection, version, flags, env, client)) await print(object);
    }
  }
  if (!any && !flags.watch && !flags["watch-only"] && !flags["ignore-not-found"]) {
    const everywhere = selections.every(({ resource }) => !resource.namespaced) || flags["all-namespaces"];
    env.terminal.warn(everywhere ? "No resources found" : `No resources found in ${await env.namespace()} namespace.`);
  }
}

async function* tables(
  { resource, names }: ResourceSelection,
  flags: GetFlags,
  env: CommandEnv,
  client: Client,
): AsyncGenerator<WireTable> {
  const namespace = resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined;
  if (names) {
    if (flags["all-namespaces"] && resource.namespaced)
      throw new UsageError("a resource cannot be retrieved by name across all namespaces");
    for (const name of names) {
      try {
        yield (await fetchJson(client, resourcePath(resource, { namespace, name }), env)) as WireTable;
      } catch (error) {
        if (!(flags["ignore-not-found"] && isReason(error, "NotFound"))) throw error;
      }
    }
    return;
  }
  let next = "";
  do {
    const query = { ...selectors(flags), limit: flags["chunk-size"] || undefined, continue: next || undefined };
    const table = (await fetchJson(client, resourcePath(resource, { namespace, query }), env)) as WireTable;
    yield table;
    next = table.metadata?.continue ?? "";
  } while (next);
}

async function* watchTables(
  { resource, names }: ResourceSelection,
  version: string,
  flags: GetFlags,
  env: CommandEnv,
  client: Client,
): AsyncGenerator<{ readonly object: WireTable }> {
  const namespace = resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined;
  if (names && names.length > 1)
    throw new UsageError(
      "watch is only supported on individual resources and resource collections - more than 1 resource was found",
    );
  const query = {
    ...selectors(flags),
    watch: true,
    resourceVersion: version || undefined,
    ...(names ? { fieldSelector: `metadata.name=${names[0]}` } : {}),
  };
  const response = await client.raw(
    { method: "GET", path: resourcePath(resource, { namespace, query }), headers: { accept: tableAccept } },
    { signal: env.signal },
  );
  if (response.status !== 200) throw await readStatusError(response, maxErrorBytes);
  for await (const event of jsonLines(stream(response.body))) {
    const { type, object } = event as { readonly type: string; readonly object: WireTable };
    if (type === "ERROR") throw StatusError.from(object as unknown as StatusError["status"]);
    if (type !== "BOOKMARK") yield { object };
  }
}

async function printWhole(
  selections: readonly ResourceSelection[],
  flags: GetFlags,
  env: CommandEnv,
  client: Client,
): Promise<void> {
  const format = objectFormat(flags.output ?? "", { showManagedFields: flags["show-managed-fields"] });
  const found: KubeObject[] = [];
  for (const { resource, names } of selections) {
    const namespace = resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined;
    if (names) {
      for (const name of names) {
        const key: ObjectKey = { namespace, name };
        try {
          found.push(await client.get(resource, key, { signal: env.signal }));
        } catch (error) {
          if (!(flags["ignore-not-found"] && isReason(error, "NotFound"))) throw error;
        }
      }
    } else {
      const list = await client.list(resource, {
        namespace,
        labelSelector: flags.selector,
        fieldSelector: flags["field-selector"],
        signal: env.signal,
      });
      // Inside a list the items carry neither; printed by themselves they need both.
      const { apiVersion } = list;
      found.push(
        ...list.items.map((item) => ({
          ...item,
          apiVersion: item.apiVersion ?? apiVersion,
          kind: item.kind ?? resource.kind,
        })),
      );
    }
  }
  const single = selections.length === 1 && selections[0]?.names?.length === 1;
  if (single || flags.output === "name") {
    for (const object of found) await env.terminal.write(format(object));
  } else {
    const list = { apiVersion: "v1", items: found, kind: "List", metadata: { resourceVersion: "" } };
    await env.terminal.write(format(list as unknown as KubeObject));
  }
  if (flags.watch || flags["watch-only"]) {
    const [selection] = selections;
    if (!selection) return;
    const namespace = selection.resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined;
    const resourceVersion = found.at(-1)?.metadata.resourceVersion;
    const events = client.watch(selection.resource, {
      namespace,
      labelSelector: flags.selector,
      fieldSelector: selection.names ? `metadata.name=${selection.names[0]}` : flags["field-selector"],
      resourceVersion,
      signal: env.signal,
    });
    for await (const { type, object } of events)
      if (type !== "BOOKMARK") await env.terminal.write(`${flags.output === "yaml" ? "---\n" : ""}${format(object)}`);
  }
}

function selectors(flags: GetFlags): {
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
} {
  return { labelSelector: flags.selector, fieldSelector: flags["field-selector"] };
}

async function fetchJson(client: Client, path: string, env: CommandEnv): Promise<unknown> {
  const response = await client.raw({ method: "GET", path, headers: { accept: tableAccept } }, { signal: env.signal });
  if (response.status !== 200) throw await readStatusError(response, maxErrorBytes);
  return readJsonText(new TextDecoder().decode(await readBody(response.body)));
}

async function* stream(body: AsyncIterable<Uint8Array> | Uint8Array): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
