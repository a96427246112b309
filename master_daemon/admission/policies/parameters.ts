import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import { selectorFromObject } from "../../../core/api/labels.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import { isReason } from "../../../core/api/status.ts";
import type { ParamKind, ParamRef } from "../../../core/kinds/admission_policy.ts";
import type { Registries } from "../../registry/registry.ts";

/** A policy or binding that cannot be used as it is configured. */
export class ConfigurationError extends Error {}

/**
 * The parameters that a binding gives, one evaluation each; `[null]` where there are none to give.
 *
 * @throws ConfigurationError
 */
export async function parametersOf(
  { paramKind, paramRef }: { readonly paramKind: ParamKind | undefined; readonly paramRef: ParamRef | undefined },
  requestNamespace: string | undefined,
  registries: Registries,
): Promise<readonly (KubeObject | null)[]> {
  if (!paramKind || !paramRef) return [null];
  const kind = registries.kinds.find(
    (one) => apiVersionOf(one) === paramKind.apiVersion && one.kind === paramKind.kind,
  );
  if (!kind)
    throw new ConfigurationError(
      `failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`,
    );
  const namespace = namespaceFor(kind, paramRef, requestNamespace);
  const found = await find(kind, paramRef, namespace, registries);
  if (found.length === 0 && paramRef.parameterNotFoundAction === "Deny")
    throw new ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction");
  return found;
}

function namespaceFor(kind: Kind, { namespace }: ParamRef, requestNamespace: string | undefined): string | undefined {
  if (!kind.namespaced) {
    if (namespace)
      throw new ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
    return undefined;
  }
  const chosen = namespace || requestNamespace;
  if (!chosen)
    throw new ConfigurationError(
      "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
    );
  return chosen;
}

async function find(
  kind: Kind,
  { name, selector }: ParamRef,
  namespace: string | undefined,
  registries: Registries,
): Promise<readonly KubeObject[]> {
  const registry = registries.for(kind);
  const typed = (object: KubeObject): KubeObject => ({ ...object, apiVersion: apiVersionOf(kind), kind: kind.kind });
  if (name) {
    try {
      return [typed((await registry.get({ name, ...(namespace ? { namespace } : {}) })).object)];
    } catch (error) {
      if (isReason(error, "NotFound")) return [];
      throw error;
    }
  }
  const labels = selectorFromObject(selector);
  const { items } = await registry.list({
    namespace,
    matches: ({ object }) => labels.matches(object.metadata.labels ?? {}),
  });
  return items.map(({ object }) => typed(object));
}
