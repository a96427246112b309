import { RE2JS, RE2JSException } from "re2js";
import type { Budget } from "../budget.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { bool, int, listOf, string } from "../types.ts";

/** Compiled patterns; few are made while an expression runs, most stand in its source. */
const cache = new Map<string, RE2JS>();
const maxCached = 500;
/** Longest pattern: its compilation is work before any text is looked at. */
const maxPattern = 1000;

/**
 * A pattern as RE2 reads it; matching takes time linear in the text.
 *
 * @throws CelError
 */
export function compilePattern(pattern: string): RE2JS {
  const known = cache.get(pattern);
  if (known) return known;
  if (pattern.length > maxPattern)
    throw new CelError(`error parsing regexp: expression is longer than ${maxPattern} characters`);
  try {
    const compiled = RE2JS.compile(pattern);
    if (cache.size >= maxCached) cache.clear();
    cache.set(pattern, compiled);
    return compiled;
  } catch (error) {
    if (error instanceof RE2JSException) throw new CelError(error.message, { cause: error });
    throw error;
  }
}

/** Kubernetes' cost of looking for a pattern. Its Go counterpart is faster where it must tell what was found. */
function pay(text: string, pattern: string, budget: Budget): void {
  budget.spend(Math.ceil((1 + text.length) * 0.1) * Math.max(1, Math.ceil(pattern.length * 0.25)));
}

/** What a step of the automaton costs when it only tells whether the text matches, and when it must tell what did. */
const testCost = 0.05;
const findCost = 2;

function findAll(text: string, pattern: string, limit: bigint, budget: Budget): readonly string[] {
  pay(text, pattern, budget);
  const compiled = compilePattern(pattern);
  const matcher = compiled.matcher(text);
  const found: string[] = [];
  let at = 0;
  while (limit < 0n || BigInt(found.length) < limit) {
    // Each search may go to the end of the text.
    budget.spend((text.length - at + 1) * compiled.programSize() * findCost);
    if (!matcher.find()) break;
    at = matcher.end();
    found.push(matcher.group() ?? "");
  }
  return found;
}

const matches = overload([string, string], bool, ([text, pattern], budget) => {
  pay(text as string, pattern as string, budget);
  const compiled = compilePattern(pattern as string);
  budget.spend((text as string).length * compiled.programSize() * testCost);
  return compiled.test(text as string);
});

/** Regular expressions. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library */
export const regexFunctions: readonly FunctionSet[] = [
  { name: "matches", global: [matches], member: [matches] },
  {
    name: "find",
    member: [
      overload(
        [string, string],
        string,
        ([text, pattern], budget) => findAll(text as string, pattern as string, 1n, budget)[0] ?? "",
      ),
    ],
  },
  {
    name: "findAll",
    member: [
      overload([string, string], listOf(string), ([text, pattern], budget) =>
        findAll(text as string, pattern as string, -1n, budget),
      ),
      overload([string, string, int], listOf(string), ([text, pattern, limit], budget) =>
        findAll(text as string, pattern as string, limit as bigint, budget),
      ),
    ],
  },
];
