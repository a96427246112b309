import { goJson } from "../go_json.ts";
import { getOwn, isJsonObject } from "../json_object.ts";
import { jsonText, readJsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import type { ListType } from "./merge_type.ts";

/** The path element of a member: `f:NAME`. */
export function fieldElement(name: string): string {
  return `f:${name}`;
}

/**
 * The path element of an item of a list that is a set or a map: `v:VALUE` or `k:{KEYS}`.
 *
 * @returns `error` in Kubernetes' words when the item cannot be told from others
 */
export function itemElement(list: ListType, item: Json): string | { readonly error: string } {
  return list.owned === "map" ? keyElement(list, item) : valueElement(item);
}

function keyElement({ keys }: ListType, item: Json): string | { readonly error: string } {
  if (item === null) return { error: "associative list with keys may not have a null element" };
  if (!isJsonObject(item)) return { error: "associative list with keys may not have non-map elements" };
  let text = "k:{";
  for (const { name, default: missing } of keys) {
    const value = getOwn(item, name) ?? missing;
    if (value === undefined)
      return {
        error: `associative list with keys has an element that omits key field ${JSON.stringify(name)} (and doesn't have default value)`,
      };
    text += `${text.length > 3 ? "," : ""}${JSON.stringify(name)}:${valueText(value)}`;
  }
  return `${text}}`;
}

function valueElement(item: Json): string | { readonly error: string } {
  if (item === null) return { error: "associative list without keys has an element that's an explicit null" };
  if (Array.isArray(item)) return { error: "not supported: associative list with lists as elements" };
  if (isJsonObject(item)) return { error: "associative list without keys has an element that's a map type" };
  return `v:${valueText(item)}`;
}

/** A value as Go writes it. */
function valueText(value: Json): string {
  if (typeof value !== "string" && typeof value !== "object") return String(value);
  return typeof value === "string" && !/[<>&\u2028\u2029]/.test(value) ? JSON.stringify(value) : goJson(value);
}

/** A path as people read it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join("");
}

/** A path element as people read it: `.name`, `[name="web"]`, `[="value"]`, `[0]`. */
export function elementText(element: string): string {
  const content = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${content}`;
    case "k":
      return `[${Object.entries(readJsonText(content) as JsonObject)
        .map(([name, value]) => `${name}=${jsonText(value)}`)
        .join(",")}]`;
    case "v":
      return `[=${jsonText(readJsonText(content))}]`;
    default:
      return `[${content}]`;
  }
}

const order = ".fkvi";

/**
 * Path elements in canonical order: fields, then keys, then values, then indices, each sorted.
 *
 * @returns `elements` itself when they are sorted already
 * @see sigs.k8s.io/structured-merge-diff fieldpath PathElement.Compare
 */
export function sortedElements(elements: readonly string[]): readonly string[] {
  if (elements.every((element, index) => index === 0 || isBefore(elements[index - 1] ?? "", element))) return elements;
  const read = elements.map((element) => ({ element, value: contentOf(element) }));
  read.sort((a, b) => kindOf(a.element) - kindOf(b.element) || compareJson(a.value, b.value));
  return read.map(({ element }) => element);
}

/** Whether two fields stand in order; keys and values have to be read to know. */
function isBefore(a: string, b: string): boolean {
  return b.startsWith("f:") && (a === "." || (a.startsWith("f:") && a < b));
}

function kindOf(element: string): number {
  return order.indexOf(element[0] ?? "");
}

function contentOf(element: string): Json {
  const content = element.slice(2);
  return element[0] === "f" || element === "." ? content : readJsonText(content);
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function compareJson(a: Json, b: Json): number {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (isJsonObject(a) && isJsonObject(b)) return compareMembers(Object.entries(a), Object.entries(b));
  return rank(a) - rank(b) || compareText(jsonText(a), jsonText(b));
}

function compareMembers(a: readonly [string, Json][], b: readonly [string, Json][]): number {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index];
    if (!other) return 1;
    const result = compareText(name, other[0]) || compareJson(value, other[1]);
    if (result !== 0) return result;
  }
  return a.length - b.length;
}

function isNumber(value: Json): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function rank(value: Json): number {
  if (isNumber(value)) return 0;
  if (typeof value === "string") return 1;
  return typeof value === "boolean" ? 2 : 3;
}

/**
 * A path element as somebody wrote it, written as the server writes it.
 *
 * @returns undefined for a kind of element that is not known
 */
export function itemElementOf(text: string): { readonly element: string } | { readonly error: string } | undefined {
  if (text.length < 2) return { error: "key must be 2 characters long" };
  if (text[1] !== ":") return { error: `missing colon: ${text}` };
  const content = text.slice(2);
  switch (text[0]) {
    case "f":
      return { element: text };
    case "i":
      return /^-?\d{1,15}$/.test(content)
        ? { element: `i:${Number(content)}` }
        : { error: `strconv.Atoi: parsing ${JSON.stringify(content)}: invalid syntax` };
    case "v":
    case "k": {
      const value = parse(content);
      if (value === undefined || (text[0] === "k" && !isJsonObject(value)))
        return { error: `parsing key as path element: ${JSON.stringify(content)}` };
      return { element: `${text[0]}:${valueText(value)}` };
    }
    default:
      return undefined;
  }
}

function parse(text: string): Json | undefined {
  try {
    return readJsonText(text);
  } catch {
    return undefined;
  }
}
