import type { ResourceType } from "../api/kind.ts";

/** Which part of a resource a path leads to. */
export interface PathOptions {
  /** Absent for a namespaced resource: the collection of all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
  /** Query parameters; undefined ones are left out, lists are repeated. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>> | undefined;
}

/**
 * The path of a resource, e.g. `/apis/apps/v1/namespaces/default/deployments/web/scale?dryRun=All`.
 *
 * @throws TypeError for a name or namespace that cannot be one segment of a path
 */
export function resourcePath(
  { group, version, plural, namespaced }: ResourceType,
  { namespace, name, subresource, query = {} }: PathOptions = {},
): string {
  let path = group ? `/apis/${group}/${version}` : `/api/${version}`;
  if (namespaced && namespace !== undefined) path += `/namespaces/${segment("namespace", namespace)}`;
  path += `/${plural}`;
  if (name !== undefined) path += `/${segment("resource name", name)}`;
  if (subresource) path += `/${subresource}`;
  return path + queryText(query);
}

/** `?a=b&c=d`, or `""` when nothing is set. */
function queryText(query: NonNullable<PathOptions["query"]>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const text of Array.isArray(value) ? (value as readonly string[]) : [String(value)])
      parameters.append(name, text);
  }
  const text = parameters.toString();
  return text ? `?${text}` : "";
}

/** @see k8s.io/apimachinery/pkg/api/validation/path/name.go */
function segment(what: string, text: string): string {
  if (text === "") throw new TypeError(`${what} may not be empty`);
  if (text === "." || text === "..") throw new TypeError(`invalid ${what} "${text}": [may not be '${text}']`);
  for (const character of ["/", "%"])
    if (text.includes(character)) throw new TypeError(`invalid ${what} "${text}": [may not contain '${character}']`);
  return encodeURIComponent(text);
}
