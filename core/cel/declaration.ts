import { escapeName, type StructuralSchema, withRootFields } from "./schema_type.ts";

/** How large the values of a schema can be. */
export interface Declaration {
  /** Fewest bytes of JSON that a value takes. */
  readonly minSize: number;
  /** Most characters, bytes, items or members of a value; 0 for those that have none. */
  readonly maxElements: number;
  /** Of the items of a list, or the values of a map. */
  readonly element?: Declaration;
  /** Of the keys of a map. */
  readonly key?: Declaration;
  /** By the names that expressions use. */
  readonly fields?: ReadonlyMap<string, Declaration>;
}

/** Largest request that Kubernetes takes. @see k8s.io/apiserver/pkg/apis/cel MaxRequestSizeBytes */
export const maxRequestBytes: number = 3 * 1024 * 1024;
/** Deepest schema that is followed. */
const maxDepth = 100;
/** What a key of a map is: nothing is known of its length. */
const keyDeclaration: Declaration = { minSize: 2, maxElements: 0 };

/**
 * How large the values of a schema can be; undefined where the schema does not tell what they are.
 *
 * @see k8s.io/apiserver/pkg/cel/common/schemas.go SchemaDeclType
 */
export function declarationOf(schema: StructuralSchema, isRoot = false, depth = 0): Declaration | undefined {
  if (depth > maxDepth) return undefined;
  if (schema["x-kubernetes-int-or-string"]) return { minSize: 1, maxElements: lengthOf(schema) ?? maxRequestBytes - 2 };
  const { type } = schema;
  if (type === "array") return listDeclaration(schema, depth);
  if (type === "object") return objectDeclaration(isRoot ? withRootFields(schema) : schema, isRoot, depth);
  if (type === "string") return textDeclaration(schema);
  if (type === "boolean") return { minSize: 4, maxElements: 0 };
  return type === "number" || type === "integer" ? { minSize: 1, maxElements: 0 } : undefined;
}

function below(schema: StructuralSchema, depth: number): Declaration | undefined {
  return declarationOf(schema, schema["x-kubernetes-embedded-resource"], depth + 1);
}

function listDeclaration({ items, maxItems }: StructuralSchema, depth: number): Declaration | undefined {
  const element = items && below(items, depth);
  if (!element) return undefined;
  const most = maxItems ?? Math.floor((maxRequestBytes - 2) / (element.minSize + 1));
  return { minSize: 2, maxElements: Math.max(most, 0), element };
}

function objectDeclaration(schema: StructuralSchema, isRoot: boolean, depth: number): Declaration | undefined {
  const { additionalProperties, maxProperties, properties = {}, required = [] } = schema;
  if (typeof additionalProperties === "object" && !isRoot) {
    const element = below(additionalProperties, depth);
    if (!element) return undefined;
    const most = maxProperties ?? Math.floor((maxRequestBytes - 2) / (element.minSize + 6));
    return { minSize: 2, maxElements: Math.max(most, 0), element, key: keyDeclaration };
  }
  const fields = new Map<string, Declaration>();
  const needed = new Set(required);
  let minSize = 2;
  for (const [name, property] of Object.entries(properties)) {
    const field = below(property, depth);
    if (!field) continue;
    const escaped = escapeName(name);
    if (escaped !== undefined) fields.set(escaped, field);
    // What has a default need not be sent.
    if (needed.has(name) && property.default === undefined)
      minSize += new TextEncoder().encode(name).length + field.minSize + 4;
  }
  return { minSize, maxElements: 0, fields };
}

/** Sizes of times in JSON, quotes included. */
const times: ReadonlyMap<string, Declaration> = new Map([
  ["duration", { minSize: 3, maxElements: 32 }],
  ["date", { minSize: 12, maxElements: 12 }],
  ["date-time", { minSize: 21, maxElements: 32 }],
]);

function textDeclaration(schema: StructuralSchema): Declaration {
  const { format = "", maxLength, enum: values = [] } = schema;
  const time = times.get(format);
  if (time) return time;
  if (format === "byte")
    return { minSize: 2, maxElements: maxLength === undefined ? maxRequestBytes - 2 : Math.max(maxLength, 0) };
  const longest = values.reduce<number>(
    (most, one) => (typeof one === "string" ? Math.max(most, one.length) : most),
    0,
  );
  return { minSize: 2, maxElements: lengthOf(schema) ?? (values.length > 0 ? longest : maxRequestBytes - 2) };
}

/** A character takes up to four bytes. */
function lengthOf({ maxLength }: StructuralSchema): number | undefined {
  return maxLength === undefined ? undefined : Math.max(maxLength, 0) * 4;
}
