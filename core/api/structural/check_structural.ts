import { asJson, jsonEqual } from "../json_object.ts";
import type { Json } from "../meta.ts";
import { type FieldError, fieldError } from "../status.ts";
import { childPath, keyPath } from "./embedded_resources.ts";
import { isSchemaList, itemsOf, type JsonSchemaProps, propertyOf } from "./json_schema_props.ts";
import { patternError } from "./pattern.ts";

type Level = "root" | "item" | "field";

const mustHaveType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

/**
 * What keeps a schema from being structural: every value has a type outside of alternatives, and alternatives only
 * restrict what stands outside of them. Sorted.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function checkStructural(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  const errors = [...invariants(schema, "root", path), ...completeness(schema, schema, path, path)];
  return errors.sort((a, b) => (`${a.field}: ${a.message}` < `${b.field}: ${b.message}` ? -1 : 1));
}

/** Why a schema cannot be read as a structural one at all; undefined when it can. */
export function unsupportedError(schema: JsonSchemaProps): string | undefined {
  const { id, $schema, $ref, patternProperties, dependencies, additionalItems, definitions, items } = schema;
  const found = [
    [Boolean(id), "id"],
    [Boolean($schema), "schema"],
    [Boolean($ref), "$ref"],
    [Object.keys(patternProperties ?? {}).length > 0, "patternProperties"],
    [Object.keys(dependencies ?? {}).length > 0, "dependencies"],
    [additionalItems !== undefined, "additionalItems"],
    [Object.keys(definitions ?? {}).length > 0, "definitions"],
  ].find(([is]) => is);
  if (found) return `OpenAPIV3Schema '${found[1]}' is not supported`;
  if (isSchemaList(items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  const { allOf = [], anyOf = [], oneOf = [], not, properties = {}, additionalProperties } = schema;
  const children = [...allOf, ...anyOf, ...oneOf, ...Object.values(properties)];
  if (not) children.push(not);
  if (items) children.push(items);
  if (typeof additionalProperties === "object") children.push(additionalProperties);
  for (const child of children) {
    const error = unsupportedError(child);
    if (error !== undefined) return error;
  }
  return undefined;
}

function invariants(schema: JsonSchemaProps, level: Level, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { type, properties = {}, additionalProperties } = schema;
  const items = itemsOf(schema);
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  const keeps = schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (type === "array" && !items) errors.push(fieldError.required(`${path}.items`, "must be specified"));
  if (items) errors.push(...invariants(items, "item", `${path}.items`));
  for (const [name, own] of Object.entries(properties))
    errors.push(...invariants(own, "field", keyPath(`${path}.properties`, name)));
  if (additionalProperties !== undefined) {
    if (level === "root")
      errors.push(fieldError.forbidden(`${path}.additionalProperties`, "must not be used at the root"));
    if (typeof additionalProperties === "object")
      errors.push(...invariants(additionalProperties, "field", `${path}.additionalProperties`));
  }
  errors.push(...extensions(schema, path), ...values(schema, alternativesOf(schema), path));
  if (isEmbedded && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type ? fieldError.invalid(`${path}.type`, type, detail) : fieldError.required(`${path}.type`, detail));
  } else if (!type && !schema["x-kubernetes-int-or-string"] && !keeps)
    errors.push(fieldError.required(`${path}.type`, mustHaveType[level]));
  if (isEmbedded && additionalProperties !== undefined) {
    const detail = "must not be used if x-kubernetes-embedded-resource is set";
    errors.push(fieldError.forbidden(`${path}.additionalProperties`, detail));
  }
  if (level === "root" && type && type !== "object")
    errors.push(fieldError.invalid(`${path}.type`, type, "must be object at the root"));
  if (level === "root" || isEmbedded) errors.push(...metadata(schema, path));
  if (level === "root") errors.push(...rootMetadata(schema, path));
  if (isEmbedded && !keeps && Object.keys(properties).length === 0) {
    const detail =
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    errors.push(fieldError.required(`${path}.properties`, detail));
  }
  return errors;
}

function metadata(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  return (["kind", "apiVersion", "metadata"] as const).flatMap((name) => {
    const own = propertyOf(schema, name);
    const type = name === "metadata" ? "object" : "string";
    if (!own || own.type === type) return [];
    return [fieldError.invalid(`${keyPath(`${path}.properties`, name)}.type`, own.type ?? "", `must be ${type}`)];
  });
}

/** The metadata of a resource is given: only its name may be restricted. */
function rootMetadata(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  const own = propertyOf(schema, "metadata");
  if (!own) return [];
  const { type: _type, default: _default, properties = {}, ...rest } = own;
  const isNamesOnly = Object.keys(properties).every((name) => name === "name" || name === "generateName");
  const said = Object.values(rest).filter((value) => !isZero(value as Json));
  if (isNamesOnly && said.length === 0) return [];
  const detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
  return [fieldError.forbidden(keyPath(`${path}.properties`, "metadata"), detail)];
}

function isZero(value: Json): boolean {
  if (typeof value === "object") return value !== null && Object.keys(value).length === 0;
  return value === false || value === "";
}

function extensions(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  if (!schema["x-kubernetes-int-or-string"]) return [];
  return (["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const).flatMap((name) =>
    schema[name]
      ? [fieldError.invalid(childPath(path, name), true, "must be false if x-kubernetes-int-or-string is true")]
      : [],
  );
}

const intOrString: readonly Json[] = [{ type: "integer" }, { type: "string" }];

function isIntOrString(anyOf: readonly JsonSchemaProps[] | undefined): boolean {
  return anyOf?.length === 2 && jsonEqual(asJson(anyOf), intOrString as Json);
}

/** Whether alternatives spell out int-or-string, which is the one way in which they may name types. */
interface Exceptions {
  readonly anyOf: boolean;
  readonly firstAllOf: boolean;
}

const noExceptions: Exceptions = { anyOf: false, firstAllOf: false };

function alternativesOf({ anyOf, allOf }: JsonSchemaProps): Exceptions {
  return { anyOf: isIntOrString(anyOf), firstAllOf: isIntOrString(allOf?.[0]?.anyOf) };
}

function values(schema: JsonSchemaProps, except: Exceptions, path: string): readonly FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const errors: FieldError[] = [];
  if (!except.anyOf)
    for (const [at, one] of anyOf.entries()) errors.push(...nested(one, noExceptions, `${path}.anyOf[${at}]`));
  for (const [at, one] of allOf.entries()) {
    const own = { ...noExceptions, anyOf: except.firstAllOf && at === 0 };
    errors.push(...nested(one, own, `${path}.allOf[${at}]`));
  }
  for (const [at, one] of oneOf.entries()) errors.push(...nested(one, noExceptions, `${path}.oneOf[${at}]`));
  if (not) errors.push(...nested(not, noExceptions, `${path}.not`));
  const reason = pattern ? patternError(pattern) : undefined;
  if (reason !== undefined) {
    const detail = `must be a valid regular expression, but isn't: ${reason}`;
    errors.push(fieldError.invalid(`${path}.pattern`, pattern, detail));
  }
  return errors;
}

/** What may not stand inside of alternatives, and why. */
const forbiddenInside: readonly (readonly [keyof JsonSchemaProps, string])[] = [
  ["type", "must be empty to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
  ["x-kubernetes-map-type", "must be undefined to be structural"],
  ["x-kubernetes-validations", "must be empty to be structural"],
];

function nested(schema: JsonSchemaProps, except: Exceptions, path: string): readonly FieldError[] {
  const errors: FieldError[] = [...values(schema, except, path)];
  const items = itemsOf(schema);
  if (items) errors.push(...nested(items, noExceptions, `${path}.items`));
  for (const [name, own] of Object.entries(schema.properties ?? {}))
    errors.push(...nested(own, noExceptions, keyPath(`${path}.properties`, name)));
  for (const [member, detail] of forbiddenInside) {
    const value = schema[member] as Json | undefined;
    const isSaid = member === "additionalProperties" ? Boolean(value) : value !== undefined && !isZero(value);
    if (isSaid) errors.push(fieldError.forbidden(`${path}.${member}`, detail));
  }
  if (propertyOf(schema, "metadata")) {
    const detail = "must not be specified in a nested context";
    errors.push(fieldError.forbidden(keyPath(`${path}.properties`, "metadata"), detail));
  }
  return errors;
}

/** Whatever alternatives name must be named outside of them as well. */
function completeness(
  schema: JsonSchemaProps,
  outside: JsonSchemaProps,
  outsidePath: string,
  path: string,
): readonly FieldError[] {
  const { not, allOf = [], anyOf = [], oneOf = [] } = schema;
  const inside = (one: JsonSchemaProps, at: string) => nestedCompleteness(one, outside, outsidePath, `${path}.${at}`);
  return [
    ...(not ? inside(not, "not") : []),
    ...allOf.flatMap((one, at) => inside(one, `allOf[${at}]`)),
    ...anyOf.flatMap((one, at) => inside(one, `anyOf[${at}]`)),
    ...oneOf.flatMap((one, at) => inside(one, `oneOf[${at}]`)),
  ];
}

function nestedCompleteness(
  schema: JsonSchemaProps,
  outside: JsonSchemaProps | undefined,
  outsidePath: string,
  path: string,
): readonly FieldError[] {
  if (!outside) return [fieldError.required(outsidePath, `because it is defined in ${path}`)];
  const errors = [...completeness(schema, outside, outsidePath, path)];
  const items = itemsOf(schema);
  if (items) errors.push(...nestedCompleteness(items, itemsOf(outside), `${outsidePath}.items`, `${path}.items`));
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    const [there, here] = [outsidePath, path].map((at) => keyPath(`${at}.properties`, name));
    errors.push(...nestedCompleteness(own, propertyOf(outside, name), there ?? "", here ?? ""));
  }
  return errors;
}
