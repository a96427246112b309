import { jsonEqual } from "../api/json_object.ts";
import type { Json } from "../api/meta.ts";
import { checkStructural, unsupportedError } from "../api/structural/check_structural.ts";
import { itemsOf, type JsonSchemaProps, schemaHas } from "../api/structural/json_schema_props.ts";
import { pruneValue } from "../api/structural/prune.ts";
import { checkListKeys } from "./json_schema_lists.ts";

/** What schemas must keep. A definition that broke a rule before the rule came may go on to. */
export interface SchemaRules {
  readonly structural: boolean;
  readonly knownTypes: boolean;
  readonly prunedDefaults: boolean;
  readonly atomicSets: boolean;
  readonly listKeys: boolean;
}

/** What new definitions must keep. */
export const allRules: SchemaRules = {
  structural: true,
  knownTypes: true,
  prunedDefaults: true,
  atomicSets: true,
  listKeys: true,
};

/** Types of OpenAPI 3. */
export const knownTypes: readonly string[] = ["array", "boolean", "integer", "number", "object", "string"];

/** The rules that the schemas of a definition have kept so far: they must go on to. */
export function keptRules(schemas: readonly JsonSchemaProps[]): SchemaRules {
  const none = (is: (schema: JsonSchemaProps) => boolean) => !schemas.some((schema) => schemaHas(schema, is));
  return {
    structural: schemas.every(isStructural),
    knownTypes: none(({ type }) => Boolean(type) && !knownTypes.includes(type ?? "")),
    prunedDefaults: none((schema) => schema.default !== undefined && !isPruned(schema)),
    atomicSets: none((schema) => setItemProblem(schema) !== undefined),
    listKeys: none((schema) => checkListKeys(schema, "").length > 0),
  };
}

/** Whether a schema can be read as a structural one and is one. */
export function isStructural(schema: JsonSchemaProps): boolean {
  return unsupportedError(schema) === undefined && checkStructural(schema, "").length === 0;
}

/** Whether a schema's default has only members that the schema knows. */
export function isPruned(schema: JsonSchemaProps): boolean {
  const value = schema.default ?? null;
  return jsonEqual(pruneValue(value, schema), value);
}

/** The extension of a set's items that keeps them from being values as a whole. */
export function setItemProblem(
  schema: JsonSchemaProps,
): "x-kubernetes-list-type" | "x-kubernetes-map-type" | undefined {
  const items = schema["x-kubernetes-list-type"] === "set" ? itemsOf(schema) : undefined;
  const listType: Json | undefined = items?.["x-kubernetes-list-type"];
  if (items?.type === "array" && listType !== undefined && listType !== "atomic") return "x-kubernetes-list-type";
  return items?.type === "object" && items["x-kubernetes-map-type"] !== "atomic" ? "x-kubernetes-map-type" : undefined;
}
