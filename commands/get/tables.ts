import { asJson } from "../../core/api/json_object.ts";
import { apiVersionOf } from "../../core/api/kind.ts";
import { throwAll } from "../all_errors.ts";
import type { CommandEnv } from "../env.ts";
import { warnNothingFound } from "../not_found.ts";
import { kindName } from "../output/format.ts";
import { sortBy } from "../output/sort_by.ts";
import { TablePrinter, type WireTable } from "../output/table.ts";
import { asTable } from "./as_table.ts";
import { collect, fetchPages, tableAccept } from "./fetch.ts";
import type { GetFlags, GetRequest, GetRequests } from "./requests.ts";
import { sortPath } from "./sort_path.ts";

/** What a request found, as tables. */
interface Found {
  readonly request: GetRequest;
  readonly tables: readonly WireTable[];
}

/** Prints what was asked for as tables that the server makes, one below the other. @throws what failed, after the rest */
export async function printTables(requests: GetRequests, flags: GetFlags, env: CommandEnv): Promise<void> {
  const path = flags["sort-by"] ? sortPath(flags["sort-by"]) : undefined;
  const needsLabels = flags["show-labels"] || flags["label-columns"].length > 0;
  const read = async (request: GetRequest): Promise<Found> => {
    const tables: WireTable[] = [];
    const options = {
      accept: flags["server-print"] ? tableAccept : "application/json",
      chunkSize: path ? 0 : flags["chunk-size"],
      ignoreNotFound: flags["ignore-not-found"],
      query: path ? { includeObject: "Object" } : {},
    };
    for await (const page of fetchPages(request, options, env)) {
      const table = asTable(page, env.clock.now());
      tables.push(shownOf(path ? { ...table, rows: sortedRows(table, path) } : table, needsLabels));
    }
    return { request, tables };
  };
  const { found, errors } = await collect(requests, read, env);
  const kinds = new Set(
    found
      .filter(({ tables }) => tables.length > 0)
      .map(({ request }) => `${apiVersionOf(request.resource)}/${request.resource.kind}`),
  );
  let written = false;
  for (const group of groups(found)) {
    const { resource } = group.request;
    const printer = tablePrinter(resource, flags, env, { withKind: kinds.size > 1 });
    // All at once: columns are as wide as their widest cell on any page.
    const text = printer
      .lines(...group.tables)
      .map((line) => `${line}\n`)
      .join("");
    if (text === "") continue;
    await env.terminal.write(`${written && !flags["no-headers"] ? "\n" : ""}${text}`);
    written = true;
  }
  if (!written && errors.length === 0 && !flags["ignore-not-found"]) {
    const inNamespace = !flags["all-namespaces"] && found.every(({ request }) => request.resource.namespaced);
    await warnNothingFound(inNamespace ? await env.namespace() : undefined, env);
  }
  throwAll(errors);
}

/** A printer of tables of a resource, as the flags want it. */
export function tablePrinter(
  resource: GetRequest["resource"],
  flags: GetFlags,
  env: CommandEnv,
  { withKind = false }: { readonly withKind?: boolean } = {},
): TablePrinter {
  const { kind, group, namespaced } = resource;
  return new TablePrinter({
    wide: flags.output === "wide",
    headers: !flags["no-headers"],
    withNamespace: flags["all-namespaces"] && namespaced,
    namePrefix: withKind || flags["show-kind"] ? `${kindName({ kind, group })}/` : undefined,
    showLabels: flags["show-labels"],
    labelColumns: flags["label-columns"].flatMap((text) => text.split(",")).filter(Boolean),
    colours: useColours(flags.color, env),
  });
}

/** Whether states are coloured: on a terminal, unless the environment or `--color` say otherwise. */
function useColours(when: string | undefined, { terminal }: CommandEnv): boolean {
  if (when === "always") return true;
  return when !== "never" && terminal.outputIsTerminal && !terminal.noColour;
}

/** Requests in a row of one resource are printed as one table. */
function groups(found: readonly Found[]): readonly Found[] {
  const groups: Found[] = [];
  for (const { request, tables } of found) {
    const last = groups.at(-1);
    if (
      last &&
      last.request.resource.plural === request.resource.plural &&
      last.request.resource.group === request.resource.group
    )
      groups[groups.length - 1] = { request, tables: [...last.tables, ...tables] };
    else groups.push({ request, tables });
  }
  return groups;
}

/** What is printed of a table. The rest of its objects is much more, and is not kept until the last page has come. */
function shownOf({ columnDefinitions, rows }: WireTable, needsLabels: boolean): WireTable {
  return {
    kind: "Table",
    columnDefinitions: columnDefinitions ?? null,
    rows: (rows ?? []).map(({ cells, object }) => {
      const { namespace = "", labels = {} } = object?.metadata ?? {};
      return { cells, object: { metadata: needsLabels ? { namespace, labels } : { namespace } } };
    }),
  };
}

function sortedRows({ rows }: WireTable, path: string): NonNullable<WireTable["rows"]> {
  return sortBy(rows ?? [], path, ({ object }) => asJson(object ?? {}));
}
