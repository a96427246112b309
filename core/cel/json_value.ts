import { base64ToBytes } from "../util/base64.ts";
import { CelError } from "./errors.ts";
import { parseDuration, parseTimestamp } from "./time.ts";
import { type CelType, dyn, type ListOrder } from "./types.ts";
import { CelMap, type ListSemantics, listSemantics, type Value } from "./values.ts";

/**
 * The value of parsed JSON. Objects are read member by member when an expression asks for them.
 *
 * @throws CelError when it does not fit the type: `format: duration` that is none
 */
export function fromJson(json: unknown, type: CelType = dyn): Value {
  if (json === null || json === undefined) return null;
  switch (typeof json) {
    case "boolean":
      return json;
    case "string":
      return textOf(json, type);
    case "number":
      return type.kind === "double" || !Number.isInteger(json) ? json : integerOf(json);
    case "bigint":
      return type.kind === "double" ? Number(json) : json;
    case "object":
      return Array.isArray(json) ? listFrom(json, type) : new JsonMap(json, type);
    default:
      throw new CelError(`invalid data, expected a JSON value, got ${typeof json}`);
  }
}

/** The integer that a number prints as. */
function integerOf(value: number): bigint {
  return Number.isSafeInteger(value) || Math.abs(value) >= 2 ** 63 ? BigInt(value) : BigInt(String(value));
}

function textOf(text: string, type: CelType): Value {
  switch (type.kind) {
    case "bytes":
      return bytesOf(text);
    case "duration":
      return parseDuration(text);
    case "timestamp":
      return parseTimestamp(text.includes("T") ? text : `${text}T00:00:00Z`);
    default:
      return text;
  }
}

function bytesOf(text: string): Uint8Array {
  try {
    return base64ToBytes(text);
  } catch (cause) {
    throw new CelError("invalid base64", { cause });
  }
}

function listFrom(json: readonly unknown[], type: CelType): readonly Value[] {
  const list = json.map((element) => fromJson(element, type.kind === "list" ? type.element : dyn));
  if (type.kind === "list" && type.order) listSemantics.set(list, semanticsOf(type.order));
  return list;
}

function semanticsOf(order: ListOrder): ListSemantics {
  if (order.type === "set") return { keyOf: plainText, replaces: false };
  return {
    keyOf: (element) =>
      element instanceof CelMap
        ? JSON.stringify(order.keys.map((key) => plainText(element.get(key) ?? null)))
        : plainText(element),
    replaces: true,
  };
}

/** Elements of sets and keys of list maps are scalars; structures in atomic sets are compared by their members. */
function plainText(value: Value): string {
  if (typeof value === "bigint") return `${value}`;
  if (value instanceof CelMap)
    return JSON.stringify([...value.keys()].map((key) => [plainText(key), plainText(value.get(key) ?? null)]).sort());
  return Array.isArray(value) ? JSON.stringify(value.map(plainText)) : JSON.stringify(value);
}

/** A JSON object as a map, or as an object with the members of its schema. */
class JsonMap extends CelMap {
  override readonly typeName: string;
  readonly #json: object;
  readonly #type: CelType;
  readonly #read = new Map<string, Value>();
  #keys: readonly string[] | undefined;

  constructor(json: object, type: CelType) {
    super();
    this.#json = json;
    this.#type = type;
    this.typeName = type.kind === "object" ? type.name : "map";
  }

  get size(): number {
    return this.keys().length;
  }

  get(key: Value): Value | undefined {
    if (typeof key !== "string") return undefined;
    const read = this.#read.get(key);
    if (read !== undefined) return read;
    const member = this.#memberOf(key);
    if (member === undefined || !Object.hasOwn(this.#json, member.name)) return undefined;
    // Kubernetes leaves members that are null out of typed objects, unless the schema says otherwise.
    const json: unknown = Reflect.get(this.#json, member.name);
    if (json === undefined) return undefined;
    const value = fromJson(json, member.type);
    this.#read.set(key, value);
    return value;
  }

  keys(): readonly string[] {
    this.#keys ??= this.#names();
    return this.#keys;
  }

  #names(): readonly string[] {
    if (this.#type.kind !== "object") return Object.keys(this.#json);
    return [...this.#type.fields].flatMap(([escaped, { name }]) => (Object.hasOwn(this.#json, name) ? [escaped] : []));
  }

  #memberOf(key: string): { readonly name: string; readonly type: CelType } | undefined {
    if (this.#type.kind === "object") return this.#type.fields.get(key);
    return { name: key, type: this.#type.kind === "map" ? this.#type.value : dyn };
  }
}
