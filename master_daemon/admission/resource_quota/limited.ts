import { isJsonObject } from "../../../core/api/json_object.ts";
import type { Json, JsonObject, KubeObject } from "../../../core/api/meta.ts";
import type { ScopedResourceSelectorRequirement } from "../../../core/kinds/resource_quota.ts";
import type { Amounts } from "../_amounts.ts";
import type { QuotaEvaluator } from "./evaluators.ts";

/** A resource of which nobody may have anything where no quota says how much. */
export interface LimitedResource {
  readonly group: string;
  readonly plural: string;
  /** Parts of the names of what objects use up. */
  readonly matchContains: readonly string[];
  readonly matchScopes: readonly ScopedResourceSelectorRequirement[];
}

/**
 * The limited resources of a ResourceQuotaConfiguration.
 *
 * @throws RangeError naming what is wrong
 * @see https://kubernetes.io/docs/concepts/policy/resource-quotas/#limit-priority-class-consumption-by-default
 */
export function parseLimitedResources({ kind, limitedResources = [] }: JsonObject): readonly LimitedResource[] {
  if (kind !== "ResourceQuotaConfiguration" && kind !== "Configuration") throw wrong("kind", kind);
  if (!Array.isArray(limitedResources)) throw wrong("limitedResources", limitedResources);
  return limitedResources.map((entry, index): LimitedResource => {
    const at = `limitedResources[${index}]`;
    if (!isJsonObject(entry)) throw wrong(at, entry);
    const { apiGroup = "", resource, matchContains = [], matchScopes = [] } = entry;
    if (typeof apiGroup !== "string") throw wrong(`${at}.apiGroup`, apiGroup);
    if (typeof resource !== "string" || resource === "") throw wrong(`${at}.resource`, resource);
    if (!isTexts(matchContains)) throw wrong(`${at}.matchContains`, matchContains);
    if (!Array.isArray(matchScopes) || !matchScopes.every(isScope)) throw wrong(`${at}.matchScopes`, matchScopes);
    return { group: apiGroup, plural: resource, matchContains, matchScopes: matchScopes.filter(isScope) };
  });
}

const operators: readonly unknown[] = ["Exists", "DoesNotExist", "In", "NotIn"];

function isScope(value: unknown): value is ScopedResourceSelectorRequirement {
  if (typeof value !== "object" || value === null) return false;
  const { scopeName, operator, values = [] } = value as Readonly<Record<string, unknown>>;
  return typeof scopeName === "string" && operators.includes(operator) && isTexts(values);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function wrong(field: string, value: Json | undefined): RangeError {
  return new RangeError(`Cannot use the ResourceQuotaConfiguration: ${field}: ${JSON.stringify(value ?? null)}`);
}

/**
 * Why an object may not be had, since no quota is about what it uses up; undefined when that is not so.
 *
 * @param limited what there is for the object's resource
 * @param covered what the quotas that are about the object limit, and the scopes of quotas that it is in
 */
export function uncovered(
  limited: readonly LimitedResource[],
  {
    object,
    usage,
    evaluator,
  }: { readonly object: KubeObject; readonly usage: Amounts; readonly evaluator: QuotaEvaluator },
  covered: { readonly names: ReadonlySet<string>; readonly scopes: readonly ScopedResourceSelectorRequirement[] },
): string | undefined {
  const parts = limited.flatMap(({ matchContains }) => matchContains);
  const names = [...usage].flatMap(([name, { nano }]) =>
    nano > 0n && parts.some((part) => name.includes(part)) && !covered.names.has(name) ? [name] : [],
  );
  if (names.length > 0) return `insufficient quota to consume: ${names.sort().join(",")}`;
  const scopes = limited
    .flatMap(({ matchScopes }) => matchScopes)
    .filter((scope) => evaluator.isIn(scope, object))
    .filter(({ scopeName }) => !covered.scopes.some((one) => one.scopeName === scopeName));
  if (scopes.length === 0) return undefined;
  const texts = scopes.map(
    ({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(" ")}]}`,
  );
  return `insufficient quota to match these scopes: [${texts.join(" ")}]`;
}
