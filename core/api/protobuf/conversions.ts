import { parseJson } from "../json.ts";
import type { Json, JsonObject } from "../meta.ts";
import type { ValueBudget } from "./value_budget.ts";

/** Turns the fields of a message into what stands for it in JSON; null: nothing does. */
export type Conversion = (fields: JsonObject, budget: ValueBudget) => Json;

/** The messages that are no objects in JSON, by name. Conversions throw SyntaxError or StatusError for what is out of range. */
export const conversions: ReadonlyMap<string, Conversion> = new Map<string, Conversion>([
  ["Quantity", ({ text }) => text ?? "0"],
  ["IntOrString", intOrString],
  ["Time", (fields) => moment(fields, () => "")],
  ["MicroTime", (fields) => moment(fields, (nanos) => `.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}`)],
  ["Raw", embeddedJson],
  ["ExtraValue", ({ items }) => items ?? []],
  ["apiextensions.v1.JSONSchemaPropsOrArray", ({ schema, jSONSchemas }) => schema ?? jSONSchemas ?? null],
  ["apiextensions.v1.JSONSchemaPropsOrBool", ({ schema, allows }) => schema ?? allows ?? false],
  ["apiextensions.v1.JSONSchemaPropsOrStringArray", ({ schema, property }) => schema ?? property ?? null],
]);

function intOrString({ type = 0, intVal = 0, strVal = "" }: JsonObject): Json {
  if (type === 0) return intVal;
  if (type === 1) return strVal;
  throw new SyntaxError("impossible IntOrString.Type");
}

function embeddedJson({ raw }: JsonObject, budget: ValueBudget): Json {
  if (typeof raw !== "string") return null;
  // Not fewer than there are: those in strings are counted too.
  budget.spend(raw.split(/[,[{]/).length);
  return parseJson(raw);
}

// Year 1 to year 9999: what RFC 3339 can say.
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;

/** An empty message is Go's zero time, which JSON does not show; one with zeros is 1970. */
function moment({ seconds, nanos = 0 }: JsonObject, fraction: (nanos: number) => string): Json {
  if (seconds === undefined) return null;
  if (typeof seconds !== "number" || seconds < firstSecond || seconds > lastSecond)
    throw new SyntaxError("Time: year outside of range [1,9999]");
  if (typeof nanos !== "number" || nanos < 0 || nanos > 999_999_999)
    throw new SyntaxError("Time: nanos outside of range [0,999999999]");
  return new Date(seconds * 1000).toISOString().replace(".000Z", `${fraction(nanos)}Z`);
}
