import type { Json, JsonObject } from "../../../../core/api/meta.ts";
import { type FieldFacts, messageFacts } from "../../../../core/api/protobuf/facts.ts";

/** A number as protobuf has it: seven bits a byte, the lowest first. */
export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** A field whose value is a number. */
export function numberField(field: number, value: number | bigint): Uint8Array {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

/** A field whose value is text, bytes, or a message of the given parts. */
export function bytesField(field: number, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const value = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}

/** An object's message in what is around it. */
export function envelope(apiVersion: string, kind: string, ...raw: readonly Uint8Array[]): Uint8Array {
  const typeMeta = bytesField(1, bytesField(1, apiVersion), bytesField(2, kind));
  return Buffer.concat([Buffer.from("k8s\0"), typeMeta, bytesField(2, ...raw), bytesField(3, ""), bytesField(4, "")]);
}

/** The message of an object as Go's encoder writes it: what is no pointer stands there even when it is zero. */
export function encodeMessage(type: string, object: JsonObject): Uint8Array {
  const fields = [...(messageFacts(type) ?? [])];
  return Buffer.concat(fields.flatMap(([number, field]) => encodeField(number, field, object)));
}

function encodeField(number: number, field: FieldFacts, object: JsonObject): readonly Uint8Array[] {
  const value = object[field.name];
  if (field.shape === "embedded") return [bytesField(number, encodeMessage(field.type, object))];
  if (field.shape === "list") return ((value ?? []) as Json[]).map((item) => encodeValue(number, field.type, item));
  if (field.shape === "map")
    return Object.entries((value ?? {}) as JsonObject).map(([key, entry]) =>
      bytesField(number, bytesField(1, key), encodeValue(2, field.type, entry)),
    );
  return value === undefined && field.pointer ? [] : [encodeValue(number, field.type, value)];
}

function encodeValue(number: number, type: string, value: Json | undefined): Uint8Array {
  if (type === "string") return bytesField(number, String(value ?? ""));
  if (type === "bytes") return bytesField(number, Buffer.from(String(value ?? ""), "base64"));
  if (type === "bool" || type === "int32" || type === "int64") return numberField(number, Number(value ?? 0));
  return bytesField(number, (special[type] ?? ((object) => encodeMessage(type, (object ?? {}) as JsonObject)))(value));
}

const special: Readonly<Record<string, (value: Json | undefined) => Uint8Array>> = {
  Quantity: (value) => bytesField(1, String(value)),
  IntOrString: (value = 0) =>
    typeof value === "number"
      ? Buffer.concat([numberField(1, 0), numberField(2, value), bytesField(3, "")])
      : Buffer.concat([numberField(1, 1), numberField(2, 0), bytesField(3, String(value))]),
  Time: moment,
  MicroTime: moment,
  Raw: (value) => bytesField(1, JSON.stringify(value)),
};

function moment(value: Json | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array();
  const [whole = "", fraction = ""] = String(value).replace("Z", "").split(".");
  return Buffer.concat([
    numberField(1, Date.parse(`${whole}Z`) / 1000),
    numberField(2, Number(fraction.padEnd(9, "0"))),
  ]);
}
