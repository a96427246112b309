/** Throws when something this program relies on does not hold. Kept in production: a wrong answer is worse than none. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${message}`);
}
