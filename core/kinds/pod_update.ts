import { type FieldError, fieldError } from "../api/status.ts";
import { checkGatedUpdate, withPlaceOf } from "./gated_pod_update.ts";
import type { Container, Pod, PodSpec, Toleration } from "./pod.ts";
import { sameMember, semanticEqual } from "./semantic_equal.ts";
import { checkRange, type FieldErrors } from "./validators.ts";

const mutable =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/**
 * What may not change in a pod: nearly everything.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodUpdate
 */
export function validatePodUpdate(next: Pod, previous: Pod): FieldErrors {
  const errors: FieldError[] = [];
  for (const list of ["containers", "initContainers"] as const) {
    if ((next.spec[list]?.length ?? 0) !== (previous.spec[list]?.length ?? 0))
      return [fieldError.forbidden(`spec.${list}`, "pod updates may not add or remove containers")];
  }
  const deadline = next.spec.activeDeadlineSeconds;
  const outOfRange = checkRange("spec.activeDeadlineSeconds", deadline, 0, 2 ** 31 - 1);
  if (outOfRange.length > 0) return outOfRange;
  errors.push(
    ...checkDeadline(deadline, previous.spec.activeDeadlineSeconds),
    ...checkTolerationsKept(next.spec.tolerations ?? [], previous.spec.tolerations ?? []),
    ...checkGatesOnlyRemoved(next.spec, previous.spec),
    ...checkGatedUpdate(next.spec, previous.spec),
  );
  const comparable = withPlaceOf(withMutableFieldsOf(next.spec, previous.spec), previous.spec);
  const changed = changedFields(comparable, previous.spec);
  if (changed.length > 0) errors.push(fieldError.forbidden("spec", `${mutable}\nchanged: ${changed.join(", ")}`));
  return errors;
}

/** `spec` with what may change taken from `from`, so that only forbidden differences are left. */
function withMutableFieldsOf(spec: PodSpec, from: PodSpec): PodSpec {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, schedulingGates: _gates, ...rest } = spec;
  const { activeDeadlineSeconds, tolerations, schedulingGates } = from;
  return {
    ...rest,
    containers: withImagesOf(spec.containers, from.containers),
    ...(spec.initContainers ? { initContainers: withImagesOf(spec.initContainers, from.initContainers ?? []) } : {}),
    ...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
    ...(tolerations ? { tolerations } : {}),
    ...(schedulingGates ? { schedulingGates } : {}),
    ...((from.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
      ? { terminationGracePeriodSeconds: from.terminationGracePeriodSeconds ?? 0 }
      : {}),
  };
}

function withImagesOf(containers: readonly Container[], from: readonly Container[]): readonly Container[] {
  return containers.map((container, index) => {
    const image = from[index]?.image;
    const { image: _image, ...rest } = container;
    return image === undefined ? rest : { ...rest, image };
  });
}

function changedFields(next: PodSpec, previous: PodSpec): readonly string[] {
  const members = new Set([...Object.keys(next), ...Object.keys(previous)]) as ReadonlySet<keyof PodSpec>;
  return [...members]
    .filter((member) => !sameMember(next, previous, member))
    .map((m) => `spec.${m}`)
    .sort();
}

function checkDeadline(next: number | undefined, previous: number | undefined): FieldErrors {
  if (previous === undefined) return [];
  const field = "spec.activeDeadlineSeconds";
  if (next === undefined)
    return [fieldError.invalid(field, "", "must not update from a positive integer to nil value")];
  return next > previous ? [fieldError.invalid(field, next, "must be less than or equal to previous value")] : [];
}

function checkTolerationsKept(next: readonly Toleration[], previous: readonly Toleration[]): FieldErrors {
  const bare = ({ tolerationSeconds: _seconds, ...rest }: Toleration) => rest;
  const kept = previous.every((old) => next.some((toleration) => semanticEqual(bare(toleration), bare(old))));
  return kept
    ? []
    : [
        fieldError.forbidden(
          "spec.tolerations",
          "existing toleration can not be modified except its tolerationSeconds",
        ),
      ];
}

function checkGatesOnlyRemoved(next: PodSpec, previous: PodSpec): FieldErrors {
  const old = new Set(previous.schedulingGates?.map((gate) => gate.name));
  return (next.schedulingGates ?? []).flatMap((gate, index) =>
    old.has(gate.name)
      ? []
      : [
          fieldError.forbidden(
            `spec.schedulingGates[${index}].name`,
            `only deletion is allowed, but found new scheduling gate '${gate.name}'`,
          ),
        ],
  );
}
