import type { KubeObject } from "../../../core/api/meta.ts";
import { compareQuantities } from "../../../core/api/quantity.ts";
import type { ResourceQuota } from "../../../core/kinds/resource_quota.ts";
import { type Amounts, amountsOf, amountsText, excess, only, summed } from "../_amounts.ts";
import { refusal } from "../_requests.ts";
import type { AdmissionRequest } from "../plugin.ts";
import { evaluatorOf, type QuotaEvaluator } from "./evaluators.ts";
import { type LimitedResource, uncovered } from "./limited.ts";
import { scopesOf } from "./scopes.ts";

/** A quota with what is used of it. */
export interface QuotaState {
  readonly quota: ResourceQuota;
  readonly hard: Amounts;
  readonly used: Amounts;
}

/** What a write takes from quotas, by their names. */
export type Charge = ReadonlyMap<string, Amounts>;

/** A quota as it stands. */
export function stateOf(quota: ResourceQuota): QuotaState {
  return { quota, hard: amountsOf(quota.status?.hard), used: amountsOf(quota.status?.used) };
}

/** Whether a quota is about an object: it limits something that such objects use up, and the object is in all its scopes. */
export function concerns({ quota, hard }: QuotaState, evaluator: QuotaEvaluator, object: KubeObject): boolean {
  return (
    [...hard.keys()].some((name) => evaluator.measures(name)) &&
    scopesOf(quota).every((scope) => evaluator.isIn(scope, object))
  );
}

/**
 * What a write takes from the quotas of its namespace. Pure.
 *
 * @param options.limited resources of which nobody may have anything where no quota says how much
 * @throws StatusError Forbidden, in Kubernetes' words, when it is too much
 * @see k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go CheckRequest
 */
export function planCharge(
  request: AdmissionRequest,
  quotas: readonly QuotaState[],
  { now, limited = [] }: { readonly now: number; readonly limited?: readonly LimitedResource[] | undefined },
): Charge {
  const evaluator = evaluatorOf(request.kind);
  const { object, previous } = request;
  if (!object) return new Map();
  const concerned = quotas.filter((state) => concerns(state, evaluator, object));
  for (const { quota, hard } of concerned) {
    const missing = evaluator.missing?.(
      [...hard.keys()].filter((name) => evaluator.measures(name)),
      object,
    );
    if (missing) throw refusal(request, `failed quota: ${nameOf(quota)}: ${missing}`);
  }
  const limits = limited.filter(({ group, plural }) => group === request.kind.group && plural === request.kind.plural);
  if (concerned.length === 0 && limits.length === 0) return new Map();
  const usage = evaluator.usage(object, now);
  const negative = [...usage].filter(([, amount]) => amount.nano < 0n).map(([name]) => name);
  if (negative.length > 0)
    throw refusal(request, `quota usage is negative for resource(s): ${negative.sort().join(",")}`);
  const more = previous ? excess(usage, evaluator.usage(previous, now)) : usage;
  if (limits.length > 0 && [...more.values()].some(({ nano }) => nano > 0n)) {
    const names = new Set(concerned.flatMap(({ hard }) => [...hard.keys()]));
    const scopes = quotas.flatMap(({ quota }) => scopesOf(quota)).filter((scope) => evaluator.isIn(scope, object));
    const reason = uncovered(limits, { object, usage, evaluator }, { names, scopes });
    if (reason) throw refusal(request, reason);
  }
  const charge = new Map<string, Amounts>();
  for (const { quota, hard, used } of concerned) {
    const requested = only(more, (name) => hard.has(name) && (more.get(name)?.nano ?? 0n) > 0n);
    if (requested.size === 0) continue;
    const next = summed(used, requested);
    const exceeded = (name: string) => requested.has(name) && isMore(next, hard, name);
    if ([...requested.keys()].some(exceeded))
      throw refusal(
        request,
        `exceeded quota: ${nameOf(quota)}, requested: ${amountsText(only(requested, exceeded))}, ` +
          `used: ${amountsText(only(used, exceeded))}, limited: ${amountsText(only(hard, exceeded))}`,
      );
    charge.set(nameOf(quota), requested);
  }
  return charge;
}

/** The quotas after a charge. */
export function afterCharge(quotas: readonly QuotaState[], charge: Charge): readonly QuotaState[] {
  return quotas.map((state) => {
    const taken = charge.get(nameOf(state.quota));
    return taken ? { ...state, used: summed(state.used, taken) } : state;
  });
}

function isMore(next: Amounts, hard: Amounts, name: string): boolean {
  const [amount, limit] = [next.get(name), hard.get(name)];
  return amount !== undefined && limit !== undefined && compareQuantities(amount, limit) > 0;
}

function nameOf({ metadata }: ResourceQuota): string {
  return metadata.name ?? "";
}
