/** Checks that webhooks and admission policies share. */
import { qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkAll, checkOneOf, checkUnique, type FieldErrors } from "./validators.ts";
import type { MatchCondition, Rule, RuleWithOperations } from "./webhook.ts";

const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];
const maxConditions = 64;

/** What is wrong with a rule about operations on resources. */
export function checkRuleWithOperations(rule: RuleWithOperations, field: string): FieldErrors {
  const { operations: asked = [] } = rule;
  return [
    ...checkWildcard(asked, `${field}.operations`, "operations"),
    ...asked.flatMap((operation, index) => checkOneOf(`${field}.operations[${index}]`, operation, operations)),
    ...checkRule(rule, field),
  ];
}

function checkRule({ apiGroups = [], apiVersions = [], resources = [], scope }: Rule, field: string): FieldErrors {
  return [
    ...checkWildcard(apiGroups, `${field}.apiGroups`, "API groups"),
    ...checkWildcard(apiVersions, `${field}.apiVersions`, "API versions"),
    ...checkEmpty(apiVersions, `${field}.apiVersions`),
    ...checkResourceNames(resources, `${field}.resources`),
    ...checkOneOf(`${field}.scope`, scope, scopes),
  ];
}

function checkWildcard(values: readonly string[], field: string, others: string): FieldErrors {
  if (values.length === 0) return [fieldError.required(field)];
  return values.length > 1 && values.includes("*")
    ? [fieldError.invalid(field, values, `if '*' is present, must not specify other ${others}`)]
    : [];
}

function checkEmpty(values: readonly string[], field: string): FieldErrors {
  return values.flatMap((value, index) => (value ? [] : [fieldError.required(`${field}[${index}]`)]));
}

/** Resources and their subresources: nothing may be named that a wildcard before it covers. */
function checkResourceNames(resources: readonly string[], field: string): FieldErrors {
  if (resources.length === 0) return [fieldError.required(field)];
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  const errors: FieldError[] = resources.flatMap((name, index) => {
    const at = `${field}[${index}]`;
    if (!name) return [fieldError.required(at)];
    const slash = name.indexOf("/");
    if (slash < 0) return [];
    const [resource, subresource] = [name.slice(0, slash), name.slice(slash + 1)];
    const found: FieldError[] = [];
    if (wholeResources.has(resource))
      found.push(fieldError.invalid(at, name, `if '${resource}/*' is present, must not specify ${name}`));
    if (wholeSubresources.has(subresource))
      found.push(fieldError.invalid(at, name, `if '*/${subresource}' is present, must not specify ${name}`));
    if (subresource === "*") wholeResources.add(resource);
    if (resource === "*") wholeSubresources.add(subresource);
    return found;
  });
  if (resources.length > 1 && resources.includes("*/*"))
    errors.push(fieldError.invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  const last = resources.filter((name) => name && !name.includes("/")).at(-1);
  // As Kubernetes has it: the last resource without a subresource decides.
  if (resources.includes("*") && last !== undefined && last !== "*") {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.push(fieldError.invalid(field, resources, detail));
  }
  return errors;
}

/** What is wrong with the names of match conditions; whether their expressions compile is for those who compile them. */
export function checkMatchConditions(conditions: readonly MatchCondition[], field: string): FieldErrors {
  const name = (index: number) => `${field}[${index}].name`;
  const repeated = checkUnique(
    conditions.map((condition) => condition.name),
    name,
  );
  return [
    ...(conditions.length > maxConditions ? [fieldError.tooMany(field, conditions.length, maxConditions)] : []),
    ...conditions.flatMap((condition, index) => [
      ...(condition.expression?.trim() ? [] : [fieldError.required(`${field}[${index}].expression`)]),
      ...(condition.name
        ? checkAll(name(index), condition.name, qualifiedNameErrors(condition.name))
        : [fieldError.required(name(index))]),
      ...repeated.filter((error) => error.field === name(index)),
    ]),
  ];
}
