import { once } from "../../util/once.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type FieldFacts, fieldFacts, listKeyDefault } from "../patch/facts.ts";
import { messageFacts } from "../protobuf/facts.ts";
import { type ApiSchema, definitionOf, type SchemaNode } from "../schema.ts";
import { anyType, atomicType, type ListKey, type MapType, type MergeType } from "./merge_type.ts";

const known = new WeakMap<ApiSchema, Map<string, MergeType>>();
const noFacts: FieldFacts = {};
const empty: ReadonlyMap<string, Json> = new Map();

/**
 * The type of one of Kubernetes' own definitions: which fields there are stands in the schema, how they are owned in the
 * tables of facts. Made once.
 *
 * @param id e.g. `io.k8s.api.apps.v1.Deployment`
 */
export function schemaType(schema: ApiSchema, id: string): MergeType {
  let types = known.get(schema);
  if (!types) {
    types = new Map();
    known.set(schema, types);
  }
  let type = types.get(id);
  if (!type) {
    type = definedType(schema, id);
    types.set(id, type);
  }
  return type;
}

function definedType(schema: ApiSchema, id: string): MergeType {
  const definition = definitionOf(schema, id);
  if (definition) return typeOfNode(schema, definition, { owner: id, facts: noFacts });
  // Not built: nothing is known but what merges.
  return {
    ...anyType,
    map: mapOf(
      (name) => factsType(schema, id, name),
      () => anyType,
      empty,
    ),
  };
}

function factsType(schema: ApiSchema, owner: string, name: string): MergeType | undefined {
  const facts = fieldFacts(owner, name);
  if (facts === noFacts || Object.keys(facts).length === 0) return undefined;
  if (facts.atomic) return atomicType;
  const inner = facts.type === undefined ? anyType : schemaType(schema, facts.type);
  return facts.list === undefined ? inner : { list: listOf(facts, () => (facts.atomicItems ? atomicType : inner)) };
}

interface Place {
  /** The definition that the node is part of. */
  readonly owner: string;
  /** What is known about the field that the node describes. */
  readonly facts: FieldFacts;
}

function typeOfNode(schema: ApiSchema, node: SchemaNode, place: Place): MergeType {
  const { facts } = place;
  if (node.$ref !== undefined) {
    const type = schemaType(schema, node.$ref);
    return facts.atomic && type.map ? { ...type, map: { ...type.map, atomic: true } } : type;
  }
  switch (node.type) {
    case "object":
      return { map: { ...mapOfNode(schema, node, place), atomic: facts.atomic ?? false } };
    case "array":
      return {
        list: listOf(facts, () => {
          if (facts.atomicItems && !node.items?.$ref) return atomicType;
          return typeOfNode(schema, node.items ?? {}, { owner: place.owner, facts: itemFacts(facts) });
        }),
      };
    case "string":
      // Moments in time are a type of their own, which takes any scalar.
      return { scalar: node.format === "date-time" ? "untyped" : "string" };
    case "integer":
    case "number":
      return { scalar: "numeric" };
    case "boolean":
      return { scalar: "boolean" };
    default:
      // Quantities and IntOrString; what is described in no way is any JSON, as a whole.
      return node.oneOf ? { scalar: "untyped" } : atomicType;
  }
}

function itemFacts({ atomicItems }: FieldFacts): FieldFacts {
  return atomicItems ? { atomic: true } : noFacts;
}

function listOf({ list, listKeys = [] }: FieldFacts, items: () => MergeType): MergeType["list"] & object {
  const keys = [...listKeys]
    .sort()
    .map((name): ListKey => ({ name, default: listKeyDefault(name) as Json | undefined }));
  return { owned: list ?? "atomic", keys, items: once(items) };
}

function mapOfNode(schema: ApiSchema, node: SchemaNode, { owner }: Place): MapType {
  const { properties, additionalProperties } = node;
  if (additionalProperties) {
    const values = once(() => typeOfNode(schema, additionalProperties, { owner, facts: noFacts }));
    return mapOf(() => undefined, values, empty);
  }
  if (!properties)
    return mapOf(
      () => undefined,
      () => anyType,
      empty,
    );
  const fields = new Map<string, MergeType>();
  const field = (name: string): MergeType | undefined => {
    let type = fields.get(name);
    const property = type || !Object.hasOwn(properties, name) ? undefined : properties[name];
    if (!property) return type;
    type = typeOfNode(schema, property, { owner, facts: fieldFacts(owner, name) });
    fields.set(name, type);
    return type;
  };
  const isDefinition = definitionOf(schema, owner)?.properties === properties;
  return mapOf(field, () => undefined, isDefinition ? embeddedFields(owner) : empty);
}

function mapOf(field: MapType["field"], values: MapType["values"], embedded: MapType["embedded"]): MapType {
  return { atomic: false, field, values, embedded };
}

/** Messages that JSON writes as something else than an object. */
const plainMessages: ReadonlySet<string> = new Set(["Time", "MicroTime", "Quantity", "IntOrString", "Raw"]);

/** Lists that Go writes even when there is nothing in them. */
const writtenLists: ReadonlyMap<string, string> = new Map([
  ["core.v1.PodSpec", "containers"],
  ["storage.v1.CSINodeSpec", "drivers"],
]);
const emptyStruct: JsonObject = {};

/** The fields of a definition that Go always has. */
function embeddedFields(id: string): ReadonlyMap<string, Json> {
  const message = id.split(".").slice(-3).join(".");
  const fields = new Map<string, Json>(embeddedStructs(message).map((name) => [name, emptyStruct]));
  const list = writtenLists.get(message);
  if (list !== undefined) fields.set(list, null);
  return fields;
}

function embeddedStructs(message: string): readonly string[] {
  const fields: string[] = [];
  for (const { name, shape, type, pointer } of messageFacts(message)?.values() ?? []) {
    if (shape === "embedded") fields.push(...embeddedStructs(type));
    else if (shape === "single" && !pointer && type.includes(".") && !plainMessages.has(type)) fields.push(name);
  }
  return fields;
}
