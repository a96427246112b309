import { asJson, asObject } from "../../core/api/json_object.ts";
import type { KubeList, KubeObject } from "../../core/api/meta.ts";
import { throwAll } from "../all_errors.ts";
import type { CommandEnv } from "../env.ts";
import { customColumnsFormat } from "../output/custom_columns.ts";
import {
  type Format,
  formatOf,
  itemsOf,
  objectFormats,
  printWith,
  templateOf,
  unknownFormat,
} from "../output/object_printer.ts";
import { relaxedPath } from "../output/relaxed_path.ts";
import { sortBy } from "../output/sort_by.ts";
import { collect, fetchPages } from "./fetch.ts";
import type { GetFlags, GetRequest, GetRequests } from "./requests.ts";

/** The format that `-o` names in get; undefined where tables are wanted. @throws UsageError */
export async function getFormat(flags: GetFlags): Promise<Format | undefined> {
  const { output = "", template } = flags;
  if (output === "wide" || (!output && !template)) return undefined;
  const { name, value } = templateOf(output, template);
  if (name === "custom-columns" || name === "custom-columns-file")
    return await customColumnsFormat(name, value, { headers: !flags["no-headers"] });
  const format = await formatOf(flags);
  if (format) return format;
  throw unknownFormat(output, [...objectFormats, "custom-columns", "custom-columns-file", "wide"].sort());
}

/** Prints what was asked for as whole objects: one by itself, others in a list. @throws what failed, after the rest */
export async function printObjects(
  requests: GetRequests,
  format: Format,
  flags: GetFlags,
  env: CommandEnv,
): Promise<void> {
  const read = async (request: GetRequest) => {
    const objects: KubeObject[] = [];
    const options = {
      accept: "application/json",
      chunkSize: flags["sort-by"] ? 0 : flags["chunk-size"],
      ignoreNotFound: flags["ignore-not-found"],
    };
    for await (const page of fetchPages(request, options, env)) objects.push(...typedItems(page, request));
    return objects;
  };
  const { found, errors } = await collect(requests, read, env);
  const { single } = requests;
  const objects = found.flat();
  if (single && errors.length > 0) throwAll(errors);
  if (objects.length === 0 && flags["ignore-not-found"]) return throwAll(errors);
  const [only] = objects;
  if (single && only && objects.length === 1) {
    await printWith(format, only, env.terminal);
  } else {
    const items = flags["sort-by"] ? sortBy(objects, relaxedPath(flags["sort-by"]), asJson) : objects;
    const list = { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
    await printWith(format, asObject(asJson(list)), env.terminal);
  }
  throwAll(errors);
}

/** The objects of an answer. Inside a list the items say neither apiVersion nor kind; printed by themselves they need both. */
function typedItems(answer: KubeObject | KubeList<KubeObject>, { resource, name }: GetRequest): readonly KubeObject[] {
  if (name !== undefined) return [answer as KubeObject];
  const { apiVersion } = answer;
  return itemsOf(answer as KubeObject).map((item) => ({
    ...item,
    apiVersion: item.apiVersion ?? apiVersion,
    kind: item.kind ?? resource.kind,
  }));
}
