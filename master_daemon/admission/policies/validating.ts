import type { KubeObject } from "../../../core/api/meta.ts";
import { StatusError, type StatusReason } from "../../../core/api/status.ts";
import { CelError } from "../../../core/cel/mod.ts";
import type { Value } from "../../../core/cel/values.ts";
import type { Namespace } from "../../../core/kinds/namespace.ts";
import type { ValidatingAdmissionPolicy } from "../../../core/kinds/validating_admission_policy.ts";
import type { ValidatingAdmissionPolicyBinding } from "../../../core/kinds/validating_admission_policy_binding.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import type { Registries } from "../../registry/registry.ts";
import { matchedKind, matchingOf, namespaceOf } from "../_matching.ts";
import type { BoundPolicy } from "../_policies.ts";
import { refusal } from "../_requests.ts";
import { shownAs } from "../_versions.ts";
import type { AdmissionRequest } from "../plugin.ts";
import type { Shown } from "../webhooks/review.ts";
import { type CompiledPolicy, compiledPolicy, LazyVariables } from "./compiled_policy.ts";
import { conditionsHold } from "./conditions.ts";
import { variableValues } from "./environment.ts";
import { Allowance, Answers, evaluate, OutOfBudget, requestLimit } from "./evaluate.ts";
import { ConfigurationError, parametersOf } from "./parameters.ts";

/** A policy with the bindings that put it to work. */
export type PolicyHook = BoundPolicy<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding>;

/** What policies need. */
export interface PolicyServices {
  readonly registries: Registries;
  readonly authorizer: Authorizer;
}

interface Denial {
  readonly message: string;
  readonly reason: StatusReason;
}

/** One thing that an evaluation found wrong. */
interface Finding {
  readonly message: string;
  readonly reason: StatusReason;
  readonly index: number;
}

const maxMessage = 5 * 1024;
const maxAnnotation = 10 * 1024;
const maxFailures = 50;
const codes: Readonly<Partial<Record<StatusReason, number>>> = {
  Unauthorized: 401,
  Forbidden: 403,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

/**
 * Holds a request to every policy that is bound to it.
 *
 * @throws StatusError the first denial
 * @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export async function enforcePolicies(
  hooks: readonly PolicyHook[],
  request: AdmissionRequest,
  services: PolicyServices,
): Promise<void> {
  const enforcement = new Enforcement(request, services);
  for (const hook of hooks) await enforcement.policy(hook);
  enforcement.conclude();
}

class Enforcement {
  readonly #request: AdmissionRequest;
  readonly #services: PolicyServices;
  readonly #denials: Denial[] = [];
  readonly #failures: object[] = [];

  constructor(request: AdmissionRequest, services: PolicyServices) {
    this.#request = request;
    this.#services = services;
  }

  async policy({ policy, bindings }: PolicyHook): Promise<void> {
    const { spec = {}, metadata } = policy;
    const { registries } = this.#services;
    const kind = await matchedKind(matchingOf(spec.matchConstraints), this.#request, registries);
    if (!kind) return;
    const annotations = new Map<string, Set<string>>();
    for (const binding of bindings) {
      const { matchResources } = binding.spec ?? {};
      if (matchResources && !(await matchedKind(matchingOf(matchResources), this.#request, registries))) continue;
      try {
        await this.#binding(policy, binding, { shown: await shownAs(kind, this.#request), annotations });
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        if (spec.failurePolicy === "Ignore") continue;
        this.#deny(policy, binding, { message: `failed to configure binding: ${error.message}`, reason: "Invalid" });
      }
    }
    for (const [key, values] of annotations) this.#request.annotate(`${metadata.name}/${key}`, [...values].join(", "));
  }

  async #binding(
    policy: ValidatingAdmissionPolicy,
    binding: ValidatingAdmissionPolicyBinding,
    { shown, annotations }: { readonly shown: Shown; readonly annotations: Map<string, Set<string>> },
  ): Promise<void> {
    const { paramKind, failurePolicy = "Fail" } = policy.spec ?? {};
    const { validationActions = [], paramRef } = binding.spec ?? {};
    const { registries } = this.#services;
    const parameters = await parametersOf({ paramKind, paramRef }, this.#request.key.namespace, registries);
    const isNamespace = this.#request.kind.group === "" && this.#request.kind.plural === "namespaces";
    const namespace = isNamespace ? undefined : await namespaceOf(this.#request, registries);
    for (const params of parameters) {
      const { findings, published, errors } = await this.#evaluate(policy, shown, { params, namespace });
      for (const finding of findings) this.#report(policy, binding, validationActions, finding);
      for (const [key, value] of published) annotations.set(key, (annotations.get(key) ?? new Set()).add(value));
      if (failurePolicy !== "Ignore")
        for (const message of errors) this.#deny(policy, binding, { message, reason: "Invalid" });
    }
  }

  /** What a policy finds wrong with the request, and what it wants in the audit log. */
  async #evaluate(
    policy: ValidatingAdmissionPolicy,
    shown: Shown,
    { params, namespace }: { readonly params: KubeObject | null; readonly namespace: Namespace | undefined },
  ): Promise<{
    readonly findings: readonly Finding[];
    readonly published: readonly (readonly [string, string])[];
    readonly errors: readonly string[];
  }> {
    const { failurePolicy = "Fail", matchConditions = [] } = policy.spec ?? {};
    const request = this.#request;
    const { authorizer } = this.#services;
    const failed = (message: string) => ({
      findings: failurePolicy === "Ignore" ? [] : [{ message, reason: "Invalid" as const, index: 0 }],
      published: [],
      errors: [],
    });
    const compiled = compiledPolicy(policy);
    if (typeof compiled === "string") return failed(compiled);
    if (matchConditions.length > 0) {
      const outcome = await conditionsHold(matchConditions, { request, shown, authorizer, params });
      if ("error" in outcome) return failed(outcome.error);
      if (!outcome.holds) return { findings: [], published: [], errors: [] };
    }
    const answers = new Answers(request.user, authorizer);
    const values = variableValues(request, shown, { params, namespace, answers });
    values.set("variables", new LazyVariables(compiled.variables, values));
    const run = { answers, allowance: new Allowance(requestLimit) };
    try {
      const findings: Finding[] = [];
      for (const [index, validation] of compiled.validations.entries()) {
        const finding = await validate(policy, { index, ...validation }, values, run);
        if (finding) findings.push(finding);
      }
      return { findings, ...(await annotationsOf(policy, compiled, values, run)) };
    } catch (error) {
      if (error instanceof OutOfBudget) return failed(error.message);
      throw error;
    }
  }

  #report(
    policy: ValidatingAdmissionPolicy,
    binding: ValidatingAdmissionPolicyBinding,
    validationActions: readonly string[],
    { message, reason, index }: Finding,
  ): void {
    const [name, bound] = [policy.metadata.name, binding.metadata.name];
    for (const action of validationActions) {
      if (action === "Deny") this.#deny(policy, binding, { message, reason });
      else if (action === "Warn")
        this.#request.warn(
          `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${bound}': ${message}`,
        );
      else if (action === "Audit")
        this.#failures.push({ message, policy: name, binding: bound, expressionIndex: index, validationActions });
    }
  }

  #deny(
    policy: ValidatingAdmissionPolicy,
    binding: ValidatingAdmissionPolicyBinding,
    { message, reason }: Denial,
  ): void {
    const by = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    this.#denials.push({ message: `${by} denied request: ${message}`, reason });
  }

  /** @throws StatusError */
  conclude(): void {
    if (this.#failures.length > 0)
      this.#request.annotate(
        "validation.policy.admission.k8s.io/validation_failure",
        JSON.stringify(this.#failures.slice(0, maxFailures)),
      );
    const [first] = this.#denials;
    if (!first) return;
    const { message, details } = refusal(this.#request, first.message).status;
    const causes = [...(details?.causes ?? []), { message: first.message }];
    throw new StatusError(codes[first.reason] ?? 422, first.reason, message ?? "", { ...details, causes });
  }
}

type RunOptions = Parameters<typeof evaluate>[2];

async function validate(
  { spec = {} }: ValidatingAdmissionPolicy,
  { index, program, message }: CompiledPolicy["validations"][number] & { readonly index: number },
  values: ReadonlyMap<string, Value>,
  run: RunOptions,
): Promise<Finding | undefined> {
  const { expression = "", message: text, reason = "Invalid" } = spec.validations?.[index] ?? {};
  try {
    if ((await evaluate(program, values, run)) === true) return undefined;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    if (spec.failurePolicy === "Ignore") return undefined;
    return { message: `expression '${expression}' resulted in error: ${error.message}`, reason: "Invalid", index };
  }
  const said = message && (await messageFrom(message, values, run));
  return { message: said || text?.trim() || `failed expression: ${expression.trim()}`, reason, index };
}

async function messageFrom(
  program: CompiledPolicy["annotations"][number],
  values: ReadonlyMap<string, Value>,
  run: RunOptions,
): Promise<string | undefined> {
  try {
    const value = await evaluate(program, values, run);
    const text = typeof value === "string" ? value.trim() : "";
    return text.length > maxMessage || text.includes("\n") ? undefined : text;
  } catch (error) {
    if (error instanceof CelError) return undefined;
    throw error;
  }
}

async function annotationsOf(
  { spec = {} }: ValidatingAdmissionPolicy,
  { annotations }: CompiledPolicy,
  values: ReadonlyMap<string, Value>,
  run: RunOptions,
): Promise<{ readonly published: readonly (readonly [string, string])[]; readonly errors: readonly string[] }> {
  const published: (readonly [string, string])[] = [];
  const errors: string[] = [];
  for (const [index, program] of annotations.entries()) {
    const { key = "", valueExpression = "" } = spec.auditAnnotations?.[index] ?? {};
    try {
      const value = await evaluate(program, values, run);
      if (typeof value === "string" && value.trim()) published.push([key, value.trim().slice(0, maxAnnotation)]);
      else if (value !== null && typeof value !== "string")
        errors.push(
          `valueExpression '${valueExpression}' resulted in unsupported return type: ${typeof value}. Return type must be either string or null.`,
        );
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      errors.push(`expression '${valueExpression}' resulted in error: ${error.message}`);
    }
  }
  return { published, errors };
}
