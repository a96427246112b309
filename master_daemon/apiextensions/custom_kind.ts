import { defineKind, type Kind, type KindDefinition, type StoredAs } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import type { RuleSet } from "../../core/cel/mod.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from "../../core/kinds/custom_resource_definition.ts";
import { customColumns } from "./custom_columns.ts";
import { pruneCustom, schemaOf } from "./custom_schema.ts";
import { customStrategy } from "./custom_strategy.ts";

/** One version of a definition, and how it is stored. */
export interface CustomKindOptions {
  readonly definition: CustomResourceDefinition;
  readonly version: CustomResourceDefinitionVersion;
  readonly storedAs: StoredAs;
  /** The rules of its schema. */
  readonly rules: RuleSet | undefined;
}

/** The kind that a version of a definition makes. @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ */
export function customKind({ definition, version, storedAs, rules }: CustomKindOptions): Kind {
  const { spec, status } = definition;
  const names = status?.acceptedNames ?? spec.names;
  const { status: hasStatus, scale } = version.subresources ?? {};
  const { deprecated, deprecationWarning } = version;
  return defineKind({
    ...identityOf(definition, version.name),
    singular: names.singular || spec.names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    custom: {
      definition: definition.metadata.name ?? "",
      listKind: names.listKind || `${spec.names.kind}List`,
      schema: schemaOf(version),
    },
    subresources: {
      ...(hasStatus ? { status: true } : {}),
      ...(scale
        ? {
            scale: {
              spec: scale.specReplicasPath,
              status: scale.statusReplicasPath,
              ...(scale.labelSelectorPath ? { selector: scale.labelSelectorPath } : {}),
            },
          }
        : {}),
    },
    statusKeepsMetadata: true,
    prune: (body) => pruneCustom(body, schemaOf(version)),
    storedAs,
    strategy: customStrategy(version, rules),
    columns: customColumns(version.additionalPrinterColumns ?? []),
    ...(deprecated
      ? { deprecated: deprecationWarning ?? `${spec.group}/${version.name} ${spec.names.kind} is deprecated` }
      : {}),
  });
}

/** The kind as it is stored: no version's schema is looked at. */
export function storedKind(definition: CustomResourceDefinition, version: string): Kind {
  return defineKind({ ...identityOf(definition, version), columns: [] });
}

type Identity = Pick<KindDefinition<KubeObject>, "group" | "version" | "kind" | "plural" | "namespaced" | "schema">;

function identityOf({ spec }: CustomResourceDefinition, version: string): Identity {
  const { group, names, scope } = spec;
  const { kind, plural } = names;
  const schema = [...group.split(".").reverse(), version, kind].join(".");
  return { group, version, kind, plural, namespaced: scope === "Namespaced", schema };
}
