import { type Alias, isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap } from "yaml";
import type { Json } from "./meta.ts";
import { resolvePlain } from "./yaml_scalar.ts";

/** Deepest nesting. The library's composer recurses, and a full stack can end the process, so it never sees more. */
export const maxYamlDepth = 256;

interface Anchor {
  readonly node: unknown;
  open: boolean;
}

/** Throws a SyntaxError that names the line of `offset`. */
export type Fail = (message: string, offset?: number) => never;

/** Turns the nodes of one document into JSON, deciding what scalars mean. */
export class YamlConverter {
  readonly #fail: Fail;
  readonly #budget: { left: number };
  readonly #anchors = new Map<string, Anchor>();
  #aliases = 0;

  /** @param budget how many nodes and characters aliases may still repeat; shared by the documents of a text */
  constructor(fail: Fail, budget: { left: number }) {
    this.#fail = fail;
    this.#budget = budget;
  }

  /** The value of the document's root node. */
  convert(root: unknown): Json {
    return this.#convert(root, 0);
  }

  #convert(node: unknown, depth: number): Json {
    if (node === null || node === undefined) return null;
    if (depth > maxYamlDepth) this.#fail(`exceeded max depth of ${maxYamlDepth}`, offsetOf(node));
    if (isAlias(node)) return this.#alias(node, (target) => this.#convert(target, depth + 1));
    this.#spend(isScalar(node) && typeof node.value === "string" ? node.value.length + 1 : 1, node);
    return this.#anchored(node, () => {
      if (isScalar(node)) return this.#scalar(node);
      if (isSeq(node)) return node.items.map((item) => this.#convert(item, depth + 1));
      if (isMap(node)) return Object.fromEntries(this.#members(node, depth));
      return null;
    });
  }

  /** Only what aliases repeat counts: the text itself is bounded already. */
  #spend(amount: number, node: unknown): void {
    if (this.#aliases === 0) return;
    this.#budget.left -= amount;
    if (this.#budget.left < 0) this.#fail("document contains excessive aliasing", offsetOf(node));
  }

  #anchored(node: unknown, convert: () => Json): Json {
    const name = (node as { anchor?: string }).anchor;
    if (name === undefined || this.#aliases > 0) return convert();
    const anchor: Anchor = { node, open: true };
    this.#anchors.set(name, anchor);
    const value = convert();
    anchor.open = false;
    return value;
  }

  #alias<T>(alias: Alias, use: (node: unknown) => T): T {
    const anchor = this.#anchors.get(alias.source);
    if (!anchor) return this.#fail(`unknown anchor '${alias.source}' referenced`, offsetOf(alias));
    if (anchor.open) return this.#fail(`anchor '${alias.source}' value contains itself`, offsetOf(alias));
    this.#aliases++;
    const value = use(anchor.node);
    this.#aliases--;
    return value;
  }

  #members(map: YAMLMap, depth: number): ReadonlyMap<string, Json> {
    const merged = new Map<string, Json>();
    const members = new Map<string, Json>();
    for (const pair of map.items) {
      if (isMergeKey(pair)) this.#merge(pair.value, merged, depth + 1);
      else members.set(this.#key(pair, depth), this.#convert(pair.value, depth + 1));
    }
    for (const [key, value] of merged) if (!members.has(key)) members.set(key, value);
    return members;
  }

  /** `<<: *a` or `<<: [*a, *b]`: the first that has a member gives it. */
  #merge(node: unknown, into: Map<string, Json>, depth: number): void {
    if (depth > maxYamlDepth) this.#fail(`exceeded max depth of ${maxYamlDepth}`, offsetOf(node));
    if (isAlias(node)) this.#alias(node, (target) => this.#merge(target, into, depth + 1));
    else if (isSeq(node)) for (const item of node.items) this.#merge(item, into, depth + 1);
    else if (isMap(node)) {
      for (const [key, value] of this.#members(node, depth)) {
        this.#spend(1, node);
        if (!into.has(key)) into.set(key, value);
      }
    } else this.#fail("map merge requires map or sequence of maps as the value", offsetOf(node));
  }

  #key(pair: Pair, depth: number): string {
    const key = this.#convert(pair.key, depth + 1);
    if (typeof key === "object") return this.#fail("a key must be text, a number or a boolean", offsetOf(pair.key));
    return String(key);
  }

  #scalar(node: Scalar): Json {
    const text = typeof node.value === "string" ? node.value : String(node.value ?? "");
    try {
      switch (node.tag) {
        case undefined:
          return node.type === "PLAIN" ? resolvePlain(text) : text;
        case "tag:yaml.org,2002:int":
        case "tag:yaml.org,2002:float":
        case "tag:yaml.org,2002:bool":
        case "tag:yaml.org,2002:null":
          return resolvePlain(text);
        case "tag:yaml.org,2002:binary":
          return decodeBase64(text);
        default:
          return text;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#fail(error.message, offsetOf(node));
    }
  }
}

function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && key.value === "<<" && key.type === "PLAIN" && key.tag === undefined;
}

function offsetOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0];
}

function decodeBase64(text: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
  } catch (cause) {
    throw new RangeError("!!binary value contains invalid base64 data", { cause });
  }
}
