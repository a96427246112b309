import { getOwn } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";

/** A rule in CEL that values must keep. @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** A schema as CustomResourceDefinitions carry it: OpenAPI 3.0 with Kubernetes' extensions. */
export interface JsonSchemaProps {
  readonly id?: string;
  readonly $schema?: string;
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly title?: string;
  readonly default?: Json;
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly multipleOf?: number;
  readonly enum?: readonly Json[];
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly required?: readonly string[];
  readonly items?: JsonSchemaProps | readonly JsonSchemaProps[];
  readonly allOf?: readonly JsonSchemaProps[];
  readonly oneOf?: readonly JsonSchemaProps[];
  readonly anyOf?: readonly JsonSchemaProps[];
  readonly not?: JsonSchemaProps;
  readonly properties?: Readonly<Record<string, JsonSchemaProps>>;
  readonly additionalProperties?: JsonSchemaProps | boolean;
  readonly patternProperties?: Readonly<Record<string, JsonSchemaProps>>;
  readonly dependencies?: Readonly<Record<string, JsonSchemaProps | readonly string[]>>;
  readonly additionalItems?: JsonSchemaProps | boolean;
  readonly definitions?: Readonly<Record<string, JsonSchemaProps>>;
  readonly externalDocs?: { readonly description?: string; readonly url?: string };
  readonly example?: Json;
  readonly nullable?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
}

/** The schema of a member that the schema names; undefined when it names none of that name. */
export function propertyOf(schema: JsonSchemaProps, name: string): JsonSchemaProps | undefined {
  const { properties } = schema;
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** Says nothing about a value. */
const anything: JsonSchemaProps = { nullable: true };

/** The schema of members that are not named; undefined when the schema says nothing of such. */
export function additionalOf({ additionalProperties }: JsonSchemaProps): JsonSchemaProps | undefined {
  return typeof additionalProperties === "boolean" ? anything : additionalProperties;
}

/** The schema of a list's items. */
export function itemsOf({ items }: JsonSchemaProps): JsonSchemaProps | undefined {
  return isSchemaList(items) ? undefined : items;
}

/** Whether `items` is a list of schemas, which structural schemas never have. */
export function isSchemaList(items: JsonSchemaProps["items"]): items is readonly JsonSchemaProps[] {
  return Array.isArray(items);
}

/** The schemas that a schema holds, at every place where one may stand. */
export function childrenOf(schema: JsonSchemaProps): readonly JsonSchemaProps[] {
  const { items, additionalProperties, additionalItems, allOf = [], anyOf = [], oneOf = [], not } = schema;
  const { properties = {}, patternProperties = {}, definitions = {}, dependencies = {} } = schema;
  return [
    ...(isSchemaList(items) ? items : items ? [items] : []),
    ...[additionalProperties, additionalItems, ...Object.values(dependencies)].filter(isSchema),
    ...allOf,
    ...anyOf,
    ...oneOf,
    ...(not ? [not] : []),
    ...[properties, patternProperties, definitions].flatMap((map) => Object.values(map)),
  ];
}

function isSchema(value: unknown): value is JsonSchemaProps {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a schema, or one inside of it, is as asked. */
export function schemaHas(schema: JsonSchemaProps, is: (schema: JsonSchemaProps) => boolean): boolean {
  return is(schema) || childrenOf(schema).some((child) => schemaHas(child, is));
}

/** The members that every resource has, whatever its schema says. */
export const metaFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** The schema as that of a resource: its metadata is none of the schema's. */
export function asResource(schema: JsonSchemaProps): JsonSchemaProps {
  return schema["x-kubernetes-embedded-resource"] ? schema : { ...schema, "x-kubernetes-embedded-resource": true };
}

/** The own member of an object as an object; undefined when it is none. */
export function objectAt(object: JsonObject, key: string): JsonObject | undefined {
  const value = getOwn(object, key);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}
