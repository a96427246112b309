import { dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { pathSegmentError } from "../api/validate_meta.ts";
import type { PolicyRule, RoleRef, Subject } from "./rbac.ts";
import { check, checkRequired, type FieldErrors } from "./validators.ts";

/** The group of roles and their bindings. */
export const rbacGroup = "rbac.authorization.k8s.io";

/** What is wrong with the rules of a role. @see k8s.io/kubernetes/pkg/apis/rbac/validation, ValidatePolicyRule */
export function checkRules(
  rules: readonly PolicyRule[] = [],
  { namespaced }: { readonly namespaced: boolean },
): FieldErrors {
  return rules.flatMap((rule, index) => checkRule(rule, `rules[${index}]`, namespaced));
}

function checkRule(rule: PolicyRule, field: string, namespaced: boolean): FieldErrors {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const errors: FieldError[] = [];
  if (verbs.length === 0) errors.push(fieldError.required(`${field}.verbs`, "verbs must contain at least one value"));
  if (nonResourceURLs.length > 0) {
    const refuse = (reason: string) => fieldError.invalid(`${field}.nonResourceURLs`, nonResourceURLs, reason);
    if (namespaced) errors.push(refuse("namespaced rules cannot apply to non-resource URLs"));
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      errors.push(refuse("rules cannot apply to both regular resources and non-resource URLs"));
    return errors;
  }
  if (apiGroups.length === 0)
    errors.push(fieldError.required(`${field}.apiGroups`, "resource rules must supply at least one api group"));
  if (resources.length === 0)
    errors.push(fieldError.required(`${field}.resources`, "resource rules must supply at least one resource"));
  return errors;
}

/** Fills in the API groups of what a binding refers to. */
export function withBindingDefaults<T extends { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] }>(
  binding: T,
): T {
  const { roleRef, subjects } = binding;
  return {
    ...binding,
    roleRef: { ...roleRef, apiGroup: roleRef?.apiGroup || rbacGroup },
    ...(subjects ? { subjects: subjects.map(withGroup) } : {}),
  };
}

function withGroup(subject: Subject): Subject {
  const needsGroup = !subject.apiGroup && (subject.kind === "User" || subject.kind === "Group");
  return needsGroup ? { ...subject, apiGroup: rbacGroup } : subject;
}

/** What is wrong with a binding: the role that it grants, and to whom. */
export function checkBinding(
  { roleRef, subjects = [] }: { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] },
  { namespaced }: { readonly namespaced: boolean },
): FieldErrors {
  const kinds = namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  const { apiGroup = "", kind = "", name = "" } = roleRef;
  return [
    ...(apiGroup === rbacGroup ? [] : [fieldError.notSupported("roleRef.apiGroup", apiGroup, [rbacGroup])]),
    ...(kinds.includes(kind) ? [] : [fieldError.notSupported("roleRef.kind", kind, kinds)]),
    ...checkRequired("roleRef.name", name, pathSegmentError),
    ...subjects.flatMap((subject, index) => checkSubject(subject, `subjects[${index}]`, namespaced)),
  ];
}

function checkSubject(subject: Subject, field: string, namespaced: boolean): FieldErrors {
  const { kind = "", name = "", namespace, apiGroup = "" } = subject;
  const errors: FieldError[] = name ? [] : [fieldError.required(`${field}.name`)];
  if (kind === "ServiceAccount") {
    if (name) errors.push(...check(`${field}.name`, name, dnsSubdomainError(name)));
    if (apiGroup) errors.push(fieldError.notSupported(`${field}.apiGroup`, apiGroup, [""]));
    if (!namespaced && !namespace) errors.push(fieldError.required(`${field}.namespace`));
  } else if (kind === "User" || kind === "Group") {
    if (apiGroup !== rbacGroup) errors.push(fieldError.notSupported(`${field}.apiGroup`, apiGroup, [rbacGroup]));
  } else errors.push(fieldError.notSupported(`${field}.kind`, kind, ["ServiceAccount", "User", "Group"]));
  return errors;
}

/** A binding is for one role for ever. */
export function checkRoleRefKept(next: RoleRef, previous: RoleRef): FieldErrors {
  const same = next.apiGroup === previous.apiGroup && next.kind === previous.kind && next.name === previous.name;
  return same ? [] : [fieldError.invalid("roleRef", next, "cannot change roleRef")];
}
