/** Why an expression has no value: `no such key: x`, `division by zero`. `&&` and `||` may absorb it. */
export class CelError extends Error {
  override readonly name = "CelError";
}

/** The cost of an evaluation went over its limit. Nothing absorbs it. */
export class CostExceeded extends Error {
  override readonly name = "CostExceeded";
  constructor() {
    super("operation cancelled: actual cost limit exceeded");
  }
}

/** One mistake in an expression. */
export interface Issue {
  readonly message: string;
  /** Where, in UTF-16 units from the start. */
  readonly at: number;
}

/** An expression cannot be compiled. The message shows the places, as cel-go does. */
export class CompileError extends Error {
  override readonly name = "CompileError";
  readonly issues: readonly Issue[];
  constructor(source: string, issues: readonly Issue[]) {
    super(
      [...issues]
        .sort((a, b) => a.at - b.at)
        .map((issue) => display(source, issue))
        .join("\n"),
    );
    this.issues = issues;
  }
}

/** Longest line that is shown with a mistake. */
const maxShown = 500;

function display(source: string, { message, at }: Issue): string {
  const before = source.slice(0, at);
  const start = before.lastIndexOf("\n") + 1;
  const end = source.indexOf("\n", at);
  const line = source.slice(start, end < 0 ? undefined : end);
  const column = at - start;
  const place = `ERROR: <input>:${before.split("\n").length}:${column + 1}: ${message}`;
  return line.length > maxShown ? place : `${place}\n | ${line.replaceAll("\t", " ")}\n | ${".".repeat(column)}^`;
}
