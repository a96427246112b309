import { type FieldError, fieldError } from "../api/status.ts";
import type { Container, ContainerRestartRule, PodSpec } from "./pod.ts";
import { isSidecar } from "./pod_resources.ts";
import { checkRequiredOneOf, type FieldErrors } from "./validators.ts";

/**
 * Whether a container that ended with this code is to run again: by the first of its own rules that knows the code, by its own
 * policy, or by its pod's. Init containers that succeeded never are, but for sidecars.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
 */
export function restartsAfter(spec: PodSpec, container: Container, exitCode: number): boolean {
  if (container.restartPolicyRules?.some((rule) => matches(rule, exitCode))) return true;
  const isInit = spec.initContainers?.some(({ name }) => name === container.name) ?? false;
  if (isInit && isSidecar(container)) return true;
  const policy = container.restartPolicy ?? spec.restartPolicy ?? "Always";
  if (policy === "Never") return false;
  return exitCode !== 0 || (policy === "Always" && !isInit);
}

function matches({ action, exitCodes }: ContainerRestartRule, exitCode: number): boolean {
  if (action !== "Restart" || !exitCodes) return false;
  return (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === "In");
}

const maxRules = 20;
const maxCodes = 255;

/** What is wrong with when a container is to run again. @see k8s.io/kubernetes/pkg/apis/core/validation, validateContainerRestartPolicy */
export function checkRestartRules(
  { restartPolicy, restartPolicyRules: rules = [] }: Container,
  field: string,
): FieldErrors {
  const errors: FieldError[] = [];
  const at = `${field}.restartPolicyRules`;
  if (rules.length > 0 && !restartPolicy)
    errors.push(
      fieldError.required(`${field}.restartPolicy`, "must specify restartPolicy when restart rules are used"),
    );
  if (rules.length > maxRules) errors.push(fieldError.tooMany(at, rules.length, maxRules));
  for (const [index, { action, exitCodes }] of rules.entries()) {
    errors.push(...checkRequiredOneOf(`${at}[${index}].action`, action, ["Restart"]));
    if (!exitCodes) {
      errors.push(fieldError.required(`${at}[${index}].exitCodes`, "must be specified"));
      continue;
    }
    errors.push(...checkRequiredOneOf(`${at}[${index}].exitCodes.operator`, exitCodes.operator, ["In", "NotIn"]));
    const codes = exitCodes.values ?? [];
    if (codes.length > maxCodes)
      errors.push(fieldError.tooMany(`${at}[${index}].exitCodes.values`, codes.length, maxCodes));
  }
  return errors;
}
