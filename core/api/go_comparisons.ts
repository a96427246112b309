import { compareText, type GoValue, goKind, goNumber, goText, goTypeName } from "./go_value.ts";

/** Go's comparing of two values of templates. Each throws TypeError when they are of kinds that do not compare. */
export const goComparisons: Readonly<
  Record<"==" | "!=" | "<" | "<=" | ">" | ">=", (a: GoValue, b: GoValue) => boolean>
> = {
  "==": equals,
  "!=": (a, b) => !equals(a, b),
  "<": (a, b) => compare(a, b) < 0,
  "<=": (a, b) => compare(a, b) <= 0,
  ">": (a, b) => compare(a, b) > 0,
  ">=": (a, b) => compare(a, b) >= 0,
};

function equals(a: GoValue, b: GoValue): boolean {
  const [left, right] = [goKind(a), goKind(b)];
  const [noLeft, noRight] = [left === "invalid" || left === "nil", right === "invalid" || right === "nil"];
  if (noLeft || noRight) return noLeft && noRight;
  if (left !== right) throw new TypeError("incompatible types for comparison");
  if (left === "slice" || left === "map")
    throw new TypeError(`non-comparable types ${goText(a)}: ${goTypeName(a)}, ${goText(b)}: ${goTypeName(b)}`);
  return left === "int" || left === "float" ? compareNumbers(a, b) === 0 : a === b;
}

function compare(a: GoValue, b: GoValue): number {
  const [left, right] = [goKind(a), goKind(b)];
  const ordered = ["int", "float", "string"];
  if (!ordered.includes(left) || !ordered.includes(right)) throw new TypeError("invalid type for comparison");
  if (left !== right) throw new TypeError("incompatible types for comparison");
  return left === "string" ? compareText(a as string, b as string) : compareNumbers(a, b);
}

function compareNumbers(a: GoValue, b: GoValue): number {
  const [x, y] = [goNumber(a), goNumber(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
