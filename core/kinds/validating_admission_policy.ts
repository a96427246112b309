import { defineKind, type Kind } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { type PolicySpec, paramKindColumn, withPolicyDefaults } from "./admission_policy.ts";
import { checkPolicySpec } from "./admission_policy_validation.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkConditions } from "./condition_validation.ts";
import { checkAll, checkOneOf, type FieldErrors } from "./validators.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** An expression that must be true for a request to go on. */
export interface Validation {
  readonly expression: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: "Unauthorized" | "Forbidden" | "Invalid" | "RequestEntityTooLarge";
}

/** A value that is written into the audit log with the request. */
export interface AuditAnnotation {
  readonly key: string;
  readonly valueExpression: string;
}

/** Rules in CEL that writes must keep, where bindings say so. */
export interface ValidatingAdmissionPolicy extends KubeObject {
  readonly spec?: PolicySpec & {
    readonly validations?: readonly Validation[];
    readonly auditAnnotations?: readonly AuditAnnotation[];
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly typeChecking?: {
      readonly expressionWarnings?: readonly { readonly fieldRef: string; readonly warning: string }[];
    };
    readonly conditions?: readonly Condition[];
  };
}

const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];
const maxAnnotations = 20;
const maxAnnotationExpression = 5 * 1024;

/** The kind ValidatingAdmissionPolicy. */
export const validatingAdmissionPolicy: Kind<ValidatingAdmissionPolicy> = defineKind<ValidatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  namespaced: false,
  categories: ["api-extensions"],
  schema: "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
  subresources: { status: true },
  conditionalUpdate: true,
  strategy: {
    applyDefaults: withPolicyDefaults,
    prepareForCreate: withoutStatus,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: checkPolicy,
    validateStatusUpdate: ({ status = {} }) => [
      ...(status.typeChecking?.expressionWarnings ?? []).flatMap(({ fieldRef, warning }, index) => {
        const field = `status.typeChecking.expressionWarnings[${index}]`;
        return [
          ...(warning ? [] : [fieldError.required(`${field}.warning`)]),
          ...(fieldRef?.trim() ? [] : [fieldError.required(`${field}.fieldRef`)]),
        ];
      }),
      ...checkConditions(status.conditions ?? [], "status.conditions"),
    ],
  },
  columns: [
    nameColumn,
    {
      name: "Validations",
      type: "integer",
      description: "How many expressions must be true.",
      cell: ({ spec }) => spec?.validations?.length ?? 0,
    },
    paramKindColumn,
    ageColumn,
  ],
});

function checkPolicy({ metadata, spec = {} }: ValidatingAdmissionPolicy): FieldErrors {
  const { validations = [], auditAnnotations = [] } = spec;
  const missing = "validations or auditAnnotations must contain at least one item";
  return [
    ...checkPolicySpec(spec, "spec"),
    ...(validations.length + auditAnnotations.length === 0
      ? [fieldError.required("spec.validations", missing), fieldError.required("spec.auditAnnotations", missing)]
      : []),
    ...validations.flatMap((validation, index) => checkValidation(validation, `spec.validations[${index}]`)),
    ...checkAuditAnnotations(auditAnnotations, metadata.name ?? ""),
  ];
}

function checkValidation(validation: Validation, field: string): FieldErrors {
  const { expression = "", message = "", messageExpression = "", reason } = validation;
  const errors: FieldError[] = [];
  if (!expression.trim()) errors.push(fieldError.required(`${field}.expression`, "expression is not specified"));
  if (messageExpression && !messageExpression.trim())
    errors.push(fieldError.invalid(`${field}.messageExpression`, messageExpression, "must be non-empty if specified"));
  if (message && !message.trim())
    errors.push(fieldError.invalid(`${field}.message`, message, "message must be non-empty if specified"));
  else if (/[\n\r]/.test(message.trim()))
    errors.push(fieldError.invalid(`${field}.message`, message, "message must not contain line breaks"));
  return [...errors, ...checkOneOf(`${field}.reason`, reason, reasons)];
}

function checkAuditAnnotations(annotations: readonly AuditAnnotation[], policy: string): FieldErrors {
  const field = "spec.auditAnnotations";
  const errors: FieldError[] = [];
  if (annotations.length > maxAnnotations)
    errors.push(fieldError.invalid(field, annotations, `must not have more than ${maxAnnotations} auditAnnotations`));
  const keys = new Set<string>();
  for (const [index, { key = "", valueExpression = "" }] of annotations.entries()) {
    const at = `${field}[${index}]`;
    const name = `${policy}/${key}`;
    if (policy) errors.push(...checkAll(`${at}.key`, name, qualifiedNameErrors(name)));
    else errors.push(fieldError.invalid(`${at}.key`, key, "requires metadata.name be non-empty"));
    const expression = valueExpression.trim();
    if (!expression) errors.push(fieldError.required(`${at}.valueExpression`, "valueExpression is not specified"));
    else if (expression.length > maxAnnotationExpression) {
      const detail = `must not exceed ${maxAnnotationExpression} bytes in length`;
      errors.push(fieldError.required(`${at}.valueExpression`, detail));
    }
    if (keys.has(key)) errors.push(fieldError.duplicate(`${at}.key`, key));
    keys.add(key);
  }
  return errors;
}
