import { errorMessage } from "../util/log.ts";
import { goComparisons } from "./go_comparisons.ts";
import { goText, goTypeName } from "./go_value.ts";
import { getOwn, isJsonObject } from "./json_object.ts";
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
    const found = evaluate(step, values, options);
    if (found.length > maxValues) throw new RangeError("Cannot evaluate the path: it finds too many values");
    return found;
  }, start);
}

function evaluate(step: JsonPathNode, values: readonly Json[], options: EvaluateOptions): readonly Json[] {
  switch (step.type) {
    case "literal":
      return values.map(() => step.value);
    case "text":
      return [step.text];
    case "field": {
      const found = values.flatMap((value) => field(step.name, value));
      if (values.length > 0 && found.length === 0 && !options.allowMissingKeys)
        throw new RangeError(`${step.name} is not found`);
      return found;
    }
    case "wildcard":
      return values.flatMap(childrenOf);
    case "recursive":
      return values.flatMap(descendants);
    case "index":
      return values.flatMap((value) => index(step.index, value));
    case "slice":
      return values.flatMap((value) => slice(step, value));
    case "union":
      // Each part looks at all values before the next one does.
      return step.paths.flatMap((path) => walk(path, values, options));
    case "filter":
      return values.flatMap((value) => filtered(step, value, options));
    case "expression":
      return walk(step.steps, values, options);
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

/** The value and all below it, as far as they hold something: texts, and lists and objects that are not empty. */
function descendants(value: Json): readonly Json[] {
  const found: Json[] = [];
  const open: Json[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const children = childrenOf(next);
    if (children.length > 0 || (typeof next === "string" && next !== "")) found.push(next);
    for (const child of [...children].reverse()) open.push(child);
  }
  return found;
}

function index(at: number, value: Json): readonly Json[] {
  if (value === null) return [];
  const items = listOf(value);
  const from = at < 0 ? items.length + at : at;
  const item = items[from];
  if (item !== undefined) return [item];
  throw new RangeError(`array index out of bounds: index ${from}, length ${items.length}`);
}

function listOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw new RangeError(`${goTypeName(value)} is not array or slice`);
}

function slice(
  { start = 0, end, step = 1 }: { readonly start?: number; readonly end?: number; readonly step?: number },
  value: Json,
): readonly Json[] {
  if (value === null) return [];
  const items = listOf(value);
  const size = items.length;
  const from = start < 0 ? size + start : start;
  const to = end === undefined ? size : end < 0 ? size + end : end;
  if (from === to) return [];
  if (from >= size || from < 0) throw new RangeError(`array index out of bounds: index ${from}, length ${size}`);
  if (to > size || to < 0) throw new RangeError(`array index out of bounds: index ${to - 1}, length ${size}`);
  if (from > to) throw new RangeError(`starting index ${from} is greater than ending index ${to}`);
  return items.slice(from, to).filter((_item, at) => at % step === 0);
}

type Filter = Extract<JsonPathNode, { type: "filter" }>;

function filtered(filter: Filter, value: Json, options: EvaluateOptions): readonly Json[] {
  if (Array.isArray(value)) return (value as readonly Json[]).filter((item) => passes(filter, item, options));
  throw new RangeError(`${goText(value)} is not array or slice and cannot be filtered`);
}

function passes({ left, operator, right }: Filter, item: Json, options: EvaluateOptions): boolean {
  if (operator === "exists") return walk(left, [item], { allowMissingKeys: true }).length > 0;
  const found = [walk(left, [item], options), walk(right, [item], options)];
  if (found.some(({ length }) => length > 1)) throw new RangeError("can only compare one element at a time");
  const [a, b] = found.map(([first]) => first);
  if (a === undefined || b === undefined) return false;
  try {
    return goComparisons[operator](a, b);
  } catch (error) {
    throw new RangeError(errorMessage(error));
  }
}
