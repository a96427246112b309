import { type FieldError, fieldError } from "../api/status.ts";
import {
  additionalOf,
  type JsonSchemaProps,
  propertyOf,
  type ValidationRule,
} from "../api/structural/json_schema_props.ts";

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/** What is wrong with the texts of a schema's rules, beside what their expressions say. */
export function checkRuleTexts(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  return (schema["x-kubernetes-validations"] ?? []).flatMap((rule, index) => [
    ...checkRule(rule, `${path}.x-kubernetes-validations[${index}]`),
    ...checkFieldPath(rule, schema, `${path}.x-kubernetes-validations[${index}].fieldPath`),
  ]);
}

function checkRule(
  { rule, message = "", messageExpression = "", reason }: ValidationRule,
  path: string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (rule.trim() === "") errors.push(fieldError.required(`${path}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "")
    errors.push(fieldError.invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (hasLineBreaks(message.trim()))
    errors.push(fieldError.invalid(`${path}.message`, message, "must not contain line breaks"));
  else if (hasLineBreaks(rule.trim()) && message === "")
    errors.push(fieldError.required(`${path}.message`, "message must be specified if rule contains line breaks"));
  if (messageExpression !== "" && messageExpression.trim() === "") {
    const detail = "messageExpression must be non-empty if specified";
    errors.push(fieldError.required(`${path}.messageExpression`, detail));
  }
  if (reason !== undefined && !reasons.includes(reason))
    errors.push(fieldError.notSupported(`${path}.reason`, reason, reasons));
  return errors;
}

function checkFieldPath(
  { fieldPath = "" }: ValidationRule,
  schema: JsonSchemaProps,
  path: string,
): readonly FieldError[] {
  if (fieldPath === "") return [];
  const errors: FieldError[] = [];
  const invalid = (detail: string) => errors.push(fieldError.invalid(path, fieldPath, detail));
  if (fieldPath.trim() === "") invalid("must be non-empty if specified");
  if (hasLineBreaks(fieldPath)) invalid("must not contain line breaks");
  if ("error" in findField(fieldPath, schema, { arrays: true })) invalid("must be a valid path");
  return errors;
}

function hasLineBreaks(text: string): boolean {
  return /[\n\r]/.test(text);
}

/** Where a path of a field leads: to a schema, or why to none. */
export type FoundField =
  | { readonly schema: JsonSchemaProps; readonly steps: readonly string[] }
  | { readonly error: string };

/**
 * Follows a path such as `.spec.replicas` or `.spec.map['key']` through a schema.
 *
 * @param options.arrays whether keys in brackets may stand in it
 * @see k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel, ValidFieldPath
 */
export function findField(text: string, root: JsonSchemaProps, { arrays }: { readonly arrays: boolean }): FoundField {
  const tokens = text.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]]+/g) ?? [];
  const steps: string[] = [];
  let schema = root;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    let name: string;
    if (token === "[") {
      if (!arrays) return { error: "array notation is not allowed" };
      const quoted = tokens[++at];
      if (quoted === undefined) return { error: "unexpected end of JSON path" };
      if (!/^'.*'$/s.test(quoted) || quoted.length < 2)
        return { error: `expected single quoted string but got ${quoted}` };
      name = quoted.slice(1, -1).replace(/\\(.)/gs, "$1");
      if (tokens[++at] !== "]") return { error: `expected ] but got ${tokens[at] ?? ""}` };
    } else if (token === ".") {
      name = tokens[++at] ?? "";
      if (name === "") return { error: "unexpected end of JSON path" };
    } else return { error: `expected [ or . but got: ${token}` };
    const next = schema.properties ? propertyOf(schema, name) : additionalOf(schema);
    if (!next) return { error: "does not refer to a valid field" };
    steps.push(name);
    schema = next;
  }
  return { schema, steps };
}
