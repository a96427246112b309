import { labelValueErrors, qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { Toleration } from "./pod.ts";
import { checkAll, checkOneOf, type FieldErrors } from "./validators.ts";

/** Effects that a taint has and a toleration may name. */
export const taintEffects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** What is wrong with a pod's tolerations. */
export function checkTolerations(tolerations: readonly Toleration[], field: string): FieldErrors {
  return tolerations.flatMap((toleration, index) => {
    const at = `${field}[${index}]`;
    const { key, operator, value, effect } = toleration;
    const errors: FieldError[] = key ? [...checkAll(`${at}.key`, key, qualifiedNameErrors(key))] : [];
    if (!key && operator !== "Exists") {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(fieldError.invalid(`${at}.operator`, operator ?? "", detail));
    }
    if (toleration.tolerationSeconds !== undefined && effect !== "NoExecute") {
      const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(fieldError.invalid(`${at}.effect`, effect ?? "", detail));
    }
    if (!operator || operator === "Equal")
      errors.push(...checkAll(`${at}.operator`, value ?? "", labelValueErrors(value ?? "")));
    else if (operator !== "Exists")
      errors.push(fieldError.notSupported(`${at}.operator`, operator, ["Equal", "Exists"]));
    else if (value)
      errors.push(fieldError.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
    return [...errors, ...checkOneOf(`${at}.effect`, effect || undefined, taintEffects)];
  });
}
