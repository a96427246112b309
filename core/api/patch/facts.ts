import { mergeFacts } from "./facts_table.ts";

/** How one field merges. */
export interface FieldFacts {
  /** Type of the field, or of its items: to go on from here. */
  readonly type?: string;
  /** Strategic merge patch: lists with `merge` are merged, objects with `replace` are not. */
  readonly strategy?: "merge" | "replace";
  /** Strategic merge patch: the member that tells the items of a merged list apart; absent for plain values. */
  readonly mergeKey?: string;
  /** Strategic merge patch: patches name the members that stay. */
  readonly retainKeys?: true;
  /** Server-side apply: how the items of the list are owned; absent means atomic. */
  readonly list?: "map" | "set";
  /** Server-side apply: the members that tell the items apart when `list` is `map`. */
  readonly listKeys?: readonly string[];
  /** Server-side apply: the object is owned as a whole. */
  readonly atomic?: true;
  /** Server-side apply: every item of the list is owned as a whole. */
  readonly atomicItems?: true;
}

const objectMeta = "meta.v1.ObjectMeta";
const metadataFacts: FieldFacts = { type: objectMeta };
const none: FieldFacts = {};
let table: ReadonlyMap<string, ReadonlyMap<string, FieldFacts>> | undefined;

/**
 * How `field` of a type merges.
 *
 * @param type schema id (`io.k8s.api.apps.v1.Deployment`) or what a {@linkcode FieldFacts} gave as `type`; undefined and
 * unknown ones have no facts
 */
export function fieldFacts(type: string | undefined, field: string): FieldFacts {
  if (type === undefined) return none;
  if (field === "metadata") return metadataFacts;
  return factsOf(type).get(field) ?? none;
}

/** Every fact about the fields of a type, by field: for publishing them as `x-kubernetes-` extensions. */
export function factsOf(type: string): ReadonlyMap<string, FieldFacts> {
  table ??= parseTable(mergeFacts);
  return table.get(shortName(type)) ?? new Map();
}

/** Value that an absent member has where it is part of a list's keys. @see schema `default` of ContainerPort and ServicePort */
export function listKeyDefault(key: string): string | undefined {
  return key === "protocol" ? "TCP" : undefined;
}

/** `io.k8s.api.core.v1.Pod` is `core.v1.Pod`. */
function shortName(type: string): string {
  return type.split(".").slice(-3).join(".");
}

function parseTable(text: string): ReadonlyMap<string, ReadonlyMap<string, FieldFacts>> {
  const types = new Map<string, Map<string, FieldFacts>>();
  let fields = new Map<string, FieldFacts>();
  let group = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("  ")) {
      const [field = "", ...words] = line.trim().split(" ");
      fields.set(field.slice(0, -1), parseFacts(words, group));
    } else if (line) {
      fields = new Map();
      types.set(line, fields);
      group = line.slice(0, line.lastIndexOf("."));
    }
  }
  return types;
}

function parseFacts(words: readonly string[], group: string): FieldFacts {
  const facts: { -readonly [K in keyof FieldFacts]: FieldFacts[K] } = {};
  for (const word of words) {
    const [name, value] = word.split("=");
    if (name === "merge") {
      facts.strategy = "merge";
      if (value !== undefined) facts.mergeKey = value;
    } else if (name === "map") {
      facts.list = "map";
      facts.listKeys = (value ?? "").split(",");
    } else if (name === "set") facts.list = "set";
    else if (name === "replace") facts.strategy = "replace";
    else if (name === "retainKeys" || name === "atomic" || name === "atomicItems") facts[name] = true;
    else facts.type = word.includes(".") ? word : `${group}.${word}`;
  }
  return facts;
}
