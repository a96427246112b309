/** What deployments and replica sets have in common. */
import { validateLabelSelector } from "../api/label_validation.ts";
import { type LabelSelector, selectorFromObject } from "../api/labels.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { checkPodTemplate } from "./pod_validation.ts";
import type { FieldErrors } from "./validators.ts";

/** What is wrong with a selector and the template that it must select. */
export function checkSelectorAndTemplate(
  {
    selector,
    template,
  }: { readonly selector: LabelSelector | undefined; readonly template: PodTemplateSpec | undefined },
  kindForMessage: string,
): FieldErrors {
  const errors: FieldError[] = [];
  if (!selector) errors.push(fieldError.required("spec.selector"));
  else {
    errors.push(...validateLabelSelector(selector, "spec.selector"));
    if (isEmptySelector(selector))
      errors.push(fieldError.invalid("spec.selector", selector, "empty selector is invalid for deployment"));
  }
  if (!template) return [...errors, fieldError.required("spec.template")];
  const labels = template.metadata?.labels ?? {};
  if (errors.length === 0 && !selectorFromObject(selector).matches(labels)) {
    const detail = "`selector` does not match template `labels`";
    errors.push(fieldError.invalid("spec.template.metadata.labels", labels, detail));
  }
  errors.push(...checkPodTemplate(template, "spec.template"));
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== "Always")
    errors.push(fieldError.notSupported("spec.template.spec.restartPolicy", restartPolicy, ["Always"]));
  if (activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${kindForMessage} is not Supported`;
    errors.push(fieldError.forbidden("spec.template.spec.activeDeadlineSeconds", detail));
  }
  return errors;
}

function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}
