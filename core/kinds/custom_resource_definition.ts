import { defineKind, type Kind } from "../api/kind.ts";
import { type Condition, findCondition, type KubeObject } from "../api/meta.ts";
import type { JsonSchemaProps } from "../api/structural/json_schema_props.ts";
import { nameColumn } from "./cells.ts";
import type { WebhookClientConfig } from "./webhook.ts";

export type { WebhookClientConfig } from "./webhook.ts";

/** How a kind is called. */
export interface CustomResourceDefinitionNames {
  readonly plural: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly kind: string;
  readonly listKind?: string;
  readonly categories?: readonly string[];
}

/** A column of the table of custom resources. */
export interface CustomResourceColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** What a custom resource has besides itself. */
export interface CustomResourceSubresources {
  readonly status?: Readonly<Record<never, never>>;
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath?: string;
  };
}

/** One version of a kind. */
export interface CustomResourceDefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchemaProps };
  readonly subresources?: CustomResourceSubresources;
  readonly additionalPrinterColumns?: readonly CustomResourceColumnDefinition[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

/** How objects get from one version to another. */
export interface CustomResourceConversion {
  readonly strategy: string;
  readonly webhook?: {
    readonly clientConfig?: WebhookClientConfig;
    readonly conversionReviewVersions?: readonly string[];
  };
}

/** Which kind is defined. */
export interface CustomResourceDefinitionSpec {
  readonly group: string;
  readonly names: CustomResourceDefinitionNames;
  readonly scope: string;
  readonly versions: readonly CustomResourceDefinitionVersion[];
  readonly conversion?: CustomResourceConversion;
  readonly preserveUnknownFields?: boolean;
}

/** Makes a kind. @see https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/ */
export interface CustomResourceDefinition extends KubeObject {
  readonly spec: CustomResourceDefinitionSpec;
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly acceptedNames?: CustomResourceDefinitionNames;
    readonly storedVersions?: readonly string[];
    readonly observedGeneration?: number;
  };
}

/** Keeps a definition until none of its objects is left. */
export const customResourceCleanup = "customresourcecleanup.apiextensions.k8s.io";
const noNames: CustomResourceDefinitionNames = { plural: "", kind: "" };

/** The kind CustomResourceDefinition. */
export const customResourceDefinition: Kind<CustomResourceDefinition> = defineKind<CustomResourceDefinition>({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  schema: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
  subresources: { status: true },
  statusKeepsMetadata: true,
  deletionFinalizers: [customResourceCleanup],
  strategy: {
    applyDefaults: (object) => withStoredVersions({ ...object, spec: defaultSpec(object.spec) }, "if none"),
    prepareForCreate: (object) => withStoredVersions({ ...object, status: {} }, "always"),
    prepareForUpdate: (next, previous) => withStoredVersions({ ...next, status: previous.status ?? {} }, "always"),
    async warnings(next, previous) {
      const { definitionWarnings } = await import("./custom_resource_definition_warnings.ts");
      return definitionWarnings(next, previous);
    },
    async validateLate(next, previous) {
      // Loaded on use: schemas and regular expressions need much code, and few requests are about definitions.
      const { validateDefinition } = await import("./custom_resource_definition_validation.ts");
      return validateDefinition(next, previous);
    },
  },
  columns: [
    nameColumn,
    {
      name: "Created At",
      type: "date",
      description: "When the definition was made.",
      cell: ({ metadata }) => metadata.creationTimestamp ?? "",
    },
  ],
});

function defaultSpec(spec: CustomResourceDefinitionSpec | undefined): CustomResourceDefinitionSpec {
  const { names = noNames, conversion, ...rest } = spec ?? { group: "", scope: "", versions: [] };
  const { kind = "", singular, listKind } = names;
  return {
    ...rest,
    names: {
      ...names,
      ...(singular || !kind ? {} : { singular: kind.toLowerCase() }),
      ...(listKind || !kind ? {} : { listKind: `${kind}List` }),
    },
    conversion: withPort(conversion ?? { strategy: "None" }),
  };
}

function withPort(conversion: CustomResourceConversion): CustomResourceConversion {
  const { webhook } = conversion;
  const service = webhook?.clientConfig?.service;
  if (!service || service.port !== undefined) return conversion;
  const clientConfig = { ...webhook?.clientConfig, service: { ...service, port: 443 } };
  return { ...conversion, webhook: { ...webhook, clientConfig } };
}

/** Remembers in which versions objects may be stored. */
function withStoredVersions(object: CustomResourceDefinition, when: "always" | "if none"): CustomResourceDefinition {
  const stored = object.status?.storedVersions ?? [];
  const name = storageVersionOf(object)?.name;
  if (name === undefined || stored.includes(name) || (when === "if none" && stored.length > 0)) return object;
  return { ...object, status: { ...object.status, storedVersions: [...stored, name] } };
}

/** The version that objects are stored in. */
export function storageVersionOf({ spec }: CustomResourceDefinition): CustomResourceDefinitionVersion | undefined {
  return spec.versions?.find(({ storage }) => storage);
}

/** Whether a condition of a definition is true. */
export function isTrue({ status }: CustomResourceDefinition, type: string): boolean {
  return findCondition(status?.conditions, type)?.status === "True";
}

/** How objects are converted that say nothing about it. */
export function conversionOf({ conversion }: CustomResourceDefinitionSpec): CustomResourceConversion {
  return conversion ?? { strategy: "None" };
}
