import { goComparisons } from "./go_comparisons.ts";
import { goSprintf } from "./go_printf.ts";
import { type GoValue, goKind, goNumber, goText, goTypeName } from "./go_value.ts";
import { getOwn, isJsonObject } from "./json_object.ts";
import type { Json } from "./meta.ts";

/** A function that templates may call. */
export interface GoFunction {
  readonly minimum: number;
  readonly maximum: number;
  call(values: readonly GoValue[]): GoValue;
}

function define(minimum: number, maximum: number, call: (values: readonly GoValue[]) => GoValue): GoFunction {
  return { minimum, maximum, call };
}

const many = Number.POSITIVE_INFINITY;

/** What is built into Go's templates, and what kubectl adds (`exists`, `base64decode`). `and` and `or` are the evaluator's. */
export const goFunctions: Readonly<Record<string, GoFunction>> = Object.assign(Object.create(null), {
  and: define(1, many, () => undefined),
  or: define(1, many, () => undefined),
  base64decode: define(1, 1, ([text]) => base64decode(stringOf(text))),
  call: define(1, many, ([value]) => {
    throw new TypeError(`non-function of type ${goTypeName(value)}`);
  }),
  eq: define(1, many, ([first, ...others]) => {
    if (others.length === 0) throw new TypeError("missing argument for comparison");
    return others.some((other) => goComparisons["=="](first, other));
  }),
  exists: define(1, many, ([value, ...keys]) => exists(value, keys)),
  ge: define(2, 2, ([a, b]) => goComparisons[">="](a, b)),
  gt: define(2, 2, ([a, b]) => goComparisons[">"](a, b)),
  html: define(0, many, (values) => joined(values).replace(/[<>&"'\0]/g, (char) => htmlEscapes[char] ?? char)),
  index: define(1, many, ([value, ...keys]) => keys.reduce(item, value)),
  js: define(0, many, (values) => scriptText(joined(values))),
  le: define(2, 2, ([a, b]) => goComparisons["<="](a, b)),
  len: define(1, 1, ([value]) => length(value)),
  lt: define(2, 2, ([a, b]) => goComparisons["<"](a, b)),
  ne: define(2, 2, ([a, b]) => goComparisons["!="](a, b)),
  not: define(1, 1, ([value]) => !isTrue(value)),
  print: define(0, many, (values) => joined(values)),
  printf: define(1, many, ([format, ...values]) => goSprintf(stringOf(format), values)),
  println: define(0, many, (values) => `${values.map(goText).join(" ")}\n`),
  slice: define(1, 4, ([value, ...bounds]) => slice(value, bounds)),
  urlquery: define(0, many, (values) =>
    encodeURIComponent(joined(values))
      .replace(/%20/g, "+")
      .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
  ),
} satisfies Record<string, GoFunction>);

/** Whether `if` takes the value for true: not absent, empty, zero or false. */
export function isTrue(value: GoValue): boolean {
  switch (goKind(value)) {
    case "invalid":
    case "nil":
      return false;
    case "int":
    case "float":
      return Number(goNumber(value)) !== 0;
    case "slice":
      return (value as readonly Json[]).length > 0;
    case "map":
      return Object.keys(value as object).length > 0;
    default:
      return Boolean(value);
  }
}

function stringOf(value: GoValue): string {
  if (typeof value === "string") return value;
  throw new TypeError(
    value === undefined
      ? "invalid value; expected string"
      : `wrong type for value; expected string; got ${goTypeName(value)}`,
  );
}

/** Values in a row, with spaces between two that are no texts, as `fmt.Sprint` writes them. */
function joined(values: readonly GoValue[]): string {
  return values
    .map((value, index) => {
      const previous = values[index - 1];
      const space = index > 0 && typeof value !== "string" && typeof previous !== "string";
      return `${space ? " " : ""}${value === undefined ? "<nil>" : goText(value)}`;
    })
    .join("");
}

function base64decode(text: string): string {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    const bad = text.search(/[^A-Za-z0-9+/]/);
    throw new SyntaxError(
      `base64 decode failed: illegal base64 data at input byte ${bad < 0 ? text.length & ~3 : bad}`,
    );
  }
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

const htmlEscapes: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&#34;",
  "'": "&#39;",
  "\0": "\uFFFD",
};

function scriptText(text: string): string {
  return text.replace(/[\\'"<>&=]|\p{Cc}/gu, (char) => {
    if (char === "\\" || char === "'" || char === '"') return `\\${char}`;
    return `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

function length(value: GoValue): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (goKind(value) === "slice") return (value as readonly Json[]).length;
  if (goKind(value) === "map") return Object.keys(value as object).length;
  if (value === undefined || value === null) throw new TypeError("reflect: call of reflect.Value.Type on zero Value");
  throw new TypeError(`len of type ${goTypeName(value)}`);
}

function position(key: GoValue, size: number): number {
  if (goKind(key) !== "int") {
    throw new TypeError(
      key === undefined || key === null
        ? "cannot index slice/array with nil"
        : `cannot index slice/array with type ${goTypeName(key)}`,
    );
  }
  const at = Number(goNumber(key));
  if (at < 0 || at >= size) throw new RangeError(`index out of range: ${at}`);
  return at;
}

function item(value: GoValue, key: GoValue): GoValue {
  if (value === undefined) throw new TypeError("index of untyped nil");
  if (value === null) throw new TypeError("index of nil pointer");
  if (goKind(value) === "slice") {
    const items = value as readonly Json[];
    return items[position(key, items.length)];
  }
  if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    return bytes[position(key, bytes.length)];
  }
  if (goKind(value) === "map" && isJsonObject(value as Json)) {
    if (typeof key !== "string")
      throw new TypeError(
        key === undefined
          ? "value is nil; should be of type string"
          : `value has type ${goTypeName(key)}; should be string`,
      );
    return getOwn(value as { readonly [name: string]: Json }, key) ?? null;
  }
  throw new TypeError(`can't index item of type ${goTypeName(value)}`);
}

function exists(value: GoValue, keys: readonly GoValue[]): boolean {
  let found = value;
  for (const key of keys) {
    try {
      found = item(found, key);
    } catch {
      return false;
    }
  }
  return found !== undefined && found !== null;
}

function slice(value: GoValue, bounds: readonly GoValue[]): GoValue {
  if (value === undefined) throw new TypeError("slice of untyped nil");
  const isText = typeof value === "string";
  if (!isText && goKind(value) !== "slice") throw new TypeError(`can't slice item of type ${goTypeName(value)}`);
  if (isText && bounds.length > 2) throw new TypeError("cannot 3-index slice a string");
  const source = isText ? new TextEncoder().encode(value) : (value as readonly Json[]);
  const [start = 0, end = source.length] = bounds.map((bound) => {
    const at = goKind(bound) === "int" ? Number(goNumber(bound)) : Number.NaN;
    if (Number.isNaN(at)) throw new TypeError(`cannot index slice/array with type ${goTypeName(bound)}`);
    if (at < 0 || at > source.length) throw new RangeError(`index out of range: ${at}`);
    return at;
  });
  if (start > end) throw new RangeError(`invalid slice index: ${start} > ${end}`);
  return isText
    ? new TextDecoder().decode(source.slice(start, end) as Uint8Array)
    : (source.slice(start, end) as readonly Json[]);
}
