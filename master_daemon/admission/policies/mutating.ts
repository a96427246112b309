import { asJson, jsonEqual } from "../../../core/api/json_object.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import type { ApiSchema } from "../../../core/api/schema.ts";
import { StatusError, type StatusReason } from "../../../core/api/status.ts";
import { CelError } from "../../../core/cel/mod.ts";
import type { MutatingAdmissionPolicy } from "../../../core/kinds/mutating_admission_policy.ts";
import type { MutatingAdmissionPolicyBinding } from "../../../core/kinds/mutating_admission_policy_binding.ts";
import type { Namespace } from "../../../core/kinds/namespace.ts";
import { matchedKind, matchingOf, namespaceOf } from "../_matching.ts";
import type { BoundPolicy } from "../_policies.ts";
import { refusal } from "../_requests.ts";
import { convertTo, shownAs } from "../_versions.ts";
import type { AdmissionRequest, MutatingRounds } from "../plugin.ts";
import type { Shown } from "../webhooks/review.ts";
import { compiledMutations, LazyVariables } from "./compiled_policy.ts";
import { conditionsHold } from "./conditions.ts";
import { variableValues } from "./environment.ts";
import { Allowance, Answers, evaluate, OutOfBudget, requestLimit } from "./evaluate.ts";
import { applyConfigurationValue, applyJsonPatchValue } from "./mutation_patches.ts";
import { ConfigurationError, parametersOf } from "./parameters.ts";
import type { PolicyServices } from "./validating.ts";

type Hook = BoundPolicy<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding>;
type Request = AdmissionRequest & { readonly object: KubeObject };
type Services = PolicyServices & { readonly schema: ApiSchema };

/** A policy, for one binding and one of its parameters. */
interface Invocation {
  readonly policy: MutatingAdmissionPolicy;
  readonly binding: MutatingAdmissionPolicyBinding;
  readonly kind: Shown["kind"];
  readonly params: KubeObject | null;
}

/** Why a policy cannot do its work. */
interface PolicyError {
  readonly policy: MutatingAdmissionPolicy;
  readonly binding?: MutatingAdmissionPolicyBinding;
  readonly message: string;
  readonly reason?: StatusReason;
}

/**
 * Changes what is written as the policies say that are bound to it: one after the other, each with what those before it made.
 *
 * @returns the object as they want it
 * @throws StatusError
 * @see https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
 */
export async function applyPolicies(
  hooks: readonly Hook[],
  request: Request,
  rounds: MutatingRounds,
  services: Services,
): Promise<KubeObject> {
  const { invocations, errors } = await invocationsOf(hooks, request, services);
  const reinvocations = rounds.reinvocations("MutatingAdmissionPolicy");
  reinvocations.begin(rounds.round, request.object);
  // Namespaces have none of their own.
  const isNamespace = request.kind.group === "" && request.kind.plural === "namespaces";
  const isAny = invocations.length > 0;
  const namespace = isNamespace || !isAny ? undefined : await namespaceOf(request, services.registries);
  let { object } = request;
  for (const invocation of invocations) {
    const { policy } = invocation;
    const uid = uidOf(invocation);
    const current = { ...request, object };
    const holds = await conditionHolds(invocation, current, services);
    if (typeof holds === "string") errors.push({ ...invocation, message: holds, reason: "Invalid" });
    if (holds !== true || !reinvocations.isDue(uid, rounds.round)) continue;
    const mutated = await invoke(invocation, current, { services, namespace, errors });
    if (!jsonEqual(asJson(mutated), asJson(object))) {
      object = mutated;
      reinvocations.changed();
      rounds.changed();
    }
    reinvocations.asked(uid, policy.spec?.reinvocationPolicy);
  }
  reinvocations.end(object);
  conclude(request, errors);
  return object;
}

function uidOf({ policy, binding, params }: Invocation): string {
  return JSON.stringify([
    policy.metadata.name,
    binding.metadata.name,
    params?.metadata.namespace ?? "",
    params?.metadata.name ?? "",
  ]);
}

/** Which policies a request is about, with which parameters. */
async function invocationsOf(
  hooks: readonly Hook[],
  request: Request,
  { registries }: Services,
): Promise<{ readonly invocations: readonly Invocation[]; readonly errors: PolicyError[] }> {
  const invocations: Invocation[] = [];
  const errors: PolicyError[] = [];
  for (const { policy, bindings } of hooks) {
    const { matchConstraints, paramKind } = policy.spec ?? {};
    const kind = await matchedKind(matchingOf(matchConstraints), request, registries);
    if (!kind) continue;
    for (const binding of bindings) {
      const { matchResources, paramRef } = binding.spec ?? {};
      if (matchResources && !(await matchedKind(matchingOf(matchResources), request, registries))) continue;
      try {
        for (const params of await parametersOf({ paramKind, paramRef }, request.key.namespace, registries))
          invocations.push({ policy, binding, kind, params });
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        errors.push({ policy, binding, message: `failed to configure binding: ${error.message}` });
      }
    }
  }
  return { invocations, errors };
}

/** Whether the match conditions hold, or why that cannot be told. */
async function conditionHolds(
  { policy, kind, params }: Invocation,
  request: Request,
  { authorizer }: Services,
): Promise<boolean | string> {
  const { matchConditions = [], failurePolicy } = policy.spec ?? {};
  if (matchConditions.length === 0) return true;
  const shown = await shownAs(kind, request);
  const outcome = await conditionsHold(matchConditions, { request, shown, authorizer, params });
  if ("holds" in outcome) return outcome.holds;
  return failurePolicy === "Ignore" ? false : outcome.error;
}

/** The object after the mutations of a policy, in their order. One that fails is left out. */
async function invoke(
  invocation: Invocation,
  request: Request,
  context: { readonly services: Services; readonly namespace: Namespace | undefined; readonly errors: PolicyError[] },
): Promise<KubeObject> {
  let { object } = request;
  for (const index of (invocation.policy.spec?.mutations ?? []).keys()) {
    try {
      object = await mutateOnce(invocation, index, { ...request, object }, context);
    } catch (error) {
      if (!(error instanceof CelError || error instanceof OutOfBudget)) throw error;
      context.errors.push({ ...invocation, message: error.message, reason: "Invalid" });
    }
  }
  return object;
}

/** @throws CelError, OutOfBudget, StatusError */
async function mutateOnce(
  { policy, kind, params }: Invocation,
  index: number,
  request: Request,
  { services, namespace }: { readonly services: Services; readonly namespace: Namespace | undefined },
): Promise<KubeObject> {
  const { variables, mutations } = compiledMutations(policy);
  const program = mutations[index];
  if (program === undefined || typeof program === "string") throw new CelError(`compilation error: ${program ?? ""}`);
  const { schema, authorizer } = services;
  const shown = await shownAs(kind, request);
  const { object } = shown;
  if (!object) return request.object;
  const answers = new Answers(request.user, authorizer);
  const values = variableValues(request, shown, { params, namespace, answers });
  values.set("variables", new LazyVariables(variables, values));
  const mutation = policy.spec?.mutations?.[index];
  const isPatch = mutation?.patchType === "JSONPatch";
  const expression = (isPatch ? mutation.jsonPatch : mutation?.applyConfiguration)?.expression ?? "";
  const value = await evaluate(program, values, { answers, allowance: new Allowance(requestLimit) }).catch(
    (error: unknown) => {
      if (!(error instanceof CelError)) throw error;
      throw new CelError(`expression '${expression}' resulted in error: ${error.message}`, { cause: error });
    },
  );
  const mutated = (isPatch ? applyJsonPatchValue : applyConfigurationValue)(value, { kind, object, schema });
  return mutated === object ? request.object : convertTo(request.kind, kind, mutated);
}

/** @throws StatusError when a policy failed that may not be ignored */
function conclude(request: Request, errors: readonly PolicyError[]): void {
  const counted = errors.filter(({ policy }) => policy.spec?.failurePolicy !== "Ignore");
  const [first] = counted;
  if (!first) return;
  const causes = counted.map((error) => ({ message: textOf(error) }));
  const { status } = refusal(request, "admission request denied by policy");
  throw new StatusError(403, first.reason ?? "Forbidden", textOf(first), { ...status.details, causes });
}

function textOf({ policy, binding, message }: PolicyError): string {
  const name = policy.metadata.name ?? "";
  return binding
    ? `policy '${name}' with binding '${binding.metadata.name}' denied request: ${message}`
    : `policy ${JSON.stringify(name)} denied request: ${message}`;
}
