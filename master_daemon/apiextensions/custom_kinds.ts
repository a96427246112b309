import type { Kind } from "../../core/api/kind.ts";
import type { CustomResourceDefinition } from "../../core/kinds/custom_resource_definition.ts";
import { relabel, storageOf } from "./conversion.ts";
import { customKind } from "./custom_kind.ts";

/** The kinds that a definition makes: one for each version that is served. */
export function customKinds(definition: CustomResourceDefinition): readonly Kind[] {
  return definition.spec.versions
    .filter(({ served }) => served)
    .map((version) => customKind({ definition, version, storedAs: storageOf(definition, version, relabel) }));
}
