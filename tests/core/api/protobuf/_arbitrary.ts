import fc from "fast-check";
import type { Json, JsonObject } from "../../../../core/api/meta.ts";
import { type FieldFacts, messageFacts } from "../../../../core/api/protobuf/facts.ts";

const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
  fc.constant("__proto__"),
);
const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });
const utc = (at: number, fraction = "") => new Date(at * 1000).toISOString().replace(".000Z", `${fraction}Z`);
const int32 = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constantFrom(0, -(2 ** 31), 2 ** 31 - 1));

const simple: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  string: text,
  bool: fc.boolean(),
  int32,
  int64: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER)),
  bytes: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  Quantity: fc.constantFrom("0", "100m", "1Gi", "2.5"),
  IntOrString: fc.oneof(int32, text),
  Time: seconds.map((at) => utc(at)),
  MicroTime: fc.tuple(seconds, fc.nat(999_999)).map(([at, micros]) => utc(at, `.${String(micros).padStart(6, "0")}`)),
  Raw: fc.constantFrom<Json>({}, { "f:metadata": { "f:labels": { ".": {}, "k:{}": [1, null] } } }),
};

/** Objects of a message's type as clients have them: a few of its fields, none that is no pointer and zero. */
export function objects(type: string): fc.Arbitrary<JsonObject> {
  const fields = [...(messageFacts(type)?.values() ?? [])];
  // Go writes a Quantity that is no pointer always: it is never absent.
  const always = fields.filter(({ type: of, pointer, shape }) => of === "Quantity" && shape === "single" && !pointer);
  return fc
    .subarray(fields, { maxLength: Math.min(4, fields.length) })
    .chain((some) => fc.tuple(...[...new Set([...some, ...always])].map(members)))
    .map((all) => Object.assign({}, ...all) as JsonObject);
}

/** A field's part of its object. */
function members(field: FieldFacts): fc.Arbitrary<JsonObject> {
  if (field.shape === "embedded") return objects(field.type);
  return valuesOf(field).map((value) => ({ [field.name]: value }));
}

function valuesOf({ shape, type, pointer }: FieldFacts): fc.Arbitrary<Json> {
  const values = simple[type] ?? objects(type);
  if (shape === "list") return fc.array(values, { minLength: 1, maxLength: 2 });
  if (shape === "map")
    return fc
      .array(fc.tuple(text, values), { minLength: 1, maxLength: 2 })
      .map((entries) => Object.fromEntries(entries) as JsonObject);
  return pointer ? values : values.filter((value) => !/^(0|false|""|\{\})$/.test(JSON.stringify(value)));
}
