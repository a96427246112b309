import type { ResourceType } from "../../core/api/kind.ts";
import { compareVersions } from "../../core/api/version_order.ts";
import { type CustomResourceDefinition, isTrue } from "../../core/kinds/custom_resource_definition.ts";

/** The resource that a definition makes, in the version that clients should prefer; undefined while none is served. */
export function customResourceType(definition: CustomResourceDefinition): ResourceType | undefined {
  if (!isTrue(definition, "Established")) return undefined;
  const { group, names, scope, versions } = definition.spec;
  const [version] = versions
    .filter(({ served }) => served)
    .map(({ name }) => name)
    .sort(compareVersions);
  if (version === undefined) return undefined;
  return { group, version, kind: names.kind, plural: names.plural, namespaced: scope === "Namespaced" };
}
