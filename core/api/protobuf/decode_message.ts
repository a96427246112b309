import { toBase64 } from "../../util/base64.ts";
import { checkDepth, getOwn, setOwn } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import { conversions } from "./conversions.ts";
import { type FieldFacts, messageFacts } from "./facts.ts";
import { ValueBudget } from "./value_budget.ts";
import { WireReader, wireType } from "./wire_reader.ts";

type Draft = { [name: string]: Json };

/** How a type that is no message is read, and what it is when it is left out. */
interface Scalar {
  readonly wire: number;
  readonly zero: Json;
  read(reader: WireReader): Json;
}

const scalars: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ["string", { wire: wireType.bytes, zero: "", read: (reader) => reader.string() }],
  ["bytes", { wire: wireType.bytes, zero: "", read: (reader) => toBase64(reader.bytes()) }],
  ["bool", { wire: wireType.varint, zero: false, read: (reader) => reader.bool() }],
  ["int32", { wire: wireType.varint, zero: 0, read: (reader) => reader.int32() }],
  ["int64", { wire: wireType.varint, zero: 0, read: (reader) => reader.int64() }],
  ["double", { wire: wireType.fixed64, zero: 0, read: (reader) => reader.double() }],
]);

/**
 * Reads a message into the members of an object, as Go's JSON would have them. Go puts every field that is no pointer
 * on the wire, so that zero ones say nothing: they are left out. Unknown fields are passed over.
 *
 * @param type name of the message in the facts, e.g. `core.v1.Pod`
 * @throws SyntaxError what is wrong with the encoding
 * @throws StatusError RequestEntityTooLarge for too many values; BadRequest for messages nested too deep, and for
 * embedded JSON that cannot be read
 */
export function decodeMessage(
  type: string,
  bytes: Uint8Array,
  into: Draft = {},
  { depth, budget }: Bounds = { depth: 0, budget: new ValueBudget() },
): JsonObject {
  checkDepth(depth);
  const facts = messageFacts(type);
  const reader = new WireReader(bytes);
  while (!reader.done) {
    budget.spend(1);
    const { field: number, wire } = reader.tag();
    const field = facts?.get(number);
    if (field) readField(field, { reader, wire, depth: depth + 1, budget }, into);
    else reader.skip(wire);
  }
  return into;
}

/** How deep a message is, and what it may still hold. */
interface Bounds {
  readonly depth: number;
  readonly budget: ValueBudget;
}

/** Where a value stands. */
interface Place extends Bounds {
  readonly reader: WireReader;
  readonly wire: number;
}

function readField(field: FieldFacts, place: Place, into: Draft): void {
  const { name, shape } = field;
  if (shape === "embedded") {
    expectWire(wireType.bytes, field, place);
    decodeMessage(field.type, place.reader.bytes(), into, place);
  } else if (shape === "list") {
    const items = (getOwn(into, name) ?? []) as Json[];
    readItems(field, place, items);
    into[name] = items;
  } else if (shape === "map") {
    const entries = (getOwn(into, name) ?? {}) as Draft;
    readEntry(field, place, entries);
    into[name] = entries;
  } else {
    const value = readValue(field, place);
    // Null stands for what JSON does not show. The last of several values counts.
    if (value === null || (!field.pointer && isZero(value))) delete into[name];
    else into[name] = value;
  }
}

function readItems(field: FieldFacts, place: Place, items: Json[]): void {
  const scalar = scalars.get(field.type);
  if (scalar?.wire !== wireType.varint || place.wire !== wireType.bytes) {
    items.push(readValue(field, place));
    return;
  }
  const packed = new WireReader(place.reader.bytes());
  while (!packed.done) {
    place.budget.spend(1);
    items.push(scalar.read(packed));
  }
}

function readEntry(field: FieldFacts, place: Place, entries: Draft): void {
  expectWire(wireType.bytes, field, place);
  const reader = new WireReader(place.reader.bytes());
  let key = "";
  let value: Json | undefined;
  while (!reader.done) {
    place.budget.spend(1);
    const { field: number, wire } = reader.tag();
    const inner: Place = { ...place, reader, wire, depth: place.depth + 1 };
    if (number === 1) {
      expectWire(wireType.bytes, field, inner);
      key = reader.string();
    } else if (number === 2) value = readValue(field, inner);
    else reader.skip(wire);
  }
  setOwn(entries, key, value ?? scalars.get(field.type)?.zero ?? toJson(field.type, new Uint8Array(), place));
}

function readValue(field: FieldFacts, place: Place): Json {
  const scalar = scalars.get(field.type);
  expectWire(scalar?.wire ?? wireType.bytes, field, place);
  return scalar ? scalar.read(place.reader) : toJson(field.type, place.reader.bytes(), place);
}

function toJson(type: string, bytes: Uint8Array, bounds: Bounds): Json {
  const fields = decodeMessage(type, bytes, {}, bounds);
  const convert = conversions.get(type);
  return convert ? convert(fields, bounds.budget) : fields;
}

function expectWire(wanted: number, { name, type }: FieldFacts, { wire }: Place): void {
  if (wire !== wanted) throw new SyntaxError(`proto: wrong wireType = ${wire} for field ${name || type}`);
}

function isZero(value: Json): boolean {
  if (typeof value === "object") return value !== null && Object.keys(value).length === 0;
  return value === "" || value === 0 || value === false;
}
