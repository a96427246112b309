/** The types of CEL expressions, as the type checker knows them. `dyn` is anything: checked when the expression runs. */
export type CelType =
  | { readonly kind: SimpleKind }
  | { readonly kind: "list"; readonly element: CelType; readonly order?: ListOrder }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType }
  | { readonly kind: "optional"; readonly element: CelType }
  | ObjectType
  /** Values with functions only, such as `kubernetes.Quantity`. */
  | { readonly kind: "opaque"; readonly name: string }
  /** Stands for one type within a signature: `list(T)`. */
  | { readonly kind: "param"; readonly name: string };

/** Objects, whose members have names that are known beforehand. */
export interface ObjectType {
  readonly kind: "object";
  readonly name: string;
  readonly fields: ReadonlyMap<string, CelField>;
}

/** Types without parts. */
export type SimpleKind =
  | "dyn"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "null"
  | "timestamp"
  | "duration"
  | "type"
  /** `x-kubernetes-int-or-string`: dynamic to the checker. */
  | "intOrString"
  /** What could not be typed; everything goes with it, so that one mistake is told once. */
  | "error";

/** How lists that are sets or maps compare and join. @see https://kubernetes.io/docs/reference/using-api/cel/ */
export type ListOrder = { readonly type: "set" } | { readonly type: "map"; readonly keys: readonly string[] };

/** A member of an object type, by its escaped name. */
export interface CelField {
  /** The name in the JSON object. */
  readonly name: string;
  readonly type: CelType;
}

const simple = (kind: SimpleKind): CelType => ({ kind });
/** Anything; checked at run time. */
export const dyn: CelType = simple("dyn");
/** `true` and `false`. */
export const bool: CelType = simple("bool");
/** 64-bit integers. */
export const int: CelType = simple("int");
/** Unsigned 64-bit integers. */
export const uint: CelType = simple("uint");
/** Floating point numbers. */
export const double: CelType = simple("double");
/** Text. */
export const string: CelType = simple("string");
/** Byte strings. */
export const bytes: CelType = simple("bytes");
/** The type of `null`. */
export const nullType: CelType = simple("null");
/** Points in time. */
export const timestamp: CelType = simple("timestamp");
/** Spans of time. */
export const duration: CelType = simple("duration");
/** Types as values: `type(x)`. */
export const typeType: CelType = simple("type");
/** See {@linkcode SimpleKind}. */
export const intOrString: CelType = simple("intOrString");
/** See {@linkcode SimpleKind}. */
export const errorType: CelType = simple("error");

/** A list type. */
export const listOf = (element: CelType, order?: ListOrder): CelType => ({
  kind: "list",
  element,
  ...(order ? { order } : {}),
});
/** A map type. */
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: "map", key, value });
/** An optional type. */
export const optionalOf = (element: CelType): CelType => ({ kind: "optional", element });
/** A type with members of its own. */
export const objectOf = (name: string, fields: Readonly<Record<string, CelType>>): CelType => ({
  kind: "object",
  name,
  fields: new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type }])),
});
/** A type of values that only functions read. */
export const opaque = (name: string): CelType => ({ kind: "opaque", name });
/** A placeholder in a signature. */
export const param = (name: string): CelType => ({ kind: "param", name });

/** The type's name in messages, as cel-go writes it. */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${typeName(type.element)})`;
    case "map":
      return `map(${typeName(type.key)}, ${typeName(type.value)})`;
    case "optional":
      return `optional_type(${typeName(type.element)})`;
    case "object":
    case "opaque":
    case "param":
      return type.name;
    case "intOrString":
      return "dyn";
    case "error":
      return "!error!";
    default:
      return type.kind;
  }
}

/** Whether values of the type are known only when the expression runs. */
export function isDynamic(type: CelType): boolean {
  return type.kind === "dyn" || type.kind === "intOrString" || type.kind === "error";
}

/** What the placeholders of a signature stand for in one call. */
export type Bindings = Map<string, CelType>;

/** Whether a value of type `from` may stand where `to` is expected; binds the placeholders of `to`. */
export function assignable(to: CelType, from: CelType, bindings: Bindings): boolean {
  if (to.kind === "param") {
    const bound = bindings.get(to.name);
    if (bound === undefined) {
      bindings.set(to.name, from);
      return true;
    }
    // Placeholders within what is bound are those of other signatures.
    const fits = assignable(bound, from, new Map());
    if (fits && !hasParam(bound)) return true;
    // `[] == [1]`: the second says more than the first.
    if (!fits && !assignable(from, bound, new Map())) return false;
    bindings.set(to.name, from);
    return true;
  }
  // The element of an empty list stands for any type.
  if (isDynamic(to) || isDynamic(from) || from.kind === "param") return true;
  if (to.kind !== from.kind) return from.kind === "null" && isNullable(to);
  switch (to.kind) {
    case "list":
      return from.kind === "list" && assignable(to.element, from.element, bindings);
    case "optional":
      return from.kind === "optional" && assignable(to.element, from.element, bindings);
    case "map":
      return (
        from.kind === "map" && assignable(to.key, from.key, bindings) && assignable(to.value, from.value, bindings)
      );
    case "object":
      return from.kind === "object" && (to === from || to.name === from.name);
    case "opaque":
      return from.kind === "opaque" && to.name === from.name;
    default:
      return true;
  }
}

function hasParam(type: CelType): boolean {
  if (type.kind === "list" || type.kind === "optional") return hasParam(type.element);
  return type.kind === "param" || (type.kind === "map" && (hasParam(type.key) || hasParam(type.value)));
}

function isNullable(type: CelType): boolean {
  return ["object", "opaque", "timestamp", "duration"].includes(type.kind);
}

/** The type with its placeholders filled in; those that stand for nothing are `dyn`. */
export function substitute(type: CelType, bindings: Bindings): CelType {
  switch (type.kind) {
    case "param":
      return bindings.get(type.name) ?? dyn;
    case "list":
      return listOf(substitute(type.element, bindings));
    case "optional":
      return optionalOf(substitute(type.element, bindings));
    case "map":
      return mapOf(substitute(type.key, bindings), substitute(type.value, bindings));
    default:
      return type;
  }
}

/** One type for values of both, or undefined when there is none. */
export function join(a: CelType, b: CelType): CelType | undefined {
  if (isDynamic(a)) return a;
  if (isDynamic(b)) return b;
  if (assignable(a, b, new Map())) return a;
  return assignable(b, a, new Map()) ? b : undefined;
}
