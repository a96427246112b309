import type { Json, KubeObject } from "../../../core/api/meta.ts";
import { authorizerType, CheckValue, resourceCheckType } from "../../../core/cel/functions/authorizer.ts";
import { fromJson } from "../../../core/cel/json_value.ts";
import { bool, type CelType, dyn, listOf, mapOf, objectOf, string } from "../../../core/cel/types.ts";
import type { Value } from "../../../core/cel/values.ts";
import type { PolicySpec } from "../../../core/kinds/admission_policy.ts";
import type { Namespace } from "../../../core/kinds/namespace.ts";
import type { AdmissionRequest } from "../plugin.ts";
import { reviewRequest, type Shown } from "../webhooks/review.ts";
import type { Answers } from "./evaluate.ts";

const gvk = objectOf("kubernetes.GroupVersionKind", { group: string, version: string, kind: string });
const gvr = objectOf("kubernetes.GroupVersionResource", { group: string, version: string, resource: string });

/** The type of the variable `request`. @see k8s.io/apiserver/pkg/admission/plugin/cel/compile.go BuildRequestType */
const requestType: CelType = objectOf("kubernetes.AdmissionRequest", {
  kind: gvk,
  resource: gvr,
  subResource: string,
  requestKind: gvk,
  requestResource: gvr,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: objectOf("kubernetes.UserInfo", {
    username: string,
    uid: string,
    groups: listOf(string),
    extra: mapOf(string, listOf(string)),
  }),
  dryRun: bool,
  options: dyn,
});

const namespaceMeta = objectOf("kubernetes.NamespaceMetadata", {
  name: string,
  generateName: string,
  namespace: string,
  uid: string,
  resourceVersion: string,
  generation: { kind: "int" },
  creationTimestamp: { kind: "timestamp" },
  deletionTimestamp: { kind: "timestamp" },
  deletionGracePeriodSeconds: { kind: "int" },
  labels: mapOf(string, string),
  annotations: mapOf(string, string),
  UID: string,
});

/** The type of the variable `namespaceObject`. */
const namespaceType: CelType = objectOf("kubernetes.Namespace", {
  metadata: namespaceMeta,
  spec: objectOf("kubernetes.NamespaceSpec", { finalizers: listOf(string) }),
  status: objectOf("kubernetes.NamespaceStatus", { phase: string }),
});

/** Which variables an expression may name, besides those of the object. */
export interface Offered {
  readonly params?: boolean;
  readonly authorizer?: boolean;
  readonly namespaceObject?: boolean;
  /** Type of the objects. Default: anything. */
  readonly self?: CelType;
  /** Types of the values that the policy's expressions share. */
  readonly variables?: CelType;
  /** Whether it may make the objects that mutations are made of. */
  readonly patchTypes?: boolean;
}

/** What the expressions of a policy may name, whatever it does. */
export function policyOffer({ paramKind }: PolicySpec): Offered {
  return { params: paramKind !== undefined, namespaceObject: true, authorizer: true };
}

/** The types of the variables of an expression about a request. */
export function variableTypes(offered: Offered): ReadonlyMap<string, CelType> {
  const { params, authorizer, namespaceObject, variables, self = dyn } = offered;
  return new Map<string, CelType>([
    ["object", self],
    ["oldObject", self],
    ["request", requestType],
    ...(params ? [["params", dyn] as const] : []),
    ...(namespaceObject ? [["namespaceObject", namespaceType] as const] : []),
    ...(authorizer
      ? [["authorizer", authorizerType] as const, ["authorizer.requestResource", resourceCheckType] as const]
      : []),
    ...(variables ? [["variables", variables] as const] : []),
  ]);
}

/** The values of the variables. */
export function variableValues(
  request: AdmissionRequest,
  shown: Shown,
  extra: {
    readonly params?: KubeObject | null | undefined;
    readonly namespace?: Namespace | undefined;
    readonly answers: Answers;
  },
): Map<string, Value> {
  const { kind, key, subresource } = { ...request, kind: shown.kind };
  const ask = (check: object) => extra.answers.answer(check);
  const requestResource = {
    group: kind.group,
    resource: kind.plural,
    ...(subresource === undefined ? {} : { subresource }),
    ...(key.namespace ? { namespace: key.namespace } : {}),
    ...(key.name ? { name: key.name } : {}),
  };
  const typed = (one: KubeObject | undefined) => (one ? { ...one, kind: one.kind ?? shown.kind.kind } : null);
  const { uid: _uid, ...asked } = reviewRequest(request, shown, "");
  return new Map<string, Value>([
    ["object", fromJson(typed(shown.object))],
    ["oldObject", fromJson(typed(shown.previous))],
    ["request", fromJson(withEmpty({ ...asked, options: request.options }), requestType)],
    ["params", fromJson(extra.params ?? null)],
    ["namespaceObject", fromJson(extra.namespace ?? null, namespaceType)],
    ["authorizer", new CheckValue("kubernetes.authorization.Authorizer", {}, ask)],
    ["authorizer.requestResource", new CheckValue("kubernetes.authorization.ResourceCheck", requestResource, ask)],
  ]);
}

/** Members that Kubernetes leaves out of JSON are there for expressions: as empty text. */
function withEmpty(request: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  return { subResource: "", requestSubResource: "", name: "", namespace: "", ...request };
}
