import { additionalOf, type JsonSchemaProps, propertyOf } from "../api/structural/json_schema_props.ts";

/** Where a path of a field leads: to a schema, or why to none. */
export type FoundField =
  | { readonly schema: JsonSchemaProps; readonly steps: readonly string[] }
  | { readonly error: string };

/**
 * Follows a path such as `.spec.replicas` or `.spec.map['key']` through a schema.
 *
 * @param options.arrays whether keys in brackets may stand in it
 * @see k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel, ValidFieldPath
 */
export function findField(text: string, root: JsonSchemaProps, { arrays }: { readonly arrays: boolean }): FoundField {
  const tokens = text.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]]+/g) ?? [];
  const steps: string[] = [];
  let schema = root;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    let name: string;
    if (token === "[") {
      if (!arrays) return { error: "array notation is not allowed" };
      const quoted = tokens[++at];
      if (quoted === undefined) return { error: "unexpected end of JSON path" };
      if (!/^'.*'$/s.test(quoted) || quoted.length < 2)
        return { error: `expected single quoted string but got ${quoted}` };
      name = quoted.slice(1, -1).replace(/\\(.)/gs, "$1");
      if (tokens[++at] !== "]") return { error: `expected ] but got ${tokens[at] ?? ""}` };
    } else if (token === ".") {
      name = tokens[++at] ?? "";
      if (name === "") return { error: "unexpected end of JSON path" };
    } else return { error: `expected [ or . but got: ${token}` };
    const next = schema.properties ? propertyOf(schema, name) : additionalOf(schema);
    if (!next) return { error: "does not refer to a valid field" };
    steps.push(name);
    schema = next;
  }
  return { schema, steps };
}
