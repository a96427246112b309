/** What validating and mutating admission policies share. @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ */
import type { LabelSelector } from "../api/labels.ts";
import { type RuleWithOperations, withScope } from "./webhook.ts";

/** Which operations on which resources, perhaps of particular names. */
export interface NamedRuleWithOperations extends RuleWithOperations {
  readonly resourceNames?: readonly string[];
}

/** Which requests a policy, or a binding, is about. */
export interface MatchResources {
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly resourceRules?: readonly NamedRuleWithOperations[];
  readonly excludeResourceRules?: readonly NamedRuleWithOperations[];
  readonly matchPolicy?: "Exact" | "Equivalent";
}

/** The kind of a policy's parameters. */
export interface ParamKind {
  readonly apiVersion?: string;
  readonly kind?: string;
}

/** The objects that a binding gives as parameters. */
export interface ParamRef {
  readonly name?: string;
  readonly namespace?: string;
  readonly selector?: LabelSelector;
  readonly parameterNotFoundAction?: "Allow" | "Deny";
}

/** A value that the expressions of a policy share, as `variables.NAME`. */
export interface Variable {
  readonly name: string;
  readonly expression: string;
}

/** The kind of a policy's parameters as tables show it. */
export function paramKindText(paramKind: ParamKind | undefined): string {
  return paramKind ? `${paramKind.apiVersion ?? ""}/${paramKind.kind ?? ""}` : "<unset>";
}

/** Matching with Kubernetes' defaults. */
export function withMatchDefaults(match: MatchResources): MatchResources {
  const { resourceRules, excludeResourceRules } = match;
  return {
    ...match,
    matchPolicy: match.matchPolicy ?? "Equivalent",
    namespaceSelector: match.namespaceSelector ?? {},
    objectSelector: match.objectSelector ?? {},
    ...(resourceRules ? { resourceRules: resourceRules.map(withScope) } : {}),
    ...(excludeResourceRules ? { excludeResourceRules: excludeResourceRules.map(withScope) } : {}),
  };
}
