import { isJsonObject } from "../json_object.ts";
import type { Json } from "../meta.ts";

/**
 * What may stand in a place, and how its parts are owned. A type that allows several shapes (any JSON, a number or text)
 * takes that of the value.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export interface MergeType {
  readonly scalar?: "string" | "numeric" | "boolean" | "untyped";
  readonly list?: ListType;
  readonly map?: MapType;
  /** Whether the type may be another one tomorrow (custom resources): owners are then reconciled with it. */
  readonly changes?: true;
}

/** How the items of a list are owned: the list as a whole, each value, or each item that its keys tell from the others. */
export interface ListType {
  readonly owned: "atomic" | "set" | "map";
  /** Sorted by name; only where `owned` is `map`. */
  readonly keys: readonly ListKey[];
  items(): MergeType;
}

/** A member that tells the items of a list apart. */
export interface ListKey {
  readonly name: string;
  /** What an item without the member has there. */
  readonly default?: Json | undefined;
}

/** How the members of an object are owned. */
export interface MapType {
  /** Owned as a whole. */
  readonly atomic: boolean;
  /** The type of a declared field. */
  field(name: string): MergeType | undefined;
  /** The type of members that are not declared; undefined: there may be none. */
  values(): MergeType | undefined;
  /** Fields that Go has even where JSON leaves them out, with what is in them then: structs that are no pointers. */
  readonly embedded: ReadonlyMap<string, Json>;
}

/** The shape of a value under a type. */
export type Shape = "scalar" | "list" | "map";

/** The shape that `value` has under `type`; for null, and for what does not fit, the first one that the type allows. */
export function shapeOf(type: MergeType, value: Json | undefined): Shape {
  if (Array.isArray(value)) {
    if (type.list) return "list";
  } else if (isJsonObject(value)) {
    if (type.map) return "map";
  } else if (value !== undefined && value !== null && type.scalar) return "scalar";
  if (type.map) return "map";
  return type.scalar ? "scalar" : "list";
}

/** The type of a member of an object, declared or not; {@linkcode anyType} where the type says nothing. */
export function memberType(map: MapType, name: string): MergeType {
  return map.field(name) ?? map.values() ?? anyType;
}

const anyMap: MapType = { atomic: false, field: () => undefined, values: () => anyType, embedded: new Map() };

/** Any JSON: objects are owned member by member, lists as a whole. */
export const anyType: MergeType = {
  scalar: "untyped",
  list: { owned: "atomic", keys: [], items: () => anyType },
  map: anyMap,
};

/** Any JSON, owned as a whole. */
export const atomicType: MergeType = {
  scalar: "untyped",
  list: { owned: "atomic", keys: [], items: () => atomicType },
  map: { ...anyMap, atomic: true, values: () => atomicType },
};
