import type { ResourceType } from "../../core/api/kind.ts";
import { compareVersions } from "../../core/api/version_order.ts";
import { type CustomResourceDefinition, isTrue } from "../../core/kinds/custom_resource_definition.ts";

/**
 * The resource that a definition makes; undefined while none of its versions is served. In the version that is stored, so
 * that nothing need be converted, or else in the one that clients should prefer.
 */
export function customResourceType(definition: CustomResourceDefinition): ResourceType | undefined {
  if (!isTrue(definition, "Established")) return undefined;
  const { group, names, scope, versions } = definition.spec;
  const served = versions.filter((one) => one.served);
  const preferred = served.map(({ name }) => name).sort(compareVersions)[0];
  const version = served.find(({ storage }) => storage)?.name ?? preferred;
  if (version === undefined) return undefined;
  return { group, version, kind: names.kind, plural: names.plural, namespaced: scope === "Namespaced" };
}
