import type { KubeObject } from "../../../core/api/meta.ts";
import { CelError, CompileError, compile, type Program } from "../../../core/cel/mod.ts";
import { mutationTypes } from "../../../core/cel/mutation_types.ts";
import { typeName } from "../../../core/cel/types.ts";
import type { Value } from "../../../core/cel/values.ts";
import type { MatchCondition } from "../../../core/kinds/webhook.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import type { AdmissionRequest } from "../plugin.ts";
import type { Shown } from "../webhooks/review.ts";
import { type Offered, variableTypes, variableValues } from "./environment.ts";
import { Allowance, Answers, evaluate, OutOfBudget, requestLimit } from "./evaluate.ts";

/** Whether conditions hold, or why that cannot be told. */
export type Outcome = { readonly holds: boolean } | { readonly error: string };

/** Programs by the array of conditions they were made of: stored objects are shared, and never changed. */
const compiled = new WeakMap<readonly MatchCondition[], readonly (Program | string)[]>();

/**
 * Whether all match conditions hold for a request. One that does not hold decides, also among others that fail.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-matchconditions
 */
export async function conditionsHold(
  conditions: readonly MatchCondition[],
  context: {
    readonly request: AdmissionRequest;
    readonly shown: Shown;
    readonly authorizer: Authorizer;
    readonly params?: KubeObject | null | undefined;
  },
): Promise<Outcome> {
  const { request, shown, params } = context;
  const answers = new Answers(request.user, context.authorizer);
  const values: ReadonlyMap<string, Value> = variableValues(request, shown, { params, answers });
  const programs = compiled.get(conditions) ?? compileConditions(conditions, { authorizer: true, params: true });
  compiled.set(conditions, programs);
  const allowance = new Allowance(requestLimit);
  const errors: string[] = [];
  for (const [index, program] of programs.entries()) {
    const { expression = "" } = conditions[index] ?? {};
    if (typeof program === "string") {
      errors.push(`compilation error: ${program}`);
      continue;
    }
    try {
      if ((await evaluate(program, values, { answers, allowance })) !== true) return { holds: false };
    } catch (error) {
      if (error instanceof OutOfBudget) return { error: error.message };
      if (!(error instanceof CelError)) throw error;
      errors.push(`expression '${expression}' resulted in error: ${error.message}`);
    }
  }
  if (errors.length === 0) return { holds: true };
  return { error: errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]` };
}

function compileConditions(conditions: readonly MatchCondition[], offered: Offered): readonly (Program | string)[] {
  return conditions.map(({ expression }) => compileExpression(expression, offered, ["bool"]));
}

/** A program, or why the expression is none. @param wanted names of types that its value may have */
export function compileExpression(expression: string, offered: Offered, wanted: readonly string[]): Program | string {
  try {
    const program = compile(expression, variableTypes(offered), {
      messages: offered.patchTypes ? mutationTypes : undefined,
    });
    const name = typeName(program.type);
    if (wanted.length === 0 || name === "dyn" || wanted.includes(name)) return program;
    return wanted.length === 1 ? `must evaluate to ${wanted[0]}` : `must evaluate to one of [${wanted.join(" ")}]`;
  } catch (error) {
    if (error instanceof CompileError) return `compilation failed: ${error.message}`;
    throw error;
  }
}
