import type { UserInfo } from "../../../core/client/transport.ts";
import type { FlowRule, FlowSchema, FlowSubject } from "../../../core/kinds/flow_schema.ts";
import type { Attributes } from "../../authorization/authorizer.ts";

/** Whether a request belongs to a flow schema: one of its rules names the user and what is asked for. */
export function matchesSchema({ spec }: FlowSchema, user: UserInfo, attributes: Attributes): boolean {
  return (spec.rules ?? []).some(
    ({ subjects = [], resourceRules = [], nonResourceRules = [] }) =>
      subjects.some((subject) => matchesSubject(subject, user)) &&
      (attributes.type === "resource"
        ? resourceRules.some((rule) => matchesResourceRule(rule, attributes))
        : nonResourceRules.some((rule) => matchesPathRule(rule, attributes))),
  );
}

/** What tells the flows of a schema apart. */
export function flowOf({ spec }: FlowSchema, user: UserInfo, attributes: Attributes): string {
  switch (spec.distinguisherMethod?.type) {
    case "ByUser":
      return user.username;
    case "ByNamespace":
      return attributes.type === "resource" ? (attributes.namespace ?? "") : "";
    default:
      return "";
  }
}

function matchesSubject(subject: FlowSubject, { username, groups }: UserInfo): boolean {
  switch (subject.kind) {
    case "User":
      return subject.user?.name === "*" || subject.user?.name === username;
    case "Group":
      return subject.group?.name === "*" || groups.includes(subject.group?.name ?? "");
    case "ServiceAccount": {
      const { namespace = "", name = "" } = subject.serviceAccount ?? {};
      const prefix = `system:serviceaccount:${namespace}:`;
      return name === "*" ? username.startsWith(prefix) : username === prefix + name;
    }
    default:
      return false;
  }
}

function matchesResourceRule(
  {
    verbs = [],
    apiGroups = [],
    resources = [],
    clusterScope = false,
    namespaces = [],
  }: NonNullable<FlowRule["resourceRules"]>[number],
  { verb, group, resource, subresource, namespace }: Attributes & { readonly type: "resource" },
): boolean {
  const whole = subresource ? `${resource}/${subresource}` : resource;
  const isInScope = namespace ? includes(namespaces, namespace) : clusterScope;
  return isInScope && includes(verbs, verb) && includes(apiGroups, group) && includes(resources, whole);
}

function matchesPathRule(
  { verbs = [], nonResourceURLs = [] }: NonNullable<FlowRule["nonResourceRules"]>[number],
  { verb, path }: Attributes & { readonly type: "path" },
): boolean {
  const matches = (url: string) =>
    url === "*" || url === path || (url.endsWith("/*") && path.startsWith(url.slice(0, -1)));
  return includes(verbs, verb) && nonResourceURLs.some(matches);
}

function includes(list: readonly string[], value: string): boolean {
  return list.includes("*") || list.includes(value);
}
