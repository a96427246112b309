import { RE2JS } from "re2js";

/**
 * Regular expressions that users write, as Go reads them (RE2): matched in time linear in the text, whatever the
 * expression. So that a long text against a large one cannot hold the server up, their product is bounded as well.
 */

/** Steps of the expression's program times characters of the text; about a tenth of a second at worst. */
const maxSteps = 20_000_000;
/** Compiled expressions are kept: schemas are compiled again with each change of their definition. */
const maxKept = 1_000;

/** A compiled pattern. */
export interface Pattern {
  /** Why the text does not match; undefined when it does. `undecided` when it is too long to say. */
  test(text: string): "matches" | "differs" | "undecided";
}

const kept = new Map<string, Pattern>();

/**
 * Compiles a pattern in RE2's syntax.
 *
 * @throws SyntaxError with the text of Go's regexp package
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function compilePattern(source: string): Pattern {
  const known = kept.get(source);
  if (known) return known;
  const pattern = compile(source);
  if (kept.size >= maxKept) kept.clear();
  kept.set(source, pattern);
  return pattern;
}

function compile(source: string): Pattern {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (cause) {
    throw new SyntaxError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const size = Math.max(1, compiled.programSize());
  return {
    test: (text) => {
      if (size * text.length > maxSteps) return "undecided";
      return compiled.test(text) ? "matches" : "differs";
    },
  };
}

/** Why a pattern cannot be used; undefined when it can. */
export function patternError(source: string): string | undefined {
  try {
    compilePattern(source);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}
