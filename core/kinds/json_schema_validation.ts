import { type FieldError, fieldError } from "../api/status.ts";
import { keyPath } from "../api/structural/embedded_resources.ts";
import { isSchemaList, type JsonSchemaProps, metaFields } from "../api/structural/json_schema_props.ts";
import { checkListAndMapTypes, checkListKeys } from "./json_schema_lists.ts";
import { knownTypes, type SchemaRules, setItemProblem } from "./json_schema_ratcheting.ts";

/** Where in a schema one stands. */
interface Place {
  readonly path: string;
  readonly rules: SchemaRules;
  /** Why there may be no default; undefined: there may be. */
  readonly noDefaults?: string;
  readonly insideMetadata?: true;
  readonly isRoot?: true;
}

/**
 * What is wrong with a schema, beside what keeps it from being structural.
 *
 * @see k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation, ValidateCustomResourceDefinitionOpenAPISchema
 */
export function checkSchema(schema: JsonSchemaProps, path: string, rules: SchemaRules): readonly FieldError[] {
  return visit(schema, { path, rules, isRoot: true });
}

function visit(schema: JsonSchemaProps, place: Place): readonly FieldError[] {
  const { path, rules } = place;
  const errors: FieldError[] = [...checkNode(schema, place)];
  if (schema.uniqueItems) {
    const detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    errors.push(fieldError.forbidden(`${path}.uniqueItems`, detail));
  }
  errors.push(...visitMembers(schema, place), ...visitOthers(schema, place));
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    errors.push(fieldError.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  const itemProblem = rules.atomicSets ? setItemProblem(schema) : undefined;
  if (itemProblem !== undefined) {
    const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    const items = schema.items as JsonSchemaProps;
    errors.push(fieldError.invalid(`${path}.items.${itemProblem}`, items["x-kubernetes-list-type"] ?? null, detail));
  }
  errors.push(...checkListAndMapTypes(schema, path));
  if (rules.listKeys) errors.push(...checkListKeys(schema, path));
  return errors;
}

function visitMembers(schema: JsonSchemaProps, place: Place): readonly FieldError[] {
  const { path, rules, insideMetadata, noDefaults, isRoot } = place;
  const errors: FieldError[] = [];
  const { properties = {}, additionalProperties } = schema;
  const names = Object.keys(properties);
  if (additionalProperties !== undefined && names.length > 0 && additionalProperties !== true) {
    const detail = "additionalProperties and properties are mutual exclusive";
    errors.push(fieldError.forbidden(`${path}.additionalProperties`, detail));
  }
  const inner: Place = {
    path,
    rules,
    ...(noDefaults === undefined ? {} : { noDefaults }),
    ...(insideMetadata ? { insideMetadata } : {}),
  };
  if (typeof additionalProperties === "object") {
    const reason = insideMetadata ? { noDefaults: "inside additionalProperties applying to object metadata" } : {};
    errors.push(...visit(additionalProperties, { ...inner, ...reason, path: `${path}.additionalProperties` }));
  }
  const isResource = isRoot || schema["x-kubernetes-embedded-resource"];
  for (const [name, own] of Object.entries(properties)) {
    const isMeta = isResource && metaFields.has(name);
    errors.push(
      ...visit(own, {
        ...inner,
        path: keyPath(`${path}.properties`, name),
        ...(isMeta ? { insideMetadata: true } : {}),
        ...(isMeta && isRoot ? { noDefaults: `in top-level ${name}` } : {}),
      }),
    );
  }
  return errors;
}

function visitOthers(schema: JsonSchemaProps, { isRoot: _isRoot, ...place }: Place): readonly FieldError[] {
  const { not, allOf = [], oneOf = [], anyOf = [], definitions = {}, items, dependencies = {} } = schema;
  const { path } = place;
  const at = (one: JsonSchemaProps, where: string) => visit(one, { ...place, path: where });
  return [
    ...(not ? at(not, `${path}.not`) : []),
    ...allOf.flatMap((one, index) => at(one, `${path}.allOf[${index}]`)),
    ...oneOf.flatMap((one, index) => at(one, `${path}.oneOf[${index}]`)),
    ...anyOf.flatMap((one, index) => at(one, `${path}.anyOf[${index}]`)),
    ...Object.entries(definitions).flatMap(([name, one]) => at(one, keyPath(`${path}.definitions`, name))),
    ...(isSchemaList(items)
      ? items.flatMap((one, index) => at(one, `${path}.items[${index}]`))
      : items
        ? at(items, `${path}.items`)
        : []),
    ...Object.entries(dependencies).flatMap(([name, one]) =>
      Array.isArray(one) ? [] : at(one as JsonSchemaProps, keyPath(`${path}.dependencies`, name)),
    ),
  ];
}

function checkNode(schema: JsonSchemaProps, { path, rules, noDefaults, insideMetadata }: Place): readonly FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (is: boolean, field: string, detail: string) => {
    if (is) errors.push(fieldError.forbidden(`${path}.${field}`, detail));
  };
  const { type, id, additionalItems, patternProperties = {}, definitions = {}, dependencies, $ref, items } = schema;
  if (rules.knownTypes && type && !knownTypes.includes(type))
    errors.push(fieldError.notSupported(`${path}.type`, type, knownTypes));
  forbid(schema.default !== undefined && noDefaults !== undefined, "default", `must not be set ${noDefaults}`);
  forbid(Boolean(id), "id", "id is not supported");
  forbid(additionalItems !== undefined, "additionalItems", "additionalItems is not supported");
  forbid(Object.keys(patternProperties).length > 0, "patternProperties", "patternProperties is not supported");
  forbid(Object.keys(definitions).length > 0, "definitions", "definitions is not supported");
  forbid(dependencies !== undefined, "dependencies", "dependencies is not supported");
  forbid($ref !== undefined, "$ref", "$ref is not supported");
  forbid(type === "null", "type", "type cannot be set to null, use nullable as an alternative");
  forbid(isSchemaList(items) && items.length > 0, "items", "items must be a schema object and not an array");
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  forbid(
    Boolean(insideMetadata) && isEmbedded,
    "x-kubernetes-embedded-resource",
    "must not be used inside of resource meta",
  );
  return errors;
}
