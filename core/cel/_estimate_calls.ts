import type { Declaration } from "./declaration.ts";
import type { CelType } from "./types.ts";

/** What something costs at most, in Kubernetes' units. */
export type Cost = number;

/** How large a value is: characters, bytes, items or members. */
export interface Size {
  readonly min: number;
  readonly max: number;
}

/** What is known of a part of an expression. */
export interface Estimated {
  readonly cost: Cost;
  readonly type: CelType | undefined;
  /** Where a size follows from the expression itself. */
  readonly size?: Size | undefined;
  /** Of what is in a list or map that the expression makes. */
  readonly entry?: Size | undefined;
  /** Where it is a part of a variable. */
  readonly declaration?: Declaration | undefined;
}

/** Costs are counted in unsigned 64-bit integers that stay at their largest. */
const most = 2 ** 64;
/** Of what nothing is known. */
export const unknownSize: Size = { min: 0, max: most };

const scalars: ReadonlySet<string> = new Set(["bool", "double", "duration", "int", "timestamp", "uint"]);

/** The size of a value, as far as it is known. */
export function sizeOf({ size, declaration, type }: Estimated): Size {
  if (size) return size;
  if (declaration) return { min: 0, max: declaration.maxElements };
  const own = type?.kind === "optional" ? type.element : type;
  return own && scalars.has(own.kind) ? { min: 1, max: 1 } : unknownSize;
}

/** A size that both fit. */
export function unionOf(a: Size, b: Size): Size {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** A sum that does not overflow. */
export function sum(...costs: readonly Cost[]): Cost {
  return Math.min(
    costs.reduce((a, b) => a + b, 0),
    most,
  );
}

/** A product that does not overflow. */
export function times(a: Cost, b: Cost): Cost {
  return a === 0 || b === 0 ? 0 : Math.min(a * b, most);
}

const perCharacter = 0.1;
const perPatternCharacter = 0.25;
const walk = (size: number, factor = perCharacter): Cost => Math.min(Math.ceil(size * factor), most);
const added = (a: Size, b: Size): Size => ({ min: sum(a.min, b.min), max: sum(a.max, b.max) });

/** What a call costs besides its arguments, and what is known of its result. */
export interface CallEstimate {
  readonly cost: Cost;
  readonly size?: Size | undefined;
  readonly entry?: Size | undefined;
}

type Rule = (target: Estimated | undefined, args: readonly Estimated[]) => CallEstimate | undefined;

const isText = ({ type }: Estimated) => type?.kind === "string" || type?.kind === "bytes";

/** Reads its first argument once. */
const reads: Rule = (_, [text]) => text && { cost: walk(sizeOf(text).max) };
/** Reads its text once, and gives one as long. */
const rewrites: Rule = (target) => target && { cost: walk(sizeOf(target).max), size: sizeOf(target) };
/** Compares every element of its list, or reads its text. */
const scans: Rule = (target) => {
  if (!target) return undefined;
  const { max } = sizeOf(target);
  if (target.type?.kind !== "list" && target.type?.kind !== "map") return { cost: walk(max) };
  const { element } = target.type.kind === "list" ? target.type : { element: target.type.key };
  const text = element.kind === "string" || element.kind === "bytes";
  const longest = target.declaration?.element?.maxElements ?? most;
  return { cost: times(max, text ? sum(1, walk(longest)) : 1) };
};
/** Matches a pattern. */
const matches: Rule = (target, args) => {
  const [text, pattern] = target ? [target, args[0]] : args;
  if (!text || !pattern) return undefined;
  return { cost: times(walk(sum(sizeOf(text).max, 1)), walk(sizeOf(pattern).max, perPatternCharacter)) };
};
const finds: Rule = (target, args) => {
  const found = matches(target, args);
  return found && target && { ...found, size: { min: 0, max: sizeOf(target).max } };
};
/** Compares two values as far as the shorter one goes. */
const compares: Rule = (_, [a, b]) => a && b && { cost: walk(Math.min(sizeOf(a).max, sizeOf(b).max)) };
const ordered: Rule = (target, args) => (args.every(isText) ? compares(target, args) : undefined);

const replaced: Rule = (target, [from, to]) => {
  if (!target || !from || !to) return undefined;
  const [size, old, next] = [sizeOf(target), sizeOf(from), sizeOf(to)];
  let [count, kept] = [0, 0];
  if (old.min === 0) [count, kept] = [sum(size.max, 1), size.max];
  else if (next.max <= old.min) kept = size.max;
  else count = Math.ceil(size.max / old.min);
  return { cost: walk(size.max, 2 * perCharacter), size: { min: 0, max: sum(times(count, next.max), kept) } };
};
const split: Rule = (target) => {
  if (!target) return undefined;
  const { max } = sizeOf(target);
  return { cost: walk(max, 2 * perCharacter), size: { min: 0, max } };
};
const joined: Rule = (target, [separator]) => {
  if (!target) return undefined;
  const { max } = sizeOf(target);
  const texts = times(max, target.declaration?.element?.maxElements ?? most);
  const between = separator ? times(Math.max(max - 1, 0), sizeOf(separator).max) : 0;
  const size = { min: 0, max: sum(texts, between) };
  return { cost: walk(size.max), size };
};
const concatenated: Rule = (_, [a, b]) => {
  if (!a || !b) return undefined;
  const size = added(sizeOf(a), sizeOf(b));
  const kinds = [a.type?.kind, b.type?.kind];
  if (kinds.includes("list")) {
    const entry = a.entry && b.entry ? unionOf(a.entry, b.entry) : undefined;
    return { cost: 1, size, entry };
  }
  // Of dynamic values any kind is possible: text is the dearest.
  return isText(a) || isText(b) || kinds.every((kind) => kind === "dyn" || kind === "intOrString")
    ? { cost: Math.max(walk(size.max), 1), size }
    : undefined;
};
const contained: Rule = (_, [__, list]) =>
  list?.type?.kind === "map" ? undefined : list && { cost: sizeOf(list).max };
const fixed =
  (cost: Cost): Rule =>
  () => ({ cost });
/** Compares addresses: 4 to 16 bytes. */
const addressCost = walk(32);
const addresses =
  (extra: Cost): Rule =>
  (_, [other]) => ({ cost: sum(addressCost, extra, other && isText(other) ? walk(sizeOf(other).max) : 0) });

/** Functions that do not cost 1. @see k8s.io/apiserver/pkg/cel/library/cost.go and cel-go's checker/cost.go */
const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["check", fixed(350_000)],
  ["fieldSelector", reads],
  ["labelSelector", reads],
  ...["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"].map((name): [string, Rule] => [name, scans]),
  ["url", reads],
  ["jsonpatch.escapeKey", reads],
  ...["lowerAscii", "upperAscii", "substring", "trim"].map((name): [string, Rule] => [name, rewrites]),
  ["replace", replaced],
  ["split", split],
  ["join", joined],
  ["find", finds],
  ["findAll", finds],
  ["matches", matches],
  ["cidr", reads],
  ["isIP", reads],
  ["isCIDR", reads],
  ["ip", reads],
  ["ip.isCanonical", (_, [text]) => text && { cost: walk(sizeOf(text).max, 2 * perCharacter) }],
  ["containsIP", addresses(0)],
  ["containsCIDR", addresses(walk(16) + 1)],
  ["quantity", reads],
  ["isQuantity", reads],
  ["semver", reads],
  ["isSemver", reads],
  ["validate", (_, [text]) => text && { cost: walk(walk(sizeOf(text).max), 128 * perPatternCharacter) }],
  ["format", (target) => target && { cost: walk(sizeOf(target).max) }],
  ["startsWith", reads],
  ["endsWith", reads],
  ["contains", (target, [part]) => target && part && { cost: times(walk(sizeOf(target).max), walk(sizeOf(part).max)) }],
  ["bytes", (_, [text]) => (text && isText(text) ? { cost: walk(sizeOf(text).max) } : undefined)],
  ["string", (_, [value]) => (value?.type?.kind === "bytes" ? { cost: walk(sizeOf(value).max) } : undefined)],
  ["@in", contained],
  ["_+_", concatenated],
  ["_==_", compares],
  ["_!=_", compares],
  ...["_<_", "_<=_", "_>_", "_>=_"].map((name): [string, Rule] => [name, ordered]),
]);

/** Estimates a call of a function. */
export function callEstimate(name: string, target: Estimated | undefined, args: readonly Estimated[]): CallEstimate {
  return rules.get(name)?.(target, args) ?? { cost: 1 };
}
