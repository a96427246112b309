import { goJson } from "../../core/api/go_json.ts";
import { asJson } from "../../core/api/json_object.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { formatYaml } from "../../core/api/yaml_writer.ts";
import { UsageError } from "../verb.ts";

/** Ways to print whole objects, by the word after `-o`. */
const formats: ReadonlyMap<string, (object: KubeObject) => string> = new Map([
  ["json", (object: KubeObject) => `${goJson(object, 4)}\n`],
  ["yaml", (object: KubeObject) => formatYaml(asJson(object))],
  ["name", (object: KubeObject) => `${qualifiedName(object)}\n`],
]);

/** What `-o` takes besides nothing and `wide`. */
const formatNames: readonly string[] = [...formats.keys()];

/**
 * The printer that `-o` names.
 *
 * @param options.showManagedFields whether to print who owns which field
 * @throws UsageError naming the ones there are
 */
export function objectFormat(
  name: string,
  { showManagedFields = false }: { readonly showManagedFields?: boolean } = {},
): (object: KubeObject) => string {
  const format = formats.get(name);
  if (!format)
    throw new UsageError(
      `unable to match a printer suitable for the output format "${name}", allowed formats are: ${formatNames.join(",")},wide`,
    );
  return showManagedFields ? format : (object) => format(withoutManagedFields(object));
}

/** `pod/web`, `deployment.apps/web`: how kubectl names an object in one word. */
export function qualifiedName({
  apiVersion,
  kind,
  metadata,
}: Pick<KubeObject, "apiVersion" | "kind" | "metadata">): string {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : `.${apiVersion.slice(0, slash)}`;
  return `${kind.toLowerCase()}${group}/${metadata.name ?? ""}`;
}

/** The object, or the objects of the list, without the notes of who owns which field. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata ?? {};
  const items = (object as { readonly items?: readonly KubeObject[] }).items;
  return {
    ...object,
    ...(object.metadata ? { metadata } : {}),
    ...(items ? { items: items.map(withoutManagedFields) } : {}),
  };
}
