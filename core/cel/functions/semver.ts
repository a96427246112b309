import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { bool, type CelType, int, opaque, string } from "../types.ts";
import { Opaque, type Value } from "../values.ts";

/** A semantic version. @see https://semver.org */
class SemverValue extends Opaque {
  override readonly typeName = "kubernetes.Semver";
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
  constructor(numbers: readonly bigint[], prerelease: readonly string[]) {
    super();
    this.numbers = numbers;
    this.prerelease = prerelease;
  }
  equals(other: Opaque): boolean {
    return other instanceof SemverValue && order(this, other) === 0;
  }
}

const semverType: CelType = opaque("kubernetes.Semver");
const maxLength = 256;

function parse(text: string, normalize: boolean): SemverValue | undefined {
  const written = normalize ? normalized(text) : text;
  const match =
    written.length > maxLength
      ? null
      : /^(\d{1,19})\.(\d{1,19})\.(\d{1,19})(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/.exec(written);
  if (!match) return undefined;
  const [, major = "", minor = "", patch = "", prerelease, build] = match;
  if ([major, minor, patch].some(hasLeadingZero)) return undefined;
  const identifiers = prerelease?.split(".") ?? [];
  if (identifiers.some((part) => part === "" || (isNumber(part) && hasLeadingZero(part)))) return undefined;
  if (build?.split(".").includes("")) return undefined;
  return new SemverValue([BigInt(major), BigInt(minor), BigInt(patch)], identifiers);
}

/** Takes a `v` away, adds the minor and patch that are missing, removes leading zeros. */
function normalized(text: string): string {
  const match = text.length > maxLength ? null : /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/s.exec(text.trim());
  if (!match) return text;
  const [, major, minor = "0", patch = "0", rest = ""] = match;
  return `${[major, minor, patch].map((part) => part?.replace(/^0+(?=\d)/, "")).join(".")}${rest}`;
}

const hasLeadingZero = (part: string) => part.length > 1 && part.startsWith("0");
const isNumber = (part: string) => /^\d+$/.test(part);

function order(a: SemverValue, b: SemverValue): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  // A version that is released comes after those that lead to it.
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return Math.sign(b.prerelease.length - a.prerelease.length);
  for (const [index, part] of a.prerelease.entries()) {
    const other = b.prerelease[index];
    if (other === undefined) return 1;
    if (part !== other) return orderParts(part, other);
  }
  return a.prerelease.length === b.prerelease.length ? 0 : -1;
}

function orderParts(a: string, b: string): number {
  if (isNumber(a) && isNumber(b)) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return a < b ? -1 : 1;
}

function version(text: string, normalize: boolean): SemverValue {
  const parsed = parse(text, normalize);
  if (!parsed)
    throw new CelError(`error parsing semver: ${JSON.stringify(text.slice(0, maxLength))} is not a semantic version`);
  return parsed;
}

const part = (name: string, at: number): FunctionSet => ({
  name,
  member: [overload([semverType], int, ([value]) => (value as SemverValue).numbers[at] ?? 0n)],
});

const compared = (name: string, result: CelType, holds: (sign: number) => Value): FunctionSet => ({
  name,
  member: [overload([semverType, semverType], result, ([a, b]) => holds(order(a as SemverValue, b as SemverValue)))],
});

/** Functions of semantic versions. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-semver-library */
export const semverFunctions: readonly FunctionSet[] = [
  {
    name: "semver",
    global: [
      overload([string], semverType, ([text]) => version(text as string, false)),
      overload([string, bool], semverType, ([text, normalize]) => version(text as string, normalize as boolean)),
    ],
  },
  {
    name: "isSemver",
    global: [
      overload([string], bool, ([text]) => parse(text as string, false) !== undefined),
      overload([string, bool], bool, ([text, normalize]) => parse(text as string, normalize as boolean) !== undefined),
    ],
  },
  part("major", 0),
  part("minor", 1),
  part("patch", 2),
  compared("compareTo", int, (sign) => BigInt(sign)),
  compared("isGreaterThan", bool, (sign) => sign > 0),
  compared("isLessThan", bool, (sign) => sign < 0),
];
