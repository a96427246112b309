import type { Typed } from "./_typed.ts";
import { Budget } from "./budget.ts";
import { Compiler, type MessageTypes } from "./compiler.ts";
import type { Declaration } from "./declaration.ts";
import { CelError, CompileError } from "./errors.ts";
import { estimateCost } from "./estimate.ts";
import { parse } from "./parse.ts";
import type { Expr } from "./syntax.ts";
import type { CelType } from "./types.ts";
import type { Value } from "./values.ts";

/** An expression ready to be evaluated. */
export interface Program {
  /** The type of its value. */
  readonly type: CelType;
  /** The variables that it names. */
  readonly uses: ReadonlySet<string>;
  /** The most that it can cost; where that was asked for. */
  readonly maxCost?: number;
  /**
   * Evaluates it. Never takes longer than its budget allows, whatever the values are.
   *
   * @param values the variables; one that is missing is an error when it is reached
   * @throws CelError when the expression has no value
   * @throws CostExceeded
   */
  evaluate(values: ReadonlyMap<string, Value>, budget?: Budget): Value;
}

/**
 * Reads an expression and checks its types.
 *
 * @param variables the types of the variables, by name; a name may have dots
 * @param options.messages the types of which it may make objects. Default: none
 * @param options.self how large the variables are: what it can cost is estimated
 * @throws CompileError with the place of every mistake
 */
export function compile(
  source: string,
  variables: ReadonlyMap<string, CelType>,
  { messages, self }: { readonly messages?: MessageTypes | undefined; readonly self?: Declaration | undefined } = {},
): Program {
  const compiler = new Compiler(variables, messages);
  const { type, run, expr } = compileWhole(compiler, source);
  if (compiler.issues.length > 0) throw new CompileError(source, compiler.issues);
  const names = [...variables.keys()];
  return {
    type,
    uses: compiler.uses,
    ...(self ? { maxCost: estimateCost(expr, compiler.types, self) } : {}),
    evaluate(values, budget = new Budget()) {
      const slots = names.map((name) => values.get(name));
      try {
        return run({ slots, budget });
      } catch (error) {
        // Deep values recurse as deep.
        if (error instanceof RangeError) throw new CelError("evaluation is nested too deeply", { cause: error });
        throw error;
      }
    },
  };
}

function compileWhole(compiler: Compiler, source: string): Typed & { readonly expr: Expr } {
  try {
    const expr = parse(source);
    return { ...compiler.compile(expr), expr };
  } catch (error) {
    // Each level takes several calls; how many fit depends on who calls.
    if (!(error instanceof RangeError)) throw error;
    throw new CompileError(source, [{ message: "expression is nested too deeply", at: 0 }]);
  }
}
