/** Parts that classes, claims and slices of devices share. @see k8s.io/kubernetes/pkg/apis/resource/validation */
import { labelValueErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkDriver, checkLabelName } from "./device_names_validation.ts";
import { checkAll, checkOneOf, checkRequiredOneOf, checkUnique, type FieldErrors } from "./validators.ts";

/** A CEL expression that is true of the wanted devices. */
export interface DeviceSelector {
  readonly cel?: { readonly expression?: string };
}

/** What a driver is told about devices. */
export interface DeviceConfiguration {
  readonly opaque?: { readonly driver?: string; readonly parameters?: unknown };
}

/** Keeps claims off a device. */
export interface DeviceTaint {
  readonly key?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** Lets a claim have devices with a taint. */
export interface DeviceToleration extends DeviceTaint {
  readonly operator?: string;
}

/** Conditions that a binding to a device waits for, and those by which it has failed. */
export interface DeviceBindingConditions {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

/** Most configurations of a claim or class. */
export const maxConfigs = 32;
const maxSelectors = 32;
const maxExpression = 10 * 1024;
const maxParameters = 10 * 1024;
const maxBindingConditions = 4;
const effects = ["NoExecute", "NoSchedule", "None"];

/** An error instead of looking at more items than there may be. */
export function checkItems<T>(
  items: readonly T[],
  max: number,
  field: string,
  checkItem: (item: T, field: string) => FieldErrors,
): FieldErrors {
  if (items.length > max) return [fieldError.tooMany(field, items.length, max)];
  return items.flatMap((item, index) => checkItem(item, `${field}[${index}]`));
}

/** Like {@linkcode checkItems}; `keyOf` may not give the same twice. `member` is what it is called, when it is one. */
export function checkSet<T>(
  items: readonly T[],
  max: number,
  field: string,
  checkItem: (item: T, field: string) => FieldErrors,
  { keyOf, member = "" }: { readonly keyOf: (item: T) => string | undefined; readonly member?: string },
): FieldErrors {
  const errors = checkItems(items, max, field, checkItem);
  if (items.length > max) return errors;
  return [...errors, ...checkUnique(items.map(keyOf), (index) => `${field}[${index}]${member && `.${member}`}`)];
}

/** What is wrong with selectors, but for whether their expressions compile: that admission sees to. */
export function checkSelectors(selectors: readonly DeviceSelector[], field: string): FieldErrors {
  return checkItems(selectors, maxSelectors, field, ({ cel }, at) => {
    if (!cel) return [fieldError.required(`${at}.cel`)];
    const { expression = "" } = cel;
    if (!expression) return [fieldError.required(`${at}.cel.expression`)];
    return expression.length > maxExpression ? [fieldError.tooLong(`${at}.cel.expression`, maxExpression)] : [];
  });
}

/** What is wrong with what a driver is told. @param stored whether it was so before, when limits may have been others */
export function checkConfiguration(
  { opaque }: DeviceConfiguration,
  field: string,
  stored: boolean = false,
): FieldErrors {
  if (!opaque) return [fieldError.required(`${field}.opaque`)];
  return [
    ...checkDriver(opaque.driver, `${field}.opaque.driver`),
    ...checkRawObject(
      opaque.parameters,
      `${field}.opaque.parameters`,
      stored ? Number.POSITIVE_INFINITY : maxParameters,
    ),
  ];
}

/** What is wrong with JSON of somebody else's. */
export function checkRawObject(value: unknown, field: string, max: number): FieldErrors {
  if (value === undefined || value === null) return [fieldError.required(field)];
  if (Number.isFinite(max) && new TextEncoder().encode(JSON.stringify(value)).length > max)
    return [fieldError.tooLong(field, max)];
  return typeof value === "object" && !Array.isArray(value)
    ? []
    : [fieldError.invalid(field, "<value omitted>", "must be a valid JSON object")];
}

/** What is wrong with a taint of a device. */
export function checkDeviceTaint({ key = "", value, effect }: DeviceTaint, field: string): FieldErrors {
  return [
    ...checkLabelName(key, `${field}.key`),
    ...(value ? checkAll(`${field}.value`, value, labelValueErrors(value)) : []),
    ...checkRequiredOneOf(`${field}.effect`, effect, effects),
  ];
}

/** What is wrong with a toleration of a request or of what it got. */
export function checkDeviceToleration(toleration: DeviceToleration, field: string): FieldErrors {
  const { key, operator, value = "", effect } = toleration;
  const errors: FieldError[] = key ? [...checkLabelName(key, `${field}.key`)] : [];
  if (operator === "Equal") errors.push(...checkAll(`${field}.value`, value, labelValueErrors(value)));
  else if (operator !== "Exists")
    errors.push(...checkRequiredOneOf(`${field}.operator`, operator, ["Equal", "Exists"]));
  else if (value) errors.push(fieldError.invalid(`${field}.value`, value, "must be empty for operator `Exists`"));
  return [...errors, ...checkOneOf(`${field}.effect`, effect || undefined, effects)];
}

/** What is wrong with the conditions of a binding: there are those of both sorts, or none. */
export function checkBindingConditions(conditions: DeviceBindingConditions, field: string): FieldErrors {
  const { bindingConditions: wanted = [], bindingFailureConditions: failing = [] } = conditions;
  const [wantedField, failingField] = [`${field}.bindingConditions`, `${field}.bindingFailureConditions`];
  const overlap = "bindingFailureConditions must not overlap with bindingConditions";
  const errors: FieldError[] = [
    ...checkItems(wanted, maxBindingConditions, wantedField, checkLabelName),
    ...checkItems(failing, maxBindingConditions, failingField, checkLabelName),
    ...checkUnique(wanted, (index) => `${wantedField}[${index}]`),
    ...checkUnique(failing, (index) => `${failingField}[${index}]`),
    ...failing.flatMap((type, index) =>
      wanted.includes(type) ? [fieldError.invalid(`${failingField}[${index}]`, type, overlap)] : [],
    ),
  ];
  if (wanted.length === 0 && failing.length > 0)
    errors.push(
      fieldError.invalid(wantedField, wanted, "bindingConditions are required to use bindingFailureConditions"),
    );
  if (failing.length === 0 && wanted.length > 0)
    errors.push(
      fieldError.invalid(failingField, failing, "bindingFailureConditions are required to use bindingConditions"),
    );
  return errors;
}

/** What is wrong with a map: its keys, under its own path, and its values, under theirs. */
export function checkMap<T>(
  map: Readonly<Record<string, T>>,
  max: number,
  field: string,
  checkKey: (key: string, field: string) => FieldErrors,
  checkValue: (value: T, field: string) => FieldErrors = () => [],
): FieldErrors {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > max) return [fieldError.tooMany(field, entries.length, max)];
  return entries.flatMap(([key, value]) => [...checkKey(key, field), ...checkValue(value, `${field}[${key}]`)]);
}
