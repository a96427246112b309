import { dnsSubdomainError } from "./kind.ts";
import type { LabelSelector, LabelSelectorRequirement } from "./labels.ts";
import type { StringMap } from "./meta.ts";
import { type FieldError, fieldError } from "./status.ts";

const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const namePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const maxPartLength = 63;
const maxAnnotationBytes = 256 * 1024;

const nameRule = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${namePattern}')`;
const valueRule = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${namePattern})?')`;
const lengthRule = `must be no more than ${maxPartLength} bytes`;

/**
 * What is wrong with a qualified name (`name` or `dns.prefix/name`): the key of a label, annotation or taint. Empty when
 * it is valid.
 *
 * @see k8s.io/apimachinery/pkg/util/validation IsQualifiedName
 */
export function qualifiedNameErrors(text: string): readonly string[] {
  const parts = text.split("/", 3);
  const name = parts[parts.length - 1] ?? "";
  const errors: string[] = [];
  if (parts.length === 3)
    return [`a qualified name ${nameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    const reason = prefix ? dnsSubdomainError(prefix) : "must be non-empty";
    if (reason) errors.push(`prefix part ${reason}`);
  }
  if (!name) errors.push("name part must be non-empty");
  else if (name.length > maxPartLength) errors.push(`name part ${lengthRule}`);
  if (!namePart.test(name)) errors.push(`name part ${nameRule}`);
  return errors;
}

/** What is wrong with the value of a label. Empty when it is valid. */
export function labelValueErrors(text: string): readonly string[] {
  const errors: string[] = [];
  if (text.length > maxPartLength) errors.push(lengthRule);
  if (text && !namePart.test(text)) errors.push(valueRule);
  return errors;
}

/** Checks keys and values of a map of labels. */
export function validateLabels(labels: StringMap | undefined, field: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedNameErrors(key).map((reason) => fieldError.invalid(field, key, reason)),
    ...labelValueErrors(String(value)).map((reason) => fieldError.invalid(field, value, reason)),
  ]);
}

/** Checks keys and the total size (256 KiB) of a map of annotations. */
export function validateAnnotations(annotations: StringMap | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const reason of qualifiedNameErrors(key.toLowerCase())) errors.push(fieldError.invalid(field, key, reason));
    bytes += utf8Length(key) + utf8Length(String(value));
  }
  if (bytes > maxAnnotationBytes) errors.push(fieldError.tooLong(field, maxAnnotationBytes));
  return errors;
}

/** Checks a selector as it stands in an object. An absent one is left to the caller, who knows whether it is required. */
export function validateLabelSelector(selector: LabelSelector | undefined, field: string): FieldError[] {
  if (!selector) return [];
  return [
    ...validateLabels(selector.matchLabels, `${field}.matchLabels`),
    ...(selector.matchExpressions ?? []).flatMap((requirement, index) =>
      validateRequirement(requirement, `${field}.matchExpressions[${index}]`),
    ),
  ];
}

function validateRequirement(
  { key = "", operator, values = [] }: Partial<LabelSelectorRequirement>,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0)
      errors.push(fieldError.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0)
      errors.push(
        fieldError.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
  } else errors.push(fieldError.invalid(`${field}.operator`, operator ?? "", "not a valid selector operator"));
  for (const reason of qualifiedNameErrors(key)) errors.push(fieldError.invalid(`${field}.key`, key, reason));
  for (const [index, value] of values.entries())
    for (const reason of labelValueErrors(value))
      errors.push(fieldError.invalid(`${field}.values[${index}]`, value, reason));
  return errors;
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // A surrogate pair is two units and four bytes; other units above 0x7ff take three.
    if (code > 0x7ff && (code < 0xd800 || code > 0xdfff)) bytes += 2;
    else if (code > 0x7f) bytes += 1;
  }
  return bytes;
}
