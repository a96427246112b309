/** A difference between kubectl and wherry that is meant, and what hides it on both sides. */
interface Difference {
  /** Why it is there. */
  readonly reason: string;
  /** Versions of kubectl that differ: below this minor. Default: all. */
  readonly below?: number;
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Every difference that is meant. What is not listed here fails. */
const known: readonly Difference[] = [
  {
    reason: "Since 1.34 delete says from where; wherry does as the newest",
    below: 34,
    pattern: /(deleted) from \S+ namespace/g,
    replacement: "$1",
  },
];

/** `text` of either side without the differences from a kubectl of this minor version. */
export function maskDifferences(text: string, minor: number): string {
  return known.reduce(
    (masked, { below = Number.POSITIVE_INFINITY, pattern, replacement }) =>
      minor < below ? masked.replace(pattern, replacement) : masked,
    text,
  );
}
