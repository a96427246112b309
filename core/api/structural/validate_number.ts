import { fieldError } from "../status.ts";
import type { JsonSchemaProps } from "./json_schema_props.ts";
import { Result } from "./validation_result.ts";

const int32 = 2 ** 31;
const maxFloat32 = 3.4028234663852886e38;

/** What is wrong with a number: its range, its bounds and what it must be a multiple of. */
export function checkNumber(value: number | bigint, schema: JsonSchemaProps, path: string): Result {
  const result = new Result();
  const { type, format, multipleOf, maximum, minimum, exclusiveMaximum, exclusiveMinimum } = schema;
  const where = `${path} in body`;
  if (type === "integer" && !isInRange(value, format)) {
    const kind =
      format === "int32" || format === "int64" ? `integer with format ${format}` : "integer (default format)";
    result.addGeneral(`Checked value must be of type ${kind} in ${path}`);
  }
  if (type === "number" && format === "float" && Math.abs(Number(value)) > maxFloat32)
    result.addGeneral(`Checked value must be of type number with format float in ${path}`);
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    const detail = `${where} should be a multiple of ${goNumber(multipleOf)}`;
    result.add(path, fieldError.invalid("", value, detail));
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    const bound = `greater than ${exclusiveMinimum ? "" : "or equal to "}${goNumber(minimum)}`;
    result.add(path, fieldError.invalid("", value, `${where} should be ${bound}`));
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    const bound = `less than ${exclusiveMaximum ? "" : "or equal to "}${goNumber(maximum)}`;
    result.add(path, fieldError.invalid("", value, `${where} should be ${bound}`));
  }
  result.count();
  return result;
}

function isInRange(value: number | bigint, format: string | undefined): boolean {
  if (typeof value === "number" && !Number.isInteger(value)) return true;
  return format === "int32" ? value >= -int32 && value < int32 : value >= -(2 ** 63) && value < 2 ** 63;
}

function isMultiple(value: number | bigint, factor: number): boolean {
  if (factor <= 0) return false;
  if (typeof value === "bigint")
    return Number.isInteger(factor) ? value % BigInt(factor) === 0n : isMultiple(Number(value), factor);
  const times = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}

/** A number as Go prints it. */
function goNumber(value: number): string {
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}
