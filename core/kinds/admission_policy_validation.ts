import { dnsSubdomainError } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { pathSegmentError } from "../api/validate_meta.ts";
import type {
  BindingSpec,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  PolicySpec,
  Variable,
} from "./admission_policy.ts";
import { checkMatchConditions, checkRuleWithOperations } from "./admission_rule_validation.ts";
import { check, checkRequired, checkRequiredOneOf, dns1035LabelError, type FieldErrors } from "./validators.ts";

const reserved: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** What is wrong with what every policy says. @see k8s.io/kubernetes/pkg/apis/admissionregistration/validation */
export function checkPolicySpec(spec: PolicySpec, field: string): FieldErrors {
  return [
    ...checkRequiredOneOf(`${field}.failurePolicy`, spec.failurePolicy, ["Fail", "Ignore"]),
    ...checkParamKind(spec.paramKind, `${field}.paramKind`),
    ...checkMatchConstraints(spec.matchConstraints, `${field}.matchConstraints`),
    ...checkMatchConditions(spec.matchConditions ?? [], `${field}.matchConditions`),
    ...checkVariables(spec.variables ?? [], `${field}.variables`),
  ];
}

/** What is wrong with what every binding says. */
export function checkBindingSpec(spec: BindingSpec, field: string): FieldErrors {
  return [
    ...checkRequired(`${field}.policyName`, spec.policyName, dnsSubdomainError),
    ...checkParamRef(spec.paramRef, `${field}.paramRef`),
    // The name of the field is misspelt in Kubernetes.
    ...checkMatchResources(spec.matchResources, `${field}.matchResouces`),
  ];
}

function checkMatchConstraints(match: MatchResources | undefined, field: string): FieldErrors {
  if (!match) return [fieldError.required(field)];
  const { resourceRules = [] } = match;
  return [
    ...checkMatchResources(match, field),
    // Without a rule nobody could say which types the expressions are about.
    ...(resourceRules.length === 0 ? [fieldError.required(`${field}.resourceRules`)] : []),
  ];
}

function checkMatchResources(match: MatchResources | undefined, field: string): FieldErrors {
  if (!match) return [];
  const { resourceRules = [], excludeResourceRules = [] } = match;
  return [
    ...checkRequiredOneOf(`${field}.matchPolicy`, match.matchPolicy, ["Equivalent", "Exact"]),
    ...validateLabelSelector(match.namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(match.objectSelector, `${field}.objectSelector`),
    ...resourceRules.flatMap((rule, index) => checkNamedRule(rule, `${field}.resourceRules[${index}]`)),
    ...excludeResourceRules.flatMap((rule, index) => checkNamedRule(rule, `${field}.excludeResourceRules[${index}]`)),
  ];
}

function checkNamedRule(rule: NamedRuleWithOperations, field: string): FieldErrors {
  const { resourceNames = [] } = rule;
  const errors = resourceNames.flatMap((name, index): FieldErrors => {
    const at = `${field}.resourceNames[${index}]`;
    const repeated = resourceNames.indexOf(name) < index ? [fieldError.duplicate(at, name)] : [];
    return [...check(at, name, pathSegmentError(name)), ...repeated];
  });
  return [...errors, ...checkRuleWithOperations(rule, field)];
}

function checkParamKind(paramKind: ParamKind | undefined, field: string): FieldErrors {
  if (!paramKind) return [];
  const { apiVersion = "", kind = "" } = paramKind;
  const reason = kind ? dns1035LabelError(kind.toLowerCase()) : undefined;
  return [
    ...(apiVersion
      ? checkGroupVersion(apiVersion, `${field}.apiVersion`)
      : [fieldError.required(`${field}.apiVersion`)]),
    ...(kind ? [] : [fieldError.required(`${field}.kind`)]),
    ...check(
      `${field}.kind`,
      kind,
      reason === undefined ? undefined : `may have mixed case, but should otherwise match: ${reason}`,
    ),
  ];
}

function checkGroupVersion(text: string, field: string): FieldErrors {
  const parts = text.split("/");
  if (parts.length > 2) return [fieldError.invalid(field, text, `unexpected GroupVersion string: ${text}`)];
  const version = parts.at(-1) ?? "";
  const group = parts.length === 2 ? (parts[0] ?? "") : "";
  return [
    ...(group ? check(field, group, dnsSubdomainError(group)) : []),
    ...(version
      ? check(field, version, dns1035LabelError(version))
      : [fieldError.invalid(field, text, "version must be specified")]),
  ];
}

function checkVariables(variables: readonly Variable[], field: string): FieldErrors {
  return variables.flatMap(({ name = "", expression = "" }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!name.trim()) errors.push(fieldError.required(`${at}.name`, "name is not specified"));
    else if (!isIdentifier(name))
      errors.push(fieldError.invalid(`${at}.name`, name, "name is not a valid CEL identifier"));
    if (!expression.trim()) errors.push(fieldError.required(`${at}.expression`, "expression is not specified"));
    return errors;
  });
}

function isIdentifier(name: string): boolean {
  return /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !reserved.has(name);
}

function checkParamRef(ref: ParamRef | undefined, field: string): FieldErrors {
  if (!ref) return [];
  const { name, selector, parameterNotFoundAction } = ref;
  const exclusive = "name and selector are mutually exclusive";
  return [
    ...(name ? check(`${field}.name`, name, pathSegmentError(name)) : []),
    ...(name && selector ? [fieldError.forbidden(`${field}.name`, exclusive)] : []),
    ...validateLabelSelector(selector, `${field}.selector`),
    ...(name && selector ? [fieldError.forbidden(`${field}.selector`, exclusive)] : []),
    ...(name || selector ? [] : [fieldError.required(field, "one of name or selector must be specified")]),
    ...checkRequiredOneOf(`${field}.parameterNotFoundAction`, parameterNotFoundAction, ["Deny", "Allow"]),
  ];
}
