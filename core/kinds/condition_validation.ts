import { qualifiedNameErrors } from "../api/label_validation.ts";
import type { Condition } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkAll, checkUnique, type FieldErrors } from "./validators.ts";

const statuses = ["True", "False", "Unknown"];
const maxReason = 1024;
const maxMessage = 32 * 1024;
const reasonPattern = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const reasonRule = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonPattern}')`;

/** What is wrong with a list of conditions of the common type. @see k8s.io/apimachinery/pkg/apis/meta/v1/validation, ValidateConditions */
export function checkConditions(conditions: readonly Condition[], field: string): FieldErrors {
  const repeated = checkUnique(
    conditions.map(({ type }) => type),
    (index) => `${field}[${index}].type`,
  );
  return [...repeated, ...conditions.flatMap((condition, index) => checkCondition(condition, `${field}[${index}]`))];
}

function checkCondition(condition: Partial<Condition>, field: string): FieldErrors {
  const { type = "", status, observedGeneration = 0, lastTransitionTime, reason = "", message = "" } = condition;
  const errors: FieldError[] = [];
  if (!type) errors.push(fieldError.required(`${field}.type`));
  else errors.push(...checkAll(`${field}.type`, type, qualifiedNameErrors(type)));
  if (!statuses.includes(status ?? ""))
    errors.push(fieldError.notSupported(`${field}.status`, status ?? "", [...statuses].sort()));
  if (observedGeneration < 0)
    errors.push(
      fieldError.invalid(`${field}.observedGeneration`, observedGeneration, "must be greater than or equal to zero"),
    );
  if (!lastTransitionTime) errors.push(fieldError.required(`${field}.lastTransitionTime`, "must be set"));
  if (reason.length > maxReason) errors.push(fieldError.tooLong(`${field}.reason`, maxReason));
  else if (!reason) errors.push(fieldError.required(`${field}.reason`, "must be set"));
  else if (!/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/.test(reason))
    errors.push(fieldError.invalid(`${field}.reason`, reason, reasonRule));
  if (message.length > maxMessage) errors.push(fieldError.tooLong(`${field}.message`, maxMessage));
  return errors;
}
