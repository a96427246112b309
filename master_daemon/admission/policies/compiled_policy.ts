import { CelError, type Program } from "../../../core/cel/mod.ts";
import { applyConfigurationType, jsonPatchListType } from "../../../core/cel/mutation_types.ts";
import { type CelField, type CelType, typeName } from "../../../core/cel/types.ts";
import { CelMap, type Value } from "../../../core/cel/values.ts";
import type { PolicySpec, Variable } from "../../../core/kinds/admission_policy.ts";
import type { MutatingAdmissionPolicy, Mutation } from "../../../core/kinds/mutating_admission_policy.ts";
import type { ValidatingAdmissionPolicy } from "../../../core/kinds/validating_admission_policy.ts";
import { compileExpression } from "./conditions.ts";
import { type Offered, policyOffer } from "./environment.ts";

/** The expressions of a policy, ready. */
export interface CompiledPolicy {
  readonly variables: ReadonlyMap<string, Program>;
  readonly validations: readonly { readonly program: Program; readonly message: Program | undefined }[];
  readonly annotations: readonly Program[];
}

/** The expressions of a mutating policy, ready; or why one is not. */
export interface CompiledMutations {
  readonly variables: ReadonlyMap<string, Program>;
  readonly mutations: readonly (Program | string)[];
}

/** The expressions of a policy, or why they cannot be used. By policy as it is stored: compiled once. */
export const compiledPolicy: (policy: ValidatingAdmissionPolicy) => CompiledPolicy | string = cached(compilePolicy);

/** The expressions of a mutating policy. Those that cannot be used fail when they are. */
export const compiledMutations: (policy: MutatingAdmissionPolicy) => CompiledMutations = cached(compileMutations);

function cached<T extends object, R>(make: (object: T) => R): (object: T) => R {
  const cache = new WeakMap<T, R>();
  return (object) => {
    const known = cache.get(object);
    if (known !== undefined) return known;
    const made = make(object);
    cache.set(object, made);
    return made;
  };
}

function compilePolicy({ spec = {} }: ValidatingAdmissionPolicy): CompiledPolicy | string {
  const problems: string[] = [];
  const ready = (result: Program | string): Program | undefined => {
    if (typeof result !== "string") return result;
    problems.push(result);
    return undefined;
  };
  const base = policyOffer(spec);
  const { programs, type, problems: wrong } = compileVariables(spec.variables ?? [], base);
  problems.push(...wrong.map(({ message }) => message));
  const offered = { ...base, variables: type };
  const plain = { ...offered, authorizer: false };
  const validations = (spec.validations ?? []).flatMap(({ expression, messageExpression }) => {
    const program = ready(compileExpression(expression, offered, ["bool"]));
    const message = messageExpression ? ready(compileExpression(messageExpression, plain, ["string"])) : undefined;
    return program ? [{ program, message }] : [];
  });
  const annotations = (spec.auditAnnotations ?? []).flatMap(
    ({ valueExpression }) => ready(compileExpression(valueExpression, plain, ["string", "null"])) ?? [],
  );
  if (problems.length > 0) return problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]`;
  return { variables: programs, validations, annotations };
}

function compileMutations({ spec = {} }: MutatingAdmissionPolicy): CompiledMutations {
  const { base, mutation } = mutationOffer(spec);
  const { programs, type } = compileVariables(spec.variables ?? [], base);
  const mutations = (spec.mutations ?? []).map((one) => {
    const { expression, wanted } = mutationExpression(one);
    return compileExpression(expression, { ...mutation, variables: type }, wanted);
  });
  return { variables: programs, mutations };
}

/** What a mutation's expression is, and the type that it must have. */
export function mutationExpression({ patchType, applyConfiguration, jsonPatch }: Mutation): {
  readonly expression: string;
  readonly wanted: readonly string[];
} {
  return patchType === "JSONPatch"
    ? { expression: jsonPatch?.expression?.trim() ?? "", wanted: [typeName(jsonPatchListType)] }
    : { expression: applyConfiguration?.expression?.trim() ?? "", wanted: [typeName(applyConfigurationType)] };
}

/** What the variables of a mutating policy may name, and what its mutations may besides. */
export function mutationOffer(spec: PolicySpec): { readonly base: Offered; readonly mutation: Offered } {
  const base = policyOffer(spec);
  return { base, mutation: { ...base, patchTypes: true } };
}

/** The values that expressions share; each may use those before it. */
export function compileVariables(
  variables: readonly Variable[],
  base: Offered,
): {
  readonly programs: ReadonlyMap<string, Program>;
  readonly type: CelType;
  /** What is wrong, and with which. */
  readonly problems: readonly { readonly index: number; readonly message: string }[];
} {
  const programs = new Map<string, Program>();
  const fields = new Map<string, CelField>();
  const type: CelType = { kind: "object", name: "kubernetes.variables", fields };
  const problems: { readonly index: number; readonly message: string }[] = [];
  for (const [index, { name, expression }] of variables.entries()) {
    const program = compileExpression(expression, { ...base, variables: type }, []);
    if (typeof program === "string") {
      problems.push({ index, message: program });
      continue;
    }
    programs.set(name, program);
    fields.set(name, { name, type: program.type });
  }
  return { programs, type, problems };
}

/** `variables`: each is evaluated when an expression first asks for it, at that expression's cost. */
export class LazyVariables extends CelMap {
  override readonly typeName = "kubernetes.variables";
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #values: ReadonlyMap<string, Value>;
  readonly #known = new Map<string, Value>();

  constructor(programs: ReadonlyMap<string, Program>, values: ReadonlyMap<string, Value>) {
    super();
    this.#programs = programs;
    this.#values = values;
  }

  get size(): number {
    return this.#programs.size;
  }

  keys(): readonly string[] {
    return [...this.#programs.keys()];
  }

  get(key: Value): Value | undefined {
    if (typeof key !== "string") return undefined;
    const known = this.#known.get(key);
    const program = this.#programs.get(key);
    if (known !== undefined || !program) return known;
    try {
      const value = program.evaluate(this.#values);
      this.#known.set(key, value);
      return value;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      throw new CelError(`composited variable ${JSON.stringify(key)} fails to evaluate: ${error.message}`, {
        cause: error,
      });
    }
  }
}
