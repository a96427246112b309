import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import type { Condition } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { FlowRule, FlowSchema, FlowSubject } from "./flow_schema.ts";
import type { PriorityLevelConfiguration, QueuingConfiguration } from "./priority_level_configuration.ts";
import { check, checkOneOf, checkRequired, checkUnique, type FieldErrors } from "./validators.ts";

const verbs = ["connect", "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const maxPrecedence = 10_000;
const maxQueues = 10_000_000;
/** A hand of queues is dealt from one hash of a flow. */
const maxHashBits = 60;

/** What is wrong with a flow schema. @see k8s.io/kubernetes/pkg/apis/flowcontrol/validation */
export function checkFlowSchema({ metadata, spec }: FlowSchema): FieldErrors {
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration = {}, rules = [] } = spec ?? {};
  const refuse = (detail: string) => [fieldError.invalid("spec.matchingPrecedence", matchingPrecedence, detail)];
  const level = "spec.priorityLevelConfiguration.name";
  return [
    ...(matchingPrecedence <= 0 ? refuse("must be a positive value") : []),
    ...(matchingPrecedence > maxPrecedence ? refuse(`must not be greater than ${maxPrecedence}`) : []),
    ...(matchingPrecedence === 1 && metadata.name !== "exempt"
      ? refuse("only the schema named 'exempt' may have matchingPrecedence 1")
      : []),
    ...(distinguisherMethod
      ? checkOneOf("spec.distinguisherMethod.type", distinguisherMethod.type ?? "", ["ByNamespace", "ByUser"])
      : []),
    ...(priorityLevelConfiguration.name
      ? check(level, priorityLevelConfiguration.name, dnsSubdomainError(priorityLevelConfiguration.name))
      : [fieldError.required(level, "must reference a priority level")]),
    ...rules.flatMap((rule, index) => checkRule(rule, `spec.rules[${index}]`)),
  ];
}

function checkRule({ subjects = [], resourceRules = [], nonResourceRules = [] }: FlowRule, field: string): FieldErrors {
  return [
    ...(subjects.length === 0
      ? [fieldError.required(`${field}.subjects`, "subjects must contain at least one value")]
      : []),
    ...subjects.flatMap((subject, index) => checkSubject(subject, `${field}.subjects[${index}]`)),
    ...(resourceRules.length + nonResourceRules.length === 0
      ? [fieldError.required(field, "at least one of resourceRules and nonResourceRules has to be non-empty")]
      : []),
    ...resourceRules.flatMap((rule, index) => checkResourceRule(rule, `${field}.resourceRules[${index}]`)),
    ...nonResourceRules.flatMap((rule, index) => checkPathRule(rule, `${field}.nonResourceRules[${index}]`)),
  ];
}

function checkSubject(subject: FlowSubject, field: string): FieldErrors {
  const { kind, user, group, serviceAccount } = subject;
  const kinds = { Group: group, ServiceAccount: serviceAccount, User: user };
  if (!Object.hasOwn(kinds, kind ?? "")) return checkOneOf(`${field}.kind`, kind ?? "", Object.keys(kinds));
  return Object.entries(kinds).flatMap(([name, value]): FieldErrors => {
    const member = name.charAt(0).toLowerCase() + name.slice(1);
    const at = `${field}.${member}`;
    if (name !== kind)
      return value ? [fieldError.forbidden(at, `${member} is forbidden when subject kind is not '${name}'`)] : [];
    if (!value) return [fieldError.required(at, `${member} is required when subject kind is '${name}'`)];
    if (name === "ServiceAccount") return checkAccount(value, at);
    return value.name ? [] : [fieldError.required(`${at}.name`)];
  });
}

function checkAccount({ name, namespace }: NonNullable<FlowSubject["serviceAccount"]>, field: string): FieldErrors {
  return [
    ...(name === "*" ? [] : checkRequired(`${field}.name`, name, dnsSubdomainError)),
    ...(namespace
      ? check(`${field}.namespace`, namespace, dnsLabelError(namespace))
      : [fieldError.required(`${field}.namespace`, "must specify namespace for service account")]),
  ];
}

type ResourceRule = NonNullable<FlowRule["resourceRules"]>[number];
type PathRule = NonNullable<FlowRule["nonResourceRules"]>[number];

function checkResourceRule(rule: ResourceRule, field: string): FieldErrors {
  const { apiGroups = [], resources = [], namespaces = [], clusterScope = false } = rule;
  return [
    ...checkVerbs(rule.verbs ?? [], `${field}.verbs`),
    ...checkWords(apiGroups, `${field}.apiGroups`, "api groups", "resource rules must supply at least one api group"),
    ...checkWords(resources, `${field}.resources`, "resources", "resource rules must supply at least one resource"),
    ...checkNamespaces(namespaces, clusterScope, `${field}.namespaces`),
  ];
}

function checkNamespaces(namespaces: readonly string[], clusterScope: boolean, field: string): FieldErrors {
  const missing = "resource rules that are not cluster scoped must supply at least one namespace";
  if (namespaces.length === 0) return clusterScope ? [] : [fieldError.required(field, missing)];
  if (namespaces.includes("*")) return checkWords(namespaces, field, "namespaces", missing);
  return namespaces.flatMap((namespace, index) => {
    const reason = dnsLabelError(namespace);
    if (reason === undefined) return [];
    const detail = `each member of this list must be '*' or a DNS-1123 label; ${reason}`;
    return [fieldError.invalid(`${field}[${index}]`, namespace, detail)];
  });
}

function checkPathRule({ verbs: asked = [], nonResourceURLs = [] }: PathRule, field: string): FieldErrors {
  const at = `${field}.nonResourceURLs`;
  const missing = "nonResourceURLs must contain at least one value";
  return [
    ...checkVerbs(asked, `${field}.verbs`),
    ...checkWords(nonResourceURLs, at, "non-resource URLs", missing),
    ...(nonResourceURLs.includes("*")
      ? []
      : nonResourceURLs.flatMap((path, index) => check(`${at}[${index}]`, path, pathError(path)))),
  ];
}

function pathError(path: string): string | undefined {
  if (path === "") return "must not be empty";
  if (path === "/") return undefined;
  if (!path.startsWith("/")) return "must start with slash";
  if (path.includes(" ")) return "must not contain white-space";
  if (path.includes("//")) return "must not contain double slash";
  const star = path.indexOf("*");
  return star >= 0 && !(star === path.length - 1 && path.endsWith("/*"))
    ? "wildcard can only do suffix matching"
    : undefined;
}

function checkVerbs(asked: readonly string[], field: string): FieldErrors {
  if (asked.length === 0 || asked.includes("*"))
    return checkWords(asked, field, "verbs", "verbs must contain at least one value");
  return asked.every((verb) => verbs.includes(verb)) ? [] : [fieldError.notSupported(field, asked, verbs)];
}

function checkWords(words: readonly string[], field: string, others: string, missing: string): FieldErrors {
  if (words.length === 0) return [fieldError.required(field, missing)];
  return words.length > 1 && words.includes("*")
    ? [fieldError.invalid(field, words, `if '*' is present, must not specify other ${others}`)]
    : [];
}

/** What is wrong with the conditions of a flow schema or a priority level. */
export function checkFlowConditions(conditions: readonly Condition[]): FieldErrors {
  const field = (index: number) => `status.conditions[${index}].type`;
  return [
    ...checkUnique(
      conditions.map(({ type }) => type),
      field,
    ),
    ...conditions.flatMap(({ type }, index) => (type ? [] : [fieldError.required(field(index), "must not be empty")])),
  ];
}

/** What is wrong with a priority level. */
export function checkPriorityLevel({ metadata, spec }: PriorityLevelConfiguration): FieldErrors {
  const { type, limited, exempt } = spec ?? {};
  const errors: FieldError[] = [];
  if ((metadata.name === "exempt") !== (type === "Exempt"))
    errors.push(fieldError.invalid("spec.type", type ?? "", "type must be 'Exempt' if and only if name is 'exempt'"));
  if (type === "Exempt") {
    if (limited) errors.push(fieldError.forbidden("spec.limited", "must be nil if the type is not Limited"));
    errors.push(...checkShares(exempt ?? {}, "spec.exempt"));
  } else if (type === "Limited") {
    if (exempt) errors.push(fieldError.forbidden("spec.exempt", "must be nil if the type is Limited"));
    if (!limited) errors.push(fieldError.required("spec.limited", "must not be empty when type is Limited"));
    else errors.push(...checkShares(limited, "spec.limited"), ...checkLimited(limited, "spec.limited"));
  } else errors.push(fieldError.notSupported("spec.type", type ?? "", ["Exempt", "Limited"]));
  return errors;
}

function checkShares(
  { nominalConcurrencyShares = 0, lendablePercent = 0 }: NonNullable<PriorityLevelConfiguration["spec"]["exempt"]>,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [];
  if (nominalConcurrencyShares < 0) {
    const detail = "must be a non-negative integer";
    errors.push(fieldError.invalid(`${field}.nominalConcurrencyShares`, nominalConcurrencyShares, detail));
  }
  if (lendablePercent < 0 || lendablePercent > 100) {
    const detail = "must be between 0 and 100, inclusive";
    errors.push(fieldError.invalid(`${field}.lendablePercent`, lendablePercent, detail));
  }
  return errors;
}

function checkLimited(
  { limitResponse = {}, borrowingLimitPercent }: NonNullable<PriorityLevelConfiguration["spec"]["limited"]>,
  field: string,
): FieldErrors {
  const { type, queuing } = limitResponse;
  const at = `${field}.limitResponse`;
  const errors: FieldError[] = [];
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    const detail = "if specified, must be a non-negative integer";
    errors.push(fieldError.invalid(`${field}.borrowingLimitPercent`, borrowingLimitPercent, detail));
  }
  if (type === "Reject") {
    if (queuing)
      errors.push(fieldError.forbidden(`${at}.queuing`, "must be nil if limited.limitResponse.type is not Limited"));
  } else if (type === "Queue") {
    if (!queuing)
      errors.push(fieldError.required(`${at}.queuing`, "must not be empty if limited.limitResponse.type is Limited"));
    else errors.push(...checkQueuing(queuing, `${at}.queuing`));
  } else errors.push(fieldError.notSupported(`${at}.type`, type ?? "", ["Queue", "Reject"]));
  return errors;
}

function checkQueuing(
  { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [];
  const refuse = (name: string, value: number, detail: string) =>
    errors.push(fieldError.invalid(`${field}.${name}`, value, detail));
  if (queueLengthLimit <= 0) refuse("queueLengthLimit", queueLengthLimit, "must be positive");
  if (queues <= 0) refuse("queues", queues, "must be positive");
  else if (queues > maxQueues) refuse("queues", queues, "must not be greater than 10000000");
  if (handSize <= 0) refuse("handSize", handSize, "must be positive");
  else if (handSize > queues) {
    const detail = `should not be greater than queues (${queues})`;
    refuse("handSize", handSize, detail);
  } else if (Math.ceil(Math.log2(queues) * handSize) > maxHashBits) {
    const detail = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`;
    refuse("handSize", handSize, detail);
  }
  return errors;
}
