import { type FieldFacts, factsOf } from "../../../core/api/patch/facts.ts";
import { type ApiSchema, definitionOf, type GroupVersionKind, type SchemaNode } from "../../../core/api/schema.ts";

/** A JSON object under construction. */
export type Doc = Record<string, unknown>;

/** How a version of OpenAPI writes what the versions write differently. */
export interface Dialect {
  /** Where definitions stand, e.g. `#/definitions/`. */
  readonly prefix: string;
  /** Whether `$ref` stands alone, so that a description needs `allOf` around it. */
  readonly lonelyRefs: boolean;
  /** Whether a value may be one of several types. */
  readonly oneOf: boolean;
}

/** OpenAPI 3.0. */
export const dialect3: Dialect = { prefix: "#/components/schemas/", lonelyRefs: true, oneOf: true };
/** Swagger 2.0. */
export const dialect2: Dialect = { prefix: "#/definitions/", lonelyRefs: false, oneOf: false };

/** Ids of the definitions and of all that they refer to, sorted. Ids that the schema does not know are among them. */
export function reachable(schema: ApiSchema, ids: Iterable<string>): readonly string[] {
  const found = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    const definition = definitionOf(schema, id);
    if (definition) open.push(...referencesOf(definition));
  }
  return [...found].sort();
}

function referencesOf(node: SchemaNode): string[] {
  if (node.$ref !== undefined) return [node.$ref];
  return [...Object.values(node.properties ?? {}), node.items, node.additionalProperties].flatMap((child) =>
    child ? referencesOf(child) : [],
  );
}

/**
 * Writes the definitions in a dialect, with the facts that clients need to merge patches.
 *
 * @param kinds group, version and kind of the served definitions, for those that the schema does not know
 */
export function writeDefinitions(
  schema: ApiSchema,
  ids: readonly string[],
  {
    dialect,
    kinds,
    own = new Map(),
  }: {
    readonly dialect: Dialect;
    readonly kinds: ReadonlyMap<string, GroupVersionKind>;
    /** Definitions that are written already, by id. */
    readonly own?: ReadonlyMap<string, Doc>;
  },
): Doc {
  return Object.fromEntries(
    ids.map((id) => {
      const built = definitionOf(schema, id);
      // A group may be called so that its definitions have the names of Kubernetes' own.
      const written = built ? undefined : own.get(id);
      if (written) return [id, written];
      const gvk = kinds.get(id);
      const unknown: SchemaNode = { type: "object", ...(gvk ? { "x-kubernetes-group-version-kind": [gvk] } : {}) };
      return [id, writeDefinition(id, built ?? unknown, dialect)];
    }),
  );
}

function writeDefinition(id: string, definition: SchemaNode, dialect: Dialect): Doc {
  const { properties, ...rest } = definition;
  const doc = writeNode(rest, dialect);
  if (properties) {
    const facts = factsOf(id);
    doc["properties"] = Object.fromEntries(
      Object.entries(properties).map(([field, node]) => [
        field,
        { ...writeNode(node, dialect), ...mergeExtensions(node, facts.get(field) ?? {}) },
      ]),
    );
  }
  return doc;
}

/** One node in a dialect. */
export function writeNode(node: SchemaNode, dialect: Dialect): Doc {
  const { $ref, items, additionalProperties, oneOf, description, ...rest } = node;
  if ($ref !== undefined) {
    const reference = { $ref: `${dialect.prefix}${$ref}` };
    const described = { ...(description === undefined ? {} : { description }), ...rest };
    if (!dialect.lonelyRefs) return { ...described, ...reference };
    return Object.keys(described).length > 0 ? { ...described, allOf: [reference] } : reference;
  }
  return {
    ...(description === undefined ? {} : { description }),
    ...rest,
    ...(items ? { items: writeNode(items, dialect) } : {}),
    ...(additionalProperties ? { additionalProperties: writeNode(additionalProperties, dialect) } : {}),
    ...(oneOf ? (dialect.oneOf ? { oneOf } : { type: "string" }) : {}),
  };
}

/** How a field merges, in the extensions that kubectl reads. */
function mergeExtensions(node: SchemaNode, facts: FieldFacts): Doc {
  const strategy = [facts.strategy, facts.retainKeys && "retainKeys"].filter((word) => word).join(",");
  const isList = node.type === "array";
  return {
    ...(isList ? { "x-kubernetes-list-type": facts.list ?? "atomic" } : {}),
    ...(facts.listKeys ? { "x-kubernetes-list-map-keys": facts.listKeys } : {}),
    ...(facts.atomic && !isList ? { "x-kubernetes-map-type": "atomic" } : {}),
    ...(strategy ? { "x-kubernetes-patch-strategy": strategy } : {}),
    ...(facts.mergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": facts.mergeKey }),
  };
}
