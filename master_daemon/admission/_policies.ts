import type { KubeObject } from "../../core/api/meta.ts";
import type { Registry } from "../registry/registry.ts";

/** A policy with the bindings that put it to work. */
export interface BoundPolicy<P, B> {
  readonly policy: P;
  readonly bindings: readonly B[];
}

/** The policies that bindings put to work. */
export async function boundPolicies<
  P extends KubeObject,
  B extends KubeObject & { readonly spec?: { readonly policyName?: string } },
>(policies: Registry<P>, bindings: Registry<B>): Promise<readonly BoundPolicy<P, B>[]> {
  if (bindings.isEmpty) return [];
  const { items: bound } = await bindings.list();
  if (bound.length === 0) return [];
  const { items } = await policies.list();
  return items.flatMap(({ object: policy }) => {
    const own = bound.flatMap(({ object }) => (object.spec?.policyName === policy.metadata.name ? [object] : []));
    return own.length > 0 ? [{ policy, bindings: own }] : [];
  });
}
