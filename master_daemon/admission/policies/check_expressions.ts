import { asJson, jsonEqual } from "../../../core/api/json_object.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import { type FieldError, fieldError } from "../../../core/api/status.ts";
import { checkRules, type StructuralSchema } from "../../../core/cel/mod.ts";
import type { Variable } from "../../../core/kinds/admission_policy.ts";
import type { CustomResourceDefinition } from "../../../core/kinds/custom_resource_definition.ts";
import type { MutatingAdmissionPolicy } from "../../../core/kinds/mutating_admission_policy.ts";
import type { ValidatingAdmissionPolicy } from "../../../core/kinds/validating_admission_policy.ts";
import type { MatchCondition, ValidatingWebhook, WebhookConfiguration } from "../../../core/kinds/webhook.ts";
import { compileVariables, mutationExpression, mutationOffer } from "./compiled_policy.ts";
import { compileExpression } from "./conditions.ts";
import { type Offered, policyOffer } from "./environment.ts";

type Errors = readonly FieldError[];

/** What is wrong with the expressions of an object that has some. @param previous what it was before */
export function checkExpressions(object: KubeObject, kind: string, previous?: KubeObject): Errors {
  if (kind === "CustomResourceDefinition")
    return checkDefinition(object as CustomResourceDefinition, previous as CustomResourceDefinition | undefined);
  if (kind === "ValidatingAdmissionPolicy") return checkPolicy(object as ValidatingAdmissionPolicy);
  if (kind === "MutatingAdmissionPolicy") return checkMutatingPolicy(object as MutatingAdmissionPolicy);
  return checkWebhooks(object as WebhookConfiguration<ValidatingWebhook>);
}

function checkDefinition({ spec }: CustomResourceDefinition, previous: CustomResourceDefinition | undefined): Errors {
  return spec.versions.flatMap(({ name, schema }, index) => {
    const own = schema?.openAPIV3Schema;
    if (!own) return [];
    const before = previous?.spec.versions.find((one) => one.name === name)?.schema?.openAPIV3Schema;
    const unchanged = before !== undefined && jsonEqual(asJson(own), asJson(before));
    // Kubernetes keeps one schema where there is but one version, and tells its errors there.
    const place = spec.versions.length === 1 ? "validation" : `versions[${index}].schema`;
    return checkRules(own as StructuralSchema, `spec.${place}.openAPIV3Schema`, { unchanged });
  });
}

function checkMutatingPolicy({ spec = {} }: MutatingAdmissionPolicy): Errors {
  const { variables = [], mutations = [], matchConditions = [] } = spec;
  const { base, mutation } = mutationOffer(spec);
  const { type, problems } = compileVariables(variables, base);
  return [
    ...checkConditions(matchConditions, "spec.matchConditions", { params: base.params === true, authorizer: true }),
    ...variableErrors(variables, problems),
    ...mutations.flatMap((one, index) => {
      const { expression, wanted } = mutationExpression(one);
      const member = one.patchType === "JSONPatch" ? "jsonPatch" : "applyConfiguration";
      const path = `spec.mutations[${index}].${member}.expression`;
      return checkOne(path, expression, { ...mutation, variables: type }, wanted);
    }),
  ];
}

function variableErrors(
  variables: readonly Variable[],
  problems: ReturnType<typeof compileVariables>["problems"],
): Errors {
  return problems.map(({ index, message }) =>
    fieldError.invalid(`spec.variables[${index}].expression`, variables[index]?.expression ?? "", message),
  );
}

function checkPolicy({ spec = {} }: ValidatingAdmissionPolicy): Errors {
  const { variables = [], validations = [], auditAnnotations = [], matchConditions = [] } = spec;
  const base = policyOffer(spec);
  const { type, problems } = compileVariables(variables, base);
  const offered = { ...base, variables: type };
  const plain = { ...offered, authorizer: false };
  return [
    ...checkConditions(matchConditions, "spec.matchConditions", { params: base.params === true, authorizer: true }),
    ...variableErrors(variables, problems),
    ...validations.flatMap(({ expression, messageExpression }, index) => [
      ...checkOne(`spec.validations[${index}].expression`, expression, offered, ["bool"]),
      ...(messageExpression
        ? checkOne(`spec.validations[${index}].messageExpression`, messageExpression, plain, ["string"])
        : []),
    ]),
    ...auditAnnotations.flatMap(({ valueExpression }, index) =>
      checkOne(`spec.auditAnnotations[${index}].valueExpression`, valueExpression, plain, ["string", "null"]),
    ),
  ];
}

function checkWebhooks({ webhooks = [] }: WebhookConfiguration<ValidatingWebhook>): Errors {
  return webhooks.flatMap(({ matchConditions = [] }, index) =>
    checkConditions(matchConditions, `webhooks[${index}].matchConditions`, { authorizer: true }),
  );
}

function checkConditions(conditions: readonly MatchCondition[], path: string, offered: Offered): Errors {
  return conditions.flatMap(({ expression }, index) =>
    checkOne(`${path}[${index}].expression`, expression, offered, ["bool"]),
  );
}

function checkOne(path: string, expression: string, offered: Offered, wanted: readonly string[]): Errors {
  const program = compileExpression(expression, offered, wanted);
  return typeof program === "string" ? [fieldError.invalid(path, expression, program)] : [];
}
