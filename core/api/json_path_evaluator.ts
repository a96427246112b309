import { getOwn, isJsonObject, jsonEqual } from "./json_object.ts";
import { jsonText } from "./json_text.ts";
import type { Json } from "./meta.ts";

/** One step of an expression, or a part of a template. */
export type JsonPathNode =
  /** What stands in the template as it is. */
  | { readonly type: "text"; readonly text: string }
  /** A value of its own: what filters compare with. */
  | { readonly type: "literal"; readonly value: Json }
  | { readonly type: "field"; readonly name: string }
  | { readonly type: "wildcard" }
  | { readonly type: "recursive" }
  | { readonly type: "slice"; readonly start?: number; readonly end?: number; readonly step?: number }
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "union"; readonly paths: readonly (readonly JsonPathNode[])[] }
  | {
      readonly type: "filter";
      readonly left: readonly JsonPathNode[];
      /** `exists`: the right side is not looked at. */
      readonly operator: "==" | "!=" | "<" | "<=" | ">" | ">=" | "exists";
      readonly right: readonly JsonPathNode[];
    }
  /** An expression in braces. */
  | { readonly type: "expression"; readonly steps: readonly JsonPathNode[] }
  | { readonly type: "range"; readonly over: readonly JsonPathNode[]; readonly body: readonly JsonPathNode[] };

/** How missing members count. */
export interface EvaluateOptions {
  readonly allowMissingKeys: boolean;
}

/** Most values that an expression may find: each step may multiply them. */
const maxValues = 1_000_000;

/** What each part of a template finds in `data`; text finds itself. @throws RangeError */
export function evaluateJsonPath(
  nodes: readonly JsonPathNode[],
  data: Json,
  options: EvaluateOptions,
): readonly (readonly Json[])[] {
  return nodes.flatMap((node): readonly (readonly Json[])[] => {
    if (node.type === "text") return [[node.text]];
    if (node.type === "expression") return [walk(node.steps, [data], options)];
    if (node.type !== "range") return [walk([node], [data], options)];
    return walk(node.over, [data], options).flatMap((item) => evaluateJsonPath(node.body, item, options));
  });
}

function walk(steps: readonly JsonPathNode[], start: readonly Json[], options: EvaluateOptions): readonly Json[] {
  return steps.reduce<readonly Json[]>((values, step) => {
    const found = values.flatMap((value) => evaluate(step, value, options));
    if (step.type === "field" && found.length === 0 && !options.allowMissingKeys)
      throw new RangeError(`${step.name} is not found`);
    if (found.length > maxValues) throw new RangeError("Cannot evaluate the path: it finds too many values");
    return found;
  }, start);
}

function evaluate(step: JsonPathNode, value: Json, options: EvaluateOptions): readonly Json[] {
  switch (step.type) {
    case "literal":
      return [step.value];
    case "text":
      return [step.text];
    case "field":
      return field(step.name, value);
    case "wildcard":
      return childrenOf(value);
    case "recursive":
      return descendants(value);
    case "index":
      return index(step.index, value, options);
    case "slice":
      return slice(step, value);
    case "union":
      return step.paths.flatMap((path) => walk(path, [value], options));
    case "filter":
      return childrenOf(value).filter((item) => passes(step, item));
    case "expression":
      return walk(step.steps, [value], options);
    case "range":
      return [];
  }
}

function field(name: string, value: Json): readonly Json[] {
  const member = isJsonObject(value) ? getOwn(value, name) : undefined;
  return member === undefined ? [] : [member];
}

function childrenOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value;
  return isJsonObject(value) ? Object.values(value) : [];
}

function descendants(value: Json): readonly Json[] {
  const found: Json[] = [];
  const open: Json[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    found.push(next);
    open.push(...[...childrenOf(next)].reverse());
  }
  return found;
}

function index(at: number, value: Json, { allowMissingKeys }: EvaluateOptions): readonly Json[] {
  if (!Array.isArray(value)) {
    if (allowMissingKeys || value === null) return [];
    throw new RangeError(`${jsonText(value)} is not array or slice`);
  }
  const items: readonly Json[] = value;
  const item = items[at < 0 ? items.length + at : at];
  if (item !== undefined) return [item];
  if (allowMissingKeys) return [];
  throw new RangeError(`array index out of bounds: index ${at}, length ${items.length}`);
}

function slice(
  { start = 0, end, step = 1 }: { readonly start?: number; readonly end?: number; readonly step?: number },
  value: Json,
): readonly Json[] {
  if (!Array.isArray(value)) return [];
  const from = start < 0 ? Math.max(0, value.length + start) : start;
  const to = end === undefined ? value.length : end < 0 ? value.length + end : end;
  return (value as readonly Json[]).slice(from, to).filter((_item, at) => at % step === 0);
}

function passes(filter: Extract<JsonPathNode, { type: "filter" }>, item: Json): boolean {
  const lenient = { allowMissingKeys: true };
  const [left] = walk(filter.left, [item], lenient);
  if (left === undefined) return false;
  if (filter.operator === "exists") return true;
  const [right] = walk(filter.right, [item], lenient);
  if (right === undefined) return false;
  switch (filter.operator) {
    case "==":
      return jsonEqual(left, right);
    case "!=":
      return !jsonEqual(left, right);
    default:
      return compare(left, right, filter.operator);
  }
}

function compare(left: Json, right: Json, operator: "<" | "<=" | ">" | ">="): boolean {
  const comparable =
    (typeof left === "number" && typeof right === "number") || (typeof left === "string" && typeof right === "string");
  if (!comparable) return false;
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return operator === ">" ? left > right : left >= right;
}
