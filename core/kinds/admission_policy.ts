/** What validating and mutating admission policies share. @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ */
import type { Column } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { KubeObject } from "../api/meta.ts";
import { type MatchCondition, type RuleWithOperations, withScope } from "./webhook.ts";

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

/** What a policy says whatever it does: which requests it is about, and what its expressions may name. */
export interface PolicySpec {
  readonly paramKind?: ParamKind;
  readonly matchConstraints?: MatchResources;
  readonly variables?: readonly Variable[];
  readonly failurePolicy?: "Fail" | "Ignore";
  readonly matchConditions?: readonly MatchCondition[];
}

/** What a binding says: which policy is put to work, where, and with which parameters. */
export interface BindingSpec {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
}

/** What a policy's parameters are of, as tables show it. */
export const paramKindColumn: Column<KubeObject & { readonly spec?: PolicySpec }> = {
  name: "ParamKind",
  type: "string",
  description: "The kind of the policy's parameters.",
  cell({ spec: { paramKind } = {} }) {
    return paramKind ? `${paramKind.apiVersion ?? ""}/${paramKind.kind ?? ""}` : "<unset>";
  },
};

/** What tables show of a binding. */
export const bindingColumns: readonly Column<KubeObject & { readonly spec?: BindingSpec }>[] = [
  {
    name: "PolicyName",
    type: "string",
    description: "The policy that is put to work.",
    cell: ({ spec }) => spec?.policyName ?? "",
  },
  {
    name: "ParamRef",
    type: "string",
    description: "The objects that are its parameters.",
    cell: ({ spec }) => paramRefText(spec?.paramRef),
  },
];

/** `namespace/name`, or `*` for those that a selector finds. */
function paramRefText(ref: ParamRef | undefined): string {
  if (!ref) return "<unset>";
  const name = ref.name || "*";
  return ref.namespace ? `${ref.namespace}/${name}` : name;
}

/** A policy with Kubernetes' defaults. */
export function withPolicyDefaults<T extends KubeObject & { readonly spec?: PolicySpec }>(policy: T): T {
  const { spec = {} } = policy;
  const { failurePolicy = "Fail", matchConstraints } = spec;
  return {
    ...policy,
    spec: {
      ...spec,
      failurePolicy,
      ...(matchConstraints ? { matchConstraints: withMatchDefaults(matchConstraints) } : {}),
    },
  };
}

/** A binding with Kubernetes' defaults. */
export function withBindingDefaults<T extends KubeObject & { readonly spec?: BindingSpec }>(binding: T): T {
  const { spec } = binding;
  if (!spec?.matchResources) return binding;
  return { ...binding, spec: { ...spec, matchResources: withMatchDefaults(spec.matchResources) } };
}

function withMatchDefaults(match: MatchResources): MatchResources {
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
