import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import type { ResourceList } from "./pod.ts";
import { canonicalAmount, canonicalResources } from "./pod_resources.ts";
import { validateQuota, validateQuotaStatus, validateQuotaUpdate } from "./resource_quota_validation.ts";
import { withMembers } from "./with_members.ts";

/** Which objects a quota is about. */
export interface ScopedResourceSelectorRequirement {
  readonly scopeName: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** What a namespace may use up. */
export interface ResourceQuotaSpec {
  readonly hard?: ResourceList;
  readonly scopes?: readonly string[];
  readonly scopeSelector?: { readonly matchExpressions?: readonly ScopedResourceSelectorRequirement[] };
}

/** Bounds of what a namespace may use up in all. @see https://kubernetes.io/docs/concepts/policy/resource-quotas/ */
export interface ResourceQuota extends KubeObject {
  readonly spec?: ResourceQuotaSpec;
  readonly status?: { readonly hard?: ResourceList; readonly used?: ResourceList };
}

/** The kind ResourceQuota. */
export const resourceQuota: Kind<ResourceQuota> = defineKind<ResourceQuota>({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  namespaced: true,
  shortNames: ["quota"],
  schema: "io.k8s.api.core.v1.ResourceQuota",
  generation: "none",
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => {
      const spec: ResourceQuotaSpec = object.spec ?? {};
      return { ...object, spec: withMembers(spec, { hard: spec.hard && canonicalResources(spec.hard) }) };
    },
    prepareForCreate: (object) => ({ ...object, status: {} }),
    validate: validateQuota,
    validateUpdate: validateQuotaUpdate,
    validateStatusUpdate: validateQuotaStatus,
  },
  columns: [
    nameColumn,
    ageColumn,
    {
      name: "Request",
      type: "string",
      description: "What is used of what may be requested.",
      cell: (object) => usage(object, false),
    },
    {
      name: "Limit",
      type: "string",
      description: "What is used of what may be the limits.",
      cell: (object) => usage(object, true),
    },
  ],
});

/** `pods: 1/50, secrets: 0/10`: of limits, or of everything else. */
function usage({ status = {} }: ResourceQuota, ofLimits: boolean): string {
  return Object.keys(status.hard ?? {})
    .filter((name) => name.startsWith("limits.") === ofLimits)
    .sort()
    .map((name) => `${name}: ${amountText(status.used?.[name])}/${amountText(status.hard?.[name])}`)
    .join(", ");
}

function amountText(amount: string | number = "0"): string {
  return String(canonicalAmount(amount));
}
