/** How much of a device's capacity claims may take. @see k8s.io/kubernetes/pkg/apis/resource/validation */
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkSet } from "./device_parts_validation.ts";
import type { FieldErrors } from "./validators.ts";

/** An amount, as it is written. */
type Amount = string | number;

/** Which amounts are given out of a capacity that claims share. */
export interface CapacityRequestPolicy {
  readonly default?: Amount;
  readonly validValues?: readonly Amount[];
  readonly validRange?: { readonly min?: Amount; readonly max?: Amount; readonly step?: Amount };
}

/** A capacity of a device. */
export interface DeviceCapacity {
  readonly value: Amount;
  readonly requestPolicy?: CapacityRequestPolicy;
}

const maxValues = 10;

/** What is wrong with a capacity. @param shared whether several claims may have the device */
export function checkCapacity({ value, requestPolicy }: DeviceCapacity, field: string, shared: boolean): FieldErrors {
  if (!requestPolicy) return [];
  const at = `${field}.requestPolicy`;
  if (!shared) return [fieldError.forbidden(at, "allowMultipleAllocations must be true")];
  const { validValues = [], validRange } = requestPolicy;
  const both = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
  if (validValues.length > 0 && validRange) return [fieldError.forbidden(at, both)];
  const kind = validRange ? "validRange" : "validValues";
  if (!validRange && validValues.length === 0) return [];
  if (requestPolicy.default === undefined)
    return [fieldError.required(`${at}.default`, `required when ${kind} is defined`)];
  const [standard, capacity] = [parseQuantity(requestPolicy.default), parseQuantity(value)];
  return validRange
    ? checkValidRange(validRange, standard, capacity, `${at}.validRange`)
    : checkValidValues(validValues.map(parseQuantity), standard, capacity, `${at}.validValues`);
}

function checkValidValues(
  values: readonly Quantity[],
  standard: Quantity,
  capacity: Quantity,
  field: string,
): FieldErrors {
  const unsorted = values.flatMap((value, index) => {
    const before = values[index - 1];
    return before && isMore(before, value)
      ? [fieldError.invalid(`${field}[${index}]`, formatQuantity(value), "values must be sorted in ascending order")]
      : [];
  });
  const detail = `option is larger than capacity value: ${formatQuantity(capacity)}`;
  const checkValue = (value: Quantity, at: string) =>
    isMore(value, capacity) ? [fieldError.invalid(at, formatQuantity(value), detail)] : [];
  const errors = [...unsorted, ...checkSet(values, maxValues, field, checkValue, { keyOf: ({ nano }) => `${nano}` })];
  // Of too many none is looked at.
  const hasDefault = values.length <= maxValues && values.some((value) => compareQuantities(value, standard) === 0);
  if (hasDefault) return errors;
  const missing = "default value is not valid according to the requestPolicy";
  return [...errors, fieldError.invalid(field, formatQuantity(standard), missing)];
}

function checkValidRange(
  range: NonNullable<CapacityRequestPolicy["validRange"]>,
  standard: Quantity,
  capacity: Quantity,
  field: string,
): FieldErrors {
  if (range.min === undefined) return [fieldError.required(`${field}.min`, "required when validRange is defined")];
  const min = parseQuantity(range.min);
  const max = range.max === undefined ? undefined : parseQuantity(range.max);
  const errors: FieldError[] = [];
  const refuse = (member: string, value: Quantity, detail: string) =>
    errors.push(fieldError.invalid(`${field}.${member}`, formatQuantity(value), detail));
  const limit = formatQuantity(capacity);
  if (isMore(min, capacity)) refuse("min", min, `min is larger than capacity value: ${limit}`);
  if (isMore(min, standard)) refuse("default", standard, `default is less than min: ${formatQuantity(min)}`);
  if (max && isMore(min, max)) refuse("max", min, `min is larger than max: ${formatQuantity(max)}`);
  if (max && isMore(max, capacity)) refuse("max", max, `max is larger than capacity value: ${limit}`);
  if (max && isMore(standard, max)) refuse("default", standard, `default is more than max: ${formatQuantity(max)}`);
  if (range.step === undefined) return errors;
  const step = parseQuantity(range.step);
  if (step.nano <= 0n) {
    refuse("step", step, "must be greater than zero");
    return errors;
  }
  const added = addQuantities(min, step);
  if (isMore(added, capacity))
    refuse("step", step, `one step ${formatQuantity(added)} is larger than capacity value: ${limit}`);
  for (const value of max ? [standard, max] : [standard]) {
    const [stepText, minText] = [formatQuantity(step), formatQuantity(min)];
    if ((value.nano - min.nano) % step.nano !== 0n)
      refuse("step", value, `value is not a multiple of a given step (${stepText}) from (${minText})`);
  }
  return errors;
}

function isMore(a: Quantity, b: Quantity): boolean {
  return compareQuantities(a, b) > 0;
}
