/** Numbers that may be written as a percentage: `maxUnavailable: 1`, `minAvailable: 50%`. */
import { type IntOrPercent, parsePercent } from "../api/intstr.ts";
import { fieldError } from "../api/status.ts";
import { checkNonNegative, type FieldErrors } from "./validators.ts";

const percentRule =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A number that is not negative, or a percentage; absent is fine. */
export function checkIntOrPercent(field: string, value: IntOrPercent | undefined): FieldErrors {
  if (typeof value !== "string") return checkNonNegative(field, value);
  return /^[0-9]+%$/.test(value) ? [] : [fieldError.invalid(field, value, percentRule)];
}

/** No percentage above 100. */
export function checkAtMostAll(field: string, value: IntOrPercent | undefined): FieldErrors {
  return typeof value === "string" && (parsePercent(value) ?? 0) > 100
    ? [fieldError.invalid(field, value, "must not be greater than 100%")]
    : [];
}

/** The number, or what stands before the `%`; 0 for other text. */
export function intOrPercentAmount(value: IntOrPercent | undefined): number {
  if (typeof value === "number") return value;
  return /^[0-9]{1,9}%?$/.test(value ?? "") ? Number.parseInt(value ?? "", 10) : 0;
}
