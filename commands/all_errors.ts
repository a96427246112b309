/** Throws what failed: one error as it is, several as one. An AggregateError among them gives its own. */
export function throwAll(errors: readonly unknown[]): void {
  const flat = errors.flatMap((error): readonly unknown[] =>
    error instanceof AggregateError ? error.errors : [error],
  );
  if (flat.length === 1) throw flat[0];
  if (flat.length > 1) throw new AggregateError(flat);
}
