import type { ResourceQuota, ScopedResourceSelectorRequirement } from "../../../core/kinds/resource_quota.ts";

/** The scopes that an object must be in for a quota to be about it. */
export function scopesOf({ spec = {} }: ResourceQuota): readonly ScopedResourceSelectorRequirement[] {
  const named = (spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" as const }));
  return [...named, ...(spec.scopeSelector?.matchExpressions ?? [])];
}

/** Whether a value, such as the name of a priority class, is as a scope wants it. Empty: there is none. */
export function matchesRequirement(
  { operator, values = [] }: ScopedResourceSelectorRequirement,
  value: string | undefined,
): boolean {
  switch (operator) {
    case "Exists":
      return Boolean(value);
    case "DoesNotExist":
      return !value;
    case "In":
      return Boolean(value) && values.includes(value ?? "");
    case "NotIn":
      return !value || !values.includes(value);
  }
}
