import type { Kind } from "../../../core/api/kind.ts";
import { checkStructural, unsupportedError } from "../../../core/api/structural/check_structural.ts";
import { additionalOf, itemsOf, type JsonSchemaProps } from "../../../core/api/structural/json_schema_props.ts";
import { type Dialect, type Doc, writeNode } from "./definitions.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const objectMeta = `${meta}.ObjectMeta`;
const listMeta = `${meta}.ListMeta`;

const apiVersion = {
  type: "string",
  description: "APIVersion defines the group and version of the schema that this object is written in, e.g. apps/v1.",
} as const;
const kindText = {
  type: "string",
  description: "Kind is the type of this object, in CamelCase. Cannot be changed.",
} as const;

/** Definitions that those of custom resources refer to. */
export const customReferences: readonly string[] = [objectMeta, listMeta];

/**
 * The definitions of the custom resources among `kinds` and of their lists, by id.
 *
 * @see k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder
 */
export function customDefinitions(kinds: readonly Kind[], dialect: Dialect): ReadonlyMap<string, Doc> {
  return new Map(
    kinds.flatMap((kind) =>
      kind.custom
        ? [
            [kind.schema, definition(kind, kind.custom.schema, dialect)],
            [listSchemaOf(kind), listDefinition(kind, dialect)],
          ]
        : [],
    ),
  );
}

/** The id of the definition of a kind's lists. */
export function listSchemaOf({ schema, custom }: Pick<Kind, "schema" | "custom">): string {
  return custom ? `${schema.slice(0, schema.lastIndexOf(".") + 1)}${custom.listKind}` : `${schema}List`;
}

function definition(kind: Kind, schema: JsonSchemaProps, dialect: Dialect): Doc {
  const gvk = { "x-kubernetes-group-version-kind": [gvkOf(kind, kind.kind)] };
  const fields = Object.keys(kind.strategy.fields({ apiVersion: "", kind: "", metadata: {} }));
  const selectable =
    fields.length > 0 ? { "x-kubernetes-selectable-fields": fields.map((fieldPath) => ({ fieldPath })) } : {};
  const isV2 = !dialect.oneOf;
  const keeps = schema["x-kubernetes-preserve-unknown-fields"] === true;
  // Without a schema that describes every field clients would refuse those that are not named.
  if (!isPublishable(schema) || (isV2 && keeps)) return { type: "object", ...gvk, ...selectable };
  const published = isV2 ? publishV2(schema, dialect) : publishV3(schema, dialect);
  const properties = { ...(published["properties"] as Doc | undefined), apiVersion, kind: kindText };
  const metadata = writeNode({ $ref: objectMeta, description: "Standard object's metadata." }, dialect);
  return { ...published, properties: { ...properties, metadata }, ...gvk, ...selectable };
}

function isPublishable(schema: JsonSchemaProps): boolean {
  return Object.keys(schema).length > 0 && !unsupportedError(schema) && checkStructural(schema, "").length === 0;
}

function listDefinition(kind: Kind, dialect: Dialect): Doc {
  const listKind = kind.custom?.listKind ?? "";
  return {
    description: `${listKind} is a list of ${kind.kind}`,
    type: "object",
    required: ["items"],
    properties: {
      apiVersion,
      kind: kindText,
      metadata: writeNode({ $ref: listMeta, description: "Standard list metadata." }, dialect),
      items: {
        type: "array",
        description: `List of ${kind.plural}.`,
        items: { $ref: `${dialect.prefix}${kind.schema}` },
      },
    },
    "x-kubernetes-group-version-kind": [gvkOf(kind, listKind)],
  };
}

function gvkOf({ group, version }: Kind, kind: string): Doc {
  return { group, kind, version };
}

const intOrString = [{ type: "integer" }, { type: "string" }];

function publishV3(schema: JsonSchemaProps, dialect: Dialect): Doc {
  const { anyOf, allOf } = schema;
  const doc = withChildren(schema, dialect, publishV3);
  if (schema["x-kubernetes-int-or-string"] && !spellsIntOrString(schema)) {
    if (anyOf) doc["allOf"] = [{ anyOf: intOrString }, ...(allOf ?? [])];
    else doc["anyOf"] = intOrString;
  }
  return withEmbedded(doc, schema, dialect);
}

function spellsIntOrString({ anyOf, allOf }: JsonSchemaProps): boolean {
  const isIt = (schemas: readonly JsonSchemaProps[] | undefined) =>
    schemas?.length === 2 && schemas[0]?.type === "integer" && schemas[1]?.type === "string";
  return isIt(anyOf) || isIt(allOf?.[0]?.anyOf);
}

/** Swagger 2.0 knows no alternatives and no nulls; kubectl takes what is named there for all that there is. */
function publishV2(schema: JsonSchemaProps, dialect: Dialect): Doc {
  const { allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, not: _not, nullable, ...known } = schema;
  const keeps = known["x-kubernetes-preserve-unknown-fields"] === true;
  const { items, properties, ...flat } = known;
  const kept: JsonSchemaProps = nullable || keeps ? flat : known;
  const doc = withChildren(kept, dialect, publishV2);
  if (nullable || (kept.items === undefined && kept.type === "array") || (keeps && kept.type === "object"))
    doc["type"] = undefined;
  const required = (kept.required ?? []).filter((name) => !isNullable(kept.properties, name));
  doc["required"] = required.length > 0 && !additionalOf(kept)?.nullable ? required : undefined;
  const written = Object.fromEntries(Object.entries(doc).filter(([, value]) => value !== undefined));
  return keeps ? written : withEmbedded(written, schema, dialect);
}

function isNullable(properties: JsonSchemaProps["properties"], name: string): boolean {
  return properties !== undefined && Object.hasOwn(properties, name) && properties[name]?.nullable === true;
}

/** The schema with those inside of it published as well. */
function withChildren(
  schema: JsonSchemaProps,
  dialect: Dialect,
  publish: (schema: JsonSchemaProps, dialect: Dialect) => Doc,
): Doc {
  const { properties, additionalProperties, ...rest } = schema;
  const items = itemsOf(schema);
  const doc: Doc = { ...rest };
  if (items) doc["items"] = publish(items, dialect);
  if (properties)
    doc["properties"] = Object.fromEntries(
      Object.entries(properties).map(([name, own]) => [name, publish(own, dialect)]),
    );
  if (typeof additionalProperties === "object") doc["additionalProperties"] = publish(additionalProperties, dialect);
  else if (additionalProperties) doc["additionalProperties"] = dialect.oneOf ? true : {};
  return doc;
}

/** What every resource has, where one is embedded. */
function withEmbedded(doc: Doc, schema: JsonSchemaProps, dialect: Dialect): Doc {
  if (!schema["x-kubernetes-embedded-resource"]) return doc;
  const metadata = writeNode({ $ref: objectMeta, description: "Standard object's metadata." }, dialect);
  const required = new Set([...(schema.required ?? []), "kind", "apiVersion"]);
  return {
    ...doc,
    properties: { ...(doc["properties"] as Doc | undefined), apiVersion, kind: kindText, metadata },
    required: [...required],
  };
}
