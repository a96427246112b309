import { type FieldError, fieldError } from "../api/status.ts";
import { checkContainer, type PodFacts } from "./container_validation.ts";
import type { Container, EphemeralContainer, Pod, PodSpec } from "./pod.ts";
import { semanticEqual } from "./semantic_equal.ts";
import type { FieldErrors } from "./validators.ts";

/** What a container that was only put in to look around cannot have. */
const notAllowed = [
  "ports",
  "resources",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
] as const satisfies readonly (keyof Container)[];

/** What is wrong with the ephemeral containers of a pod. @see k8s.io/kubernetes/pkg/apis/core/validation, validateEphemeralContainers */
export function checkEphemeralContainers(spec: PodSpec, field: string, facts: PodFacts): FieldErrors {
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const targets = new Set(others.map(({ name }) => name));
  const taken = new Set(targets);
  return (spec.ephemeralContainers ?? []).flatMap((container, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [...checkContainer(container, at, facts)];
    if (container.name && taken.has(container.name)) errors.push(fieldError.duplicate(`${at}.name`, container.name));
    taken.add(container.name);
    const { targetContainerName } = container;
    if (targetContainerName && !targets.has(targetContainerName))
      errors.push(fieldError.notFound(`${at}.targetContainerName`, targetContainerName));
    const mounts = container.volumeMounts ?? [];
    return [...errors, ...checkAllowed(container, at), ...checkSubPaths(mounts, `${at}.volumeMounts`)];
  });
}

function checkAllowed(container: EphemeralContainer, field: string): FieldErrors {
  return notAllowed
    .filter((member) => !semanticEqual(container[member], undefined))
    .map((member) => fieldError.forbidden(`${field}.${member}`, "cannot be set for an Ephemeral Container"));
}

function checkSubPaths(mounts: NonNullable<Container["volumeMounts"]>, field: string): FieldErrors {
  return mounts.flatMap(({ subPath, subPathExpr }, index) => [
    ...(subPath
      ? [fieldError.forbidden(`${field}[${index}].subPath`, "cannot be set for an Ephemeral Container")]
      : []),
    ...(subPathExpr
      ? [fieldError.forbidden(`${field}[${index}].subPathExpr`, "cannot be set for an Ephemeral Container")]
      : []),
  ]);
}

/** What may not change when ephemeral containers are written: those that are there. */
export function checkEphemeralContainersKept(next: Pod, previous: Pod): FieldErrors {
  const field = "spec.ephemeralContainers";
  const byName = new Map((next.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  const errors: FieldError[] = [];
  for (const old of previous.spec.ephemeralContainers ?? []) {
    const same = byName.get(old.name);
    const name = JSON.stringify(old.name);
    if (!same) errors.push(fieldError.forbidden(field, `existing ephemeral containers ${name} may not be removed\n`));
    else if (!semanticEqual(same, old))
      errors.push(fieldError.forbidden(field, `existing ephemeral containers ${name} may not be changed\n`));
  }
  return errors;
}
