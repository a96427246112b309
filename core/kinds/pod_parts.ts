/** Parts of a pod that are written by themselves, beside its status. */
import type { PartStrategy } from "../api/kind.ts";
import { compareQuantities, parseQuantity, quantityError } from "../api/quantity.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkEphemeralContainersKept } from "./ephemeral_containers.ts";
import type { Container, Pod, PodSpec, ResourceList, ResourceRequirements } from "./pod.ts";
import { isMirror } from "./pod_helpers.ts";
import { isSidecar, qosClass } from "./pod_resources.ts";
import { validatePod } from "./pod_validation.ts";
import { semanticEqual } from "./semantic_equal.ts";
import type { FieldErrors } from "./validators.ts";

/** `/ephemeralcontainers`: containers are put into a running pod, and stay there. */
export const ephemeralContainers: PartStrategy<Pod> = {
  prepareForUpdate: (sent, previous) => {
    const { ephemeralContainers: _old, ...spec } = previous.spec;
    const { ephemeralContainers: containers } = sent.spec;
    return {
      ...previous,
      metadata: sent.metadata,
      spec: containers ? { ...spec, ephemeralContainers: containers } : spec,
    };
  },
  validateUpdate: (next, previous) => [...validatePod(next, previous), ...checkEphemeralContainersKept(next, previous)],
};

/** `/resize`: the processor time and memory of a running pod's containers, and of the pod as a whole. */
export const resize: PartStrategy<Pod> = {
  prepareForUpdate: (sent, previous) => ({
    ...previous,
    metadata: sent.metadata,
    spec: {
      ...withResources(previous.spec, sent.spec),
      containers: withResourcesOf(previous.spec.containers, sent.spec.containers),
      ...(previous.spec.initContainers
        ? { initContainers: withResourcesOf(previous.spec.initContainers, sent.spec.initContainers ?? []) }
        : {}),
    },
  }),
  validateUpdate: (next, previous) => [...validatePod(next, previous), ...checkResize(next, previous)],
};

function withResources({ resources: _resources, ...rest }: PodSpec, { resources }: PodSpec): PodSpec {
  return resources ? { ...rest, resources } : rest;
}

/** The containers with the resources that were sent for those of the same name. */
function withResourcesOf(containers: readonly Container[], sent: readonly Container[]): readonly Container[] {
  const byName = new Map(sent.map((container) => [container.name, container]));
  return containers.map((container) => {
    const wanted = byName.get(container.name);
    if (!wanted) return container;
    const { resources: _resources, resizePolicy: _policy, ...rest } = container;
    const { resources, resizePolicy } = wanted;
    return { ...rest, ...(resources ? { resources } : {}), ...(resizePolicy ? { resizePolicy } : {}) };
  });
}

/** @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodResize */
function checkResize(next: Pod, previous: Pod): FieldErrors {
  const never = neverResized(previous);
  if (never !== undefined) return [fieldError.forbidden("", never)];
  const errors: FieldError[] = [];
  const before = previous.status?.qosClass ?? qosClass(previous);
  const after = qosClass(next);
  if (after !== before)
    errors.push(fieldError.invalid("spec", after, "Pod QOS Class may not change as a result of resizing"));
  errors.push(...checkAmounts(next.spec, previous.spec, "spec.resources"));
  for (const list of ["containers", "initContainers"] as const) {
    for (const [index, container] of (next.spec[list] ?? []).entries()) {
      const old = previous.spec[list]?.[index];
      const at = `spec.${list}[${index}].resources`;
      if (!old || semanticEqual(container.resources, old.resources)) continue;
      if (list === "initContainers" && !isSidecar(container)) {
        errors.push(fieldError.forbidden(at, "resources for non-sidecar init containers are immutable"));
        continue;
      }
      errors.push(...checkAmounts(container, old, at));
    }
  }
  return errors;
}

/** Why a pod of this sort cannot be resized at all. */
function neverResized(pod: Pod): string | undefined {
  if (isMirror(pod)) return "static pods cannot be resized";
  return pod.spec.os?.name === "windows" ? "windows pods cannot be resized" : undefined;
}

const resizable = ["cpu", "memory"];

interface HasResources {
  readonly resources?: ResourceRequirements;
}

function checkAmounts(next: HasResources, old: HasResources, field: string): FieldErrors {
  const errors: FieldError[] = [];
  for (const side of ["requests", "limits"] as const) {
    const [list, oldList]: readonly (ResourceList | undefined)[] = [next.resources?.[side], old.resources?.[side]];
    const names = new Set([...Object.keys(list ?? {}), ...Object.keys(oldList ?? {})]);
    const changed = [...names].filter((name) => !sameAmount(list?.[name], oldList?.[name]));
    if (changed.some((name) => !resizable.includes(name)))
      errors.push(fieldError.forbidden("spec", "only cpu and memory resources are mutable"));
    const removed = changed.some((name) => oldList?.[name] !== undefined && list?.[name] === undefined);
    if (removed) errors.push(fieldError.forbidden(`${field}.${side}`, `resource ${side} cannot be removed`));
  }
  return errors;
}

function sameAmount(a: string | number | undefined, b: string | number | undefined): boolean {
  if (a === undefined || b === undefined || quantityError(a) !== undefined) return a === b;
  return compareQuantities(parseQuantity(a), parseQuantity(b)) === 0;
}
