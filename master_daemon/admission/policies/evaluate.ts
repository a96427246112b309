import type { AuthorizationCheck, Decision } from "../../../core/cel/functions/authorizer.ts";
import { Budget, CelError, CostExceeded, type Program, perCallLimit } from "../../../core/cel/mod.ts";
import type { Value } from "../../../core/cel/values.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import type { Attributes, Authorizer } from "../../authorization/authorizer.ts";
import { accountUser } from "../../authorization/policy.ts";

/** An expression asked the authorizer, whose answer takes time: the evaluation is done again with it. */
class AnswerNeeded extends Error {
  readonly check: AuthorizationCheck;
  constructor(check: AuthorizationCheck) {
    super("the authorizer has not answered yet");
    this.check = check;
  }
}

/** What the authorizer said during one request. */
export class Answers {
  readonly #known = new Map<string, Decision>();
  readonly #user: UserInfo;
  readonly #authorizer: Authorizer;

  constructor(user: UserInfo, authorizer: Authorizer) {
    this.#user = user;
    this.#authorizer = authorizer;
  }

  /** @throws AnswerNeeded the first time */
  answer(check: AuthorizationCheck): Decision {
    const known = this.#known.get(JSON.stringify(check));
    if (known) return known;
    throw new AnswerNeeded(check);
  }

  async fetch({ check }: AnswerNeeded): Promise<void> {
    const user = check.serviceAccount ? accountUser(...check.serviceAccount) : this.#user;
    this.#known.set(JSON.stringify(check), await this.#authorizer.authorize(user, attributesOf(check)));
  }
}

function attributesOf({ serviceAccount: _, verb = "", path, ...resource }: AuthorizationCheck): Attributes {
  if (path !== undefined) return { type: "path", verb, path };
  return {
    group: "",
    resource: "",
    subresource: undefined,
    namespace: undefined,
    name: undefined,
    ...resource,
    type: "resource",
    verb,
    version: "*",
  };
}

/** Cost that is left for the expressions of one request. */
export class Allowance {
  left: number;
  constructor(limit: number) {
    this.left = limit;
  }
}

/** Cost of the expressions of one binding, or of the conditions of one webhook: everybody else waits meanwhile. */
export const requestLimit = 2_500_000;

/** No expression has more questions to the authorizer: two are all that it can pay for. */
const maxQuestions = 8;

/** The expressions together cost too much. */
export class OutOfBudget extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}

/**
 * Evaluates an expression, asking the authorizer where it wants to.
 *
 * @throws CelError, OutOfBudget
 */
export async function evaluate(
  program: Program,
  values: ReadonlyMap<string, Value>,
  { answers, allowance }: { readonly answers: Answers; readonly allowance: Allowance },
): Promise<Value> {
  for (let questions = 0; ; questions++) {
    if (allowance.left <= 0) throw new OutOfBudget();
    const budget = new Budget(Math.min(perCallLimit, allowance.left));
    try {
      const value = program.evaluate(values, budget);
      allowance.left -= budget.spent;
      return value;
    } catch (error) {
      if (error instanceof AnswerNeeded && questions < maxQuestions) {
        await answers.fetch(error);
        continue;
      }
      allowance.left -= budget.spent;
      if (!(error instanceof CostExceeded)) throw error;
      if (allowance.left <= 0) throw new OutOfBudget();
      throw new CelError(error.message, { cause: error });
    }
  }
}
