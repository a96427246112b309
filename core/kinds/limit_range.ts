import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { createdAtColumn, nameColumn } from "./cells.ts";
import { validateLimitRange } from "./limit_range_validation.ts";
import type { ResourceList } from "./pod.ts";
import { canonicalResources } from "./pod_resources.ts";
import { withMembers } from "./with_members.ts";

/** What one sort of object may ask for, and what it gets when it asks for nothing. */
export interface LimitRangeItem {
  readonly type: "Pod" | "Container" | "PersistentVolumeClaim" | (string & {});
  readonly max?: ResourceList;
  readonly min?: ResourceList;
  readonly default?: ResourceList;
  readonly defaultRequest?: ResourceList;
  readonly maxLimitRequestRatio?: ResourceList;
}

/** Bounds of what the objects of a namespace may ask for. @see https://kubernetes.io/docs/concepts/policy/limit-range/ */
export interface LimitRange extends KubeObject {
  readonly spec?: { readonly limits?: readonly LimitRangeItem[] };
}

/** The kind LimitRange. */
export const limitRange: Kind<LimitRange> = defineKind<LimitRange>({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  namespaced: true,
  shortNames: ["limits"],
  schema: "io.k8s.api.core.v1.LimitRange",
  generation: "none",
  createOnUpdate: true,
  strategy: {
    applyDefaults: (object) => ({
      ...object,
      spec: { ...object.spec, limits: object.spec?.limits?.map(defaultItem) ?? [] },
    }),
    validate: validateLimitRange,
  },
  columns: [nameColumn, createdAtColumn],
});

const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

function defaultItem(item: LimitRangeItem): LimitRangeItem {
  const canonical = lists.map((name) => [name, item[name] && canonicalResources(item[name])] as const);
  const {
    max,
    min,
    default: limit,
    defaultRequest,
  }: Partial<LimitRangeItem> = Object.fromEntries(canonical.filter(([, list]) => list !== undefined));
  const limits = item.type === "Container" ? withAbsent(limit, max) : limit;
  const requests = item.type === "Container" ? withAbsent(withAbsent(defaultRequest, limits), min) : defaultRequest;
  return withMembers(
    { ...item, ...Object.fromEntries(canonical.filter(([, list]) => list !== undefined)) },
    {
      default: limits && Object.keys(limits).length > 0 ? limits : undefined,
      defaultRequest: requests && Object.keys(requests).length > 0 ? requests : undefined,
    },
  );
}

/** `list` with what only `from` has. */
function withAbsent(list: ResourceList | undefined, from: ResourceList | undefined): ResourceList {
  return Object.fromEntries([...Object.entries(from ?? {}), ...Object.entries(list ?? {})]);
}
