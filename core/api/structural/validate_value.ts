import { getOwn, isJsonObject, jsonEqual } from "../json_object.ts";
import { jsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type FieldError, fieldError } from "../status.ts";
import { correlatedItem, correlatedMember, type Old } from "./correlation.ts";
import { hasFormat, isKnownFormat } from "./formats.ts";
import { isSchemaList, type JsonSchemaProps, propertyOf } from "./json_schema_props.ts";
import { compilePattern } from "./pattern.ts";
import { checkNumber } from "./validate_number.ts";
import { Result } from "./validation_result.ts";

/** Options of {@linkcode validateValue}. */
export interface ValidateOptions {
  /** Path that errors begin with; `""` for a whole object. */
  readonly path?: string;
  /** What the value was: what has not changed is not held against an update. */
  readonly old?: Old | undefined;
}

/**
 * What is wrong with a value, by the schema of a CustomResourceDefinition, with Kubernetes' wording. Never throws,
 * whatever the value; linear in its size for every schema without alternatives.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
 */
export function validateValue(
  value: Json,
  schema: JsonSchemaProps,
  { path = "", old }: ValidateOptions = {},
): readonly FieldError[] {
  const { problems } = check(value, schema, "", old);
  return problems.map(({ at, error }) => {
    if (at === undefined) return { ...error, field: path || "<nil>" };
    const name = at.replace(/^\./, "");
    return { ...error, field: name === "" ? path || "<nil>" : path ? `${path}.${name}` : name };
  });
}

/** One value by one schema; what did not change since `old` is right. */
function check(value: Json, schema: JsonSchemaProps, path: string, old: Old | undefined): Result {
  const result = checkAnew(value, schema, path, old);
  if (result.valid || !old || !jsonEqual(value, old.value)) return result;
  return new Result();
}

function checkAnew(value: Json, schema: JsonSchemaProps, path: string, old: Old | undefined): Result {
  const result = new Result();
  const types = typesOf(schema);
  const format = schema.format && isKnownFormat(schema.format, schema.type) ? schema.format : undefined;
  if (types.length > 0 || format !== undefined) result.merge(checkType(value, schema, { types, format, path }));
  if (value !== null) {
    result.merge(checkAlternatives(value, schema, path, old));
    if (typeof value === "string") {
      result.merge(checkText(value, schema, path));
      if (format !== undefined && !hasFormat(format, value)) result.addTypeError(path, format, value);
    }
    if (typeof value === "number" || typeof value === "bigint") result.merge(checkNumber(value, schema, path));
    if (Array.isArray(value)) result.merge(checkItems(value, schema, path, old));
  }
  if (schema.enum?.length && !schema.enum.some((allowed) => allowed !== null && jsonEqual(allowed, value)))
    result.add(path, fieldError.notSupported("", value, schema.enum.map(enumText)));
  if (isJsonObject(value)) result.merge(checkMembers(value, schema, path, old));
  result.count();
  return result;
}

function typesOf(schema: JsonSchemaProps): readonly string[] {
  if (schema["x-kubernetes-int-or-string"]) return ["integer", "string"];
  return schema.type ? [schema.type] : [];
}

function enumText(value: Json): string {
  return typeof value === "string" ? value : jsonText(value);
}

function checkType(
  value: Json,
  { nullable }: JsonSchemaProps,
  expected: { readonly types: readonly string[]; readonly format: string | undefined; readonly path: string },
): Result {
  const { types, format, path } = expected;
  const result = new Result();
  const wanted = types.join(",");
  if (value === null) {
    if (types.length > 0 && !nullable) result.addTypeError(path, wanted, "null");
    else result.count();
    return result;
  }
  const actual = jsonType(value);
  const isNumeric = types.includes("integer") || types.includes("number");
  const isInText = actual === "string" || actual === "array";
  // What a format says about a text is checked by the format.
  if (format !== undefined && isInText && !isNumeric) result.count();
  else if (types.includes(actual) || (actual === "integer" && types.includes("number"))) result.count();
  else if (format !== undefined && !isInText) result.addTypeError(path, format, actual === "integer" ? "int64" : "");
  else result.addTypeError(path, wanted, actual);
  return result;
}

function jsonType(value: Json): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "bigint" ? "integer" : typeof value;
}

function checkText(value: string, { maxLength, minLength, pattern }: JsonSchemaProps, path: string): Result {
  const result = new Result();
  const where = `${path} in body`;
  if (maxLength !== undefined && codePoints(value) > maxLength) result.add(path, fieldError.tooLong("", maxLength));
  else if (minLength !== undefined && codePoints(value) < minLength)
    result.add(path, fieldError.invalid("", value, `${where} should be at least ${minLength} chars long`));
  else if (pattern) {
    const problem = patternProblem(pattern, value);
    if (problem !== undefined) result.add(path, fieldError.invalid("", value, `${where} should match '${problem}'`));
  }
  return result;
}

function patternProblem(pattern: string, value: string): string | undefined {
  try {
    const outcome = compilePattern(pattern).test(value);
    if (outcome === "matches") return undefined;
    return outcome === "differs" ? pattern : `${pattern}, but it is too long to be matched`;
  } catch (error) {
    if (error instanceof SyntaxError) return `${pattern}, but pattern is invalid: ${error.message}`;
    throw error;
  }
}

/** Length in code points, without a list of them. */
function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function checkItems(items: readonly Json[], schema: JsonSchemaProps, path: string, old: Old | undefined): Result {
  const result = new Result();
  const { items: own, minItems, maxItems } = schema;
  if (own && !isSchemaList(own))
    for (const [index, item] of items.entries())
      result.merge(check(item, own, `${path}[${index}]`, old && correlatedItem(old, schema, item)));
  if (minItems !== undefined && items.length < minItems) {
    const detail = `${path} in body should have at least ${minItems} items`;
    result.add(path, fieldError.invalid("", items.length, detail));
  }
  if (maxItems !== undefined && items.length > maxItems)
    result.add(path, fieldError.tooMany("", items.length, maxItems));
  result.count();
  return result;
}

function checkMembers(object: JsonObject, schema: JsonSchemaProps, path: string, old: Old | undefined): Result {
  const result = new Result();
  const { minProperties, maxProperties, additionalProperties, required = [] } = schema;
  const names = Object.keys(object);
  if (minProperties !== undefined && names.length < minProperties) {
    const detail = `${path} in body should have at least ${minProperties} properties`;
    result.add(path, fieldError.invalid("", names.length, detail));
  }
  if (maxProperties !== undefined && names.length > maxProperties)
    result.add(path, fieldError.tooMany("", names.length, maxProperties));
  for (const name of names) {
    const own = propertyOf(schema, name);
    const value = object[name] ?? null;
    // The schema does not ratchet what every object has.
    const before = old && !(path === "" && (name === "kind" || name === "apiVersion")) ? old : undefined;
    const member = before && correlatedMember(before, schema, name);
    if (own) result.merge(check(value, own, path === "" ? name : `${path}.${name}`, member));
    else if (additionalProperties === false)
      result.add(path, fieldError.invalid("", name, `${path}.${name} in body is a forbidden property`));
    else if (typeof additionalProperties === "object")
      result.merge(check(value, additionalProperties, `${path}.${name}`, member));
  }
  for (const name of required)
    if (getOwn(object, name) === undefined) result.add(`${path}.${name}`, fieldError.required(""));
  return result;
}

function checkAlternatives(value: Json, schema: JsonSchemaProps, path: string, old: Old | undefined): Result {
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  const result = new Result();
  if (anyOf.length > 0) result.merge(checkAnyOf(value, anyOf, path, old));
  if (oneOf.length > 0) result.merge(checkOneOf(value, oneOf, path, old));
  if (allOf.length > 0) {
    const results = allOf.map((one) => checkAnew(value, one, path, old));
    for (const one of results) result.merge(one);
    const right = results.filter(({ valid }) => valid).length;
    if (right < results.length) {
      const none = right === 0 ? ". None validated" : "";
      result.addGeneral(`${JSON.stringify(path)} must validate all the schemas (allOf)${none}`);
    }
  }
  if (not && checkAnew(value, not, path, old).valid)
    result.addGeneral(`${JSON.stringify(path)} must not validate the schema (not)`);
  result.count();
  return result;
}

function checkAnyOf(value: Json, schemas: readonly JsonSchemaProps[], path: string, old: Old | undefined): Result {
  const result = new Result();
  let best: Result | undefined;
  for (const schema of schemas) {
    const one = checkAnew(value, schema, path, old);
    if (one.valid) return result.merge(one);
    // Told is what comes nearest.
    if (!best || one.matches > best.matches) best = one;
  }
  result.addGeneral(`${JSON.stringify(path)} must validate at least one schema (anyOf)`);
  return best ? result.merge(best) : result;
}

function checkOneOf(value: Json, schemas: readonly JsonSchemaProps[], path: string, old: Old | undefined): Result {
  const result = new Result();
  const results = schemas.map((schema) => checkAnew(value, schema, path, old));
  const right = results.filter(({ valid }) => valid);
  const [first] = right;
  if (first && right.length === 1) return result.merge(first);
  const found = right.length === 0 ? "Found none valid" : `Found ${right.length} valid alternatives`;
  result.addGeneral(`${JSON.stringify(path)} must validate one and only one schema (oneOf). ${found}`);
  if (right.length > 0) return result;
  const best = results.reduce((most, one) => (one.matches > most.matches ? one : most));
  return result.merge(best);
}
