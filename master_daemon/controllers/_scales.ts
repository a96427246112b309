import { apiVersionOf, type ResourceType } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { discover } from "../../core/client/discovery.ts";
import { kinds } from "../../core/kinds/mod.ts";

/** How many pods an object has and is to have, whatever its kind. @see k8s.io/api/autoscaling/v1/types.go Scale */
export interface Scale extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly replicas?: number;
    /** As kubectl's `-l` takes it. */
    readonly selector?: string;
  };
}

/** A resource, and whether it has `/scale`. */
export interface ScalableResource extends ResourceType {
  readonly hasScale: boolean;
}

/**
 * The resources of a kind, each version of its group that is served, those of this program without asking.
 *
 * @param reference a kind with its `group/version`; the version does not count
 */
export async function resourcesOfKind(
  client: Client,
  { apiVersion = "v1", kind }: { readonly apiVersion?: string | undefined; readonly kind: string },
  options: { readonly signal: AbortSignal },
): Promise<readonly ScalableResource[]> {
  const group = groupOf(apiVersion);
  const isOne = (type: ResourceType) => type.kind === kind && type.group === group;
  const own = kinds.filter(isOne);
  if (own.length > 0) return own.map((type) => ({ ...typeOf(type), hasScale: type.subresources?.scale !== undefined }));
  const found = (await discover(client, options)).filter(isOne);
  return found.map((type) => ({
    ...typeOf(type),
    hasScale: type.subresources.some(({ name }) => name === "scale"),
  }));
}

/** The one of them that is of a certain version. */
export function ofVersion(
  resources: readonly ScalableResource[],
  apiVersion: string | undefined,
): ScalableResource | undefined {
  return resources.find((type) => apiVersionOf(type) === apiVersion);
}

/** A resource as that of its scales: `client.get(scalesOf(type), key, { subresource: "scale" })`. */
export function scalesOf(type: ResourceType): ResourceType<Scale> {
  return typeOf(type);
}

/** The group in an `apiVersion`: `""` for `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

function typeOf({ group, version, kind, plural, namespaced }: ResourceType): ResourceType<Scale> {
  return { group, version, kind, plural, namespaced };
}
