import { getOwn, isJsonObject } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import type { ApiSchema } from "../schema.ts";
import { anyType, atomicType, type ListKey, type ListType, type MapType, type MergeType } from "./merge_type.ts";
import { schemaType } from "./schema_type.ts";

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const noFields: ReadonlyMap<string, Json> = new Map();

/**
 * The type of custom resources: a structural schema (`openAPIV3Schema` of a version), with Kubernetes' extensions.
 *
 * @param structural undefined: every object is taken, and lists are owned as a whole
 * @param definitions Kubernetes' own, for `metadata`
 * @param options.preserveUnknownFields whether fields that the schema does not have are taken everywhere
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function structuralType(
  structural: JsonObject | undefined,
  definitions: ApiSchema,
  { preserveUnknownFields = false }: { readonly preserveUnknownFields?: boolean } = {},
): MergeType {
  const context: Context = { definitions, preserves: preserveUnknownFields };
  const type = structural ? typeOf(structural, context) : anyType;
  return { ...type, map: embeddedObject(type.map ?? objectOf({}, context), context), changes: true };
}

interface Context {
  readonly definitions: ApiSchema;
  readonly preserves: boolean;
}

/** An object that has apiVersion, kind and metadata, whatever its schema says about them. */
function embeddedObject(map: MapType, { definitions }: Context): MapType {
  const text: MergeType = { scalar: "string" };
  const field = (name: string): MergeType | undefined => {
    if (name === "apiVersion" || name === "kind") return text;
    return name === "metadata" ? schemaType(definitions, objectMeta) : map.field(name);
  };
  return { ...map, field };
}

function typeOf(node: JsonObject, context: Context): MergeType {
  if (flag(node, "x-kubernetes-int-or-string")) return { scalar: "untyped" };
  switch (getOwn(node, "type")) {
    case "object": {
      const map = objectOf(node, context);
      return { map: flag(node, "x-kubernetes-embedded-resource") ? embeddedObject(map, context) : map };
    }
    case "array":
      return { list: arrayOf(node, context) };
    case "string":
      return { scalar: getOwn(node, "format") === "date-time" ? "untyped" : "string" };
    case "integer":
    case "number":
      return { scalar: "numeric" };
    case "boolean":
      return { scalar: "boolean" };
    default:
      return context.preserves || flag(node, "x-kubernetes-preserve-unknown-fields") ? anyType : atomicType;
  }
}

function flag(node: JsonObject, name: string): boolean {
  return getOwn(node, name) === true;
}

function objectOf(node: JsonObject, context: Context): MapType {
  const properties = getOwn(node, "properties");
  const additional = getOwn(node, "additionalProperties");
  const preserves = context.preserves || flag(node, "x-kubernetes-preserve-unknown-fields");
  const fields = new Map<string, MergeType>();
  const rest = isJsonObject(additional) ? typeOf(additional, context) : undefined;
  const takesAny = preserves || additional === true || (!isJsonObject(properties) && additional === undefined);
  const others = rest ?? (takesAny ? anyType : undefined);
  return {
    atomic: getOwn(node, "x-kubernetes-map-type") === "atomic",
    embedded: noFields,
    values: () => others,
    field(name) {
      const known = fields.get(name);
      if (known) return known;
      const property = isJsonObject(properties) ? getOwn(properties, name) : undefined;
      if (!isJsonObject(property)) return undefined;
      const type = typeOf(property, context);
      fields.set(name, type);
      return type;
    },
  };
}

function arrayOf(node: JsonObject, context: Context): ListType {
  const items = getOwn(node, "items");
  const itemNode = isJsonObject(items) ? items : {};
  const listType = getOwn(node, "x-kubernetes-list-type");
  const names = getOwn(node, "x-kubernetes-list-map-keys");
  let type: MergeType | undefined;
  return {
    owned: listType === "set" || listType === "map" ? listType : "atomic",
    keys: Array.isArray(names) ? keysOf(names as readonly Json[], itemNode) : [],
    items() {
      type ??= typeOf(itemNode, context);
      return type;
    },
  };
}

function keysOf(names: readonly Json[], item: JsonObject): readonly ListKey[] {
  const properties = getOwn(item, "properties");
  return names
    .filter((name): name is string => typeof name === "string")
    .sort()
    .map((name) => {
      const property = isJsonObject(properties) ? getOwn(properties, name) : undefined;
      return { name, default: isJsonObject(property) ? getOwn(property, "default") : undefined };
    });
}
