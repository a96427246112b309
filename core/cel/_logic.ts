import { costs, noOverload, nothing, type Typed } from "./_typed.ts";
import type { Compiler } from "./compiler.ts";
import { CelError } from "./errors.ts";
import type { Expr } from "./syntax.ts";
import { assignable, bool, join } from "./types.ts";

/** Compiles `&&` and `||`: a term that decides does so, also after one that failed. */
export function compileLogic(compiler: Compiler, terms: readonly Expr[], decisive: boolean, at: number): Typed {
  const typed = terms.map((term) => compiler.compile(term));
  const wrong = typed.find(({ type }) => !assignable(bool, type, new Map()));
  if (wrong) {
    const index = typed.indexOf(wrong);
    const pair = index === 0 ? [wrong, typed[1] ?? wrong] : [{ type: bool }, wrong];
    const types = pair.map(({ type }) => type);
    return compiler.mistake(noOverload(decisive ? "_||_" : "_&&_", types), at);
  }
  const runs = typed.map(({ run }) => run);
  return {
    type: bool,
    run(frame) {
      frame.budget.spend(costs.step);
      let failure: CelError | undefined;
      for (const run of runs) {
        try {
          const value = run(frame);
          if (value === decisive) return decisive;
          if (typeof value !== "boolean") failure ??= new CelError("no such overload");
        } catch (error) {
          if (!(error instanceof CelError)) throw error;
          failure ??= error;
        }
      }
      if (failure) throw failure;
      return !decisive;
    },
  };
}

/** Compiles `condition ? yes : no`. */
export function compileConditional(compiler: Compiler, [condition, yes, no]: readonly Expr[], at: number): Typed {
  if (!condition || !yes || !no) return nothing;
  const typed = [condition, yes, no].map((part) => compiler.compile(part));
  const [test = nothing, first = nothing, second = nothing] = typed;
  const type = join(first.type, second.type);
  if (!type || !assignable(bool, test.type, new Map())) {
    const types = typed.map((part) => part.type);
    return compiler.mistake(noOverload("_?_:_", types), at);
  }
  return {
    type,
    run(frame) {
      frame.budget.spend(costs.step);
      const value = test.run(frame);
      if (typeof value !== "boolean") throw new CelError("no such overload");
      return value ? first.run(frame) : second.run(frame);
    },
  };
}
