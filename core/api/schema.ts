import { once } from "../util/once.ts";

/** One definition, or one field of a definition, in OpenAPI's words. References are plain ids. */
export interface SchemaNode {
  readonly description?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly format?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode;
  readonly items?: SchemaNode;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly oneOf?: readonly SchemaNode[];
  readonly default?: unknown;
  readonly "x-kubernetes-group-version-kind"?: readonly GroupVersionKind[];
}

/** Names a kind in a version of a group. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The definitions of all served kinds, by id (`io.k8s.api.core.v1.Pod`). */
export interface ApiSchema {
  readonly definitions: Readonly<Record<string, SchemaNode>>;
}

/** A schema that knows nothing: every object passes as it is. */
export const noSchema: ApiSchema = { definitions: {} };

/** Name of the packaged file that `tools/gen_schema.mjs` writes. */
const schemaFile = "k8s-schema.json.gz";

/**
 * Reads the packaged definitions. Each stands on a line of its own and is parsed when it is first asked for: most never are.
 *
 * @param read gives the unpacked text of a packaged file; undefined when there is none
 * @returns {@linkcode noSchema} when the file was not built: fields are then neither pruned nor explained
 */
export async function loadSchema(read: (name: string) => Promise<string | undefined>): Promise<ApiSchema> {
  const text = await read(schemaFile);
  if (text === undefined) return noSchema;
  const definitions: Record<string, SchemaNode> = {};
  for (const line of text.split("\n")) {
    const split = line.indexOf('":{');
    if (split < 0 || !line.startsWith('"')) continue;
    Object.defineProperty(definitions, line.slice(1, split), {
      enumerable: true,
      get: once(() => JSON.parse(line.slice(split + 2, line.endsWith(",") ? -1 : undefined)) as SchemaNode),
    });
  }
  return { definitions };
}

/** The definition of an id; undefined when it is not known. */
export function definitionOf(schema: ApiSchema, id: string): SchemaNode | undefined {
  return Object.hasOwn(schema.definitions, id) ? schema.definitions[id] : undefined;
}

/** The last word of a definition's id: `Pod` of `io.k8s.api.core.v1.Pod`. */
export function typeName(id: string): string {
  return id.slice(id.lastIndexOf(".") + 1);
}
