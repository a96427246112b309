import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { qualifiedNameErrors, validateAnnotations, validateLabels } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { addressError } from "./addresses.ts";
import { checkAffinity } from "./affinity_validation.ts";
import { checkContainers, checkInitContainers, type PodFacts } from "./container_validation.ts";
import { checkEphemeralContainers } from "./ephemeral_containers.ts";
import type { Pod, PodSpec, PodTemplateSpec } from "./pod.ts";
import { checkDns } from "./pod_dns_validation.ts";
import { checkPodResources } from "./pod_level_resources.ts";
import { checkList } from "./resource_validation.ts";
import { checkPodSecurityContext } from "./security_context_validation.ts";
import { checkTolerations } from "./toleration_validation.ts";
import { checkTopologySpread } from "./topology_spread_validation.ts";
import {
  checkAll,
  checkNonNegative,
  checkOneOf,
  checkOptional,
  checkRange,
  checkRequired,
  checkRequiredOneOf,
  checkUnique,
  type FieldErrors,
} from "./validators.ts";
import { checkVolumes } from "./volume_validation.ts";

const maxInt32 = 2 ** 31 - 1;

/** What is wrong with a pod, besides its metadata. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodCreate */
export function validatePod(pod: Pod, previous?: Pod): FieldErrors {
  const detail = "cannot be set on create";
  return [
    ...checkPodSpec(pod.spec, "spec"),
    ...checkImageSpace(pod.spec),
    ...(pod.spec.ephemeralContainers?.length && !previous
      ? [fieldError.forbidden("spec.ephemeralContainers", detail)]
      : []),
  ];
}

/** What is wrong with a template and what is inside it. */
export function checkPodTemplate(template: PodTemplateSpec, field: string): FieldErrors {
  const errors: FieldError[] = [
    ...validateLabels(template.metadata?.labels, `${field}.metadata.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${field}.metadata.annotations`),
    ...checkPodSpec(template.spec, `${field}.spec`),
  ];
  if (template.spec.ephemeralContainers?.length) {
    const detail = "ephemeral containers not allowed in pod template";
    errors.push(fieldError.forbidden(`${field}.spec.ephemeralContainers`, detail));
  }
  return errors;
}

/** What is wrong with what a pod is to be. Expects the defaults to be filled. */
function checkPodSpec(spec: PodSpec, field: string): FieldErrors {
  const volumes = spec.volumes ?? [];
  const containers = spec.containers ?? [];
  const facts: PodFacts = {
    volumes: new Map(volumes.map((volume) => [volume.name, volume])),
    hostNetwork: spec.hostNetwork === true,
    os: spec.os,
  };
  const names = new Set(containers.map((container) => container.name));
  return [
    ...checkVolumes(volumes, `${field}.volumes`),
    ...checkContainers(containers, `${field}.containers`, facts),
    ...checkInitContainers(spec.initContainers ?? [], `${field}.initContainers`, facts, names),
    ...checkEphemeralContainers(spec, `${field}.ephemeralContainers`, facts),
    ...checkRequiredOneOf(`${field}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...checkDns(spec, field),
    ...checkRange(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, maxInt32),
    ...checkNonNegative(`${field}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...checkPodSecurityContext(spec, `${field}.securityContext`),
    ...checkNames(spec, field),
    ...checkAffinity(spec.affinity ?? {}, `${field}.affinity`),
    ...checkTolerations(spec.tolerations ?? [], `${field}.tolerations`),
    ...checkHostAliases(spec, `${field}.hostAliases`),
    ...checkGates(spec, field),
    ...checkTopologySpread(spec, `${field}.topologySpreadConstraints`),
    ...checkOs(spec, `${field}.os`),
    ...checkList(spec.overhead ?? {}, `${field}.overhead`),
    ...checkPodResources(spec, `${field}.resources`),
    ...checkOneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy || undefined, ["PreemptLowerPriority", "Never"]),
  ];
}

function checkNames(spec: PodSpec, field: string): FieldErrors {
  return [
    ...(spec.imagePullSecrets ?? []).flatMap((reference, index) =>
      checkRequired(`${field}.imagePullSecrets[${index}].name`, reference.name),
    ),
    ...checkOptional(`${field}.serviceAccountName`, spec.serviceAccountName, dnsSubdomainError),
    ...checkOptional(`${field}.nodeName`, spec.nodeName, dnsSubdomainError),
    ...checkOptional(`${field}.hostname`, spec.hostname, dnsLabelError),
    ...checkOptional(`${field}.subdomain`, spec.subdomain, dnsLabelError),
    ...checkOptional(`${field}.priorityClassName`, spec.priorityClassName, dnsSubdomainError),
    ...checkOptional(`${field}.runtimeClassName`, spec.runtimeClassName, dnsSubdomainError),
    ...(spec.schedulerName
      ? checkAll(`${field}.schedulerName`, spec.schedulerName, qualifiedNameErrors(spec.schedulerName))
      : []),
  ];
}

function checkHostAliases(spec: PodSpec, field: string): FieldErrors {
  return (spec.hostAliases ?? []).flatMap((alias, index) => [
    ...checkAll(
      `${field}[${index}].ip`,
      alias.ip,
      addressError(alias.ip ?? "") ? ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"] : [],
    ),
    ...(alias.hostnames ?? []).flatMap((name) =>
      checkOptional(`${field}[${index}].hostnames`, name, dnsSubdomainError),
    ),
  ]);
}

function checkGates(spec: PodSpec, field: string): FieldErrors {
  const gates = spec.schedulingGates ?? [];
  return [
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, index) =>
      checkAll(
        `${field}.readinessGates[${index}].conditionType`,
        conditionType,
        qualifiedNameErrors(conditionType ?? ""),
      ),
    ),
    ...gates.flatMap(({ name }, index) =>
      checkAll(`${field}.schedulingGates[${index}]`, name, qualifiedNameErrors(name ?? "")),
    ),
    ...checkUnique(
      gates.map((gate) => gate.name),
      (index) => `${field}.schedulingGates[${index}].name`,
    ),
  ];
}

/** The operating systems that pods may say they are for. */
function checkOs(spec: PodSpec, field: string): FieldErrors {
  return spec.os ? checkRequiredOneOf(`${field}.name`, spec.os.name, ["linux", "windows"]) : [];
}

/** Templates may carry any image text; a pod that is to run may not. */
function checkImageSpace(spec: PodSpec): FieldErrors {
  return (["initContainers", "containers"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap(({ image = "" }, index) =>
      image === image.trim()
        ? []
        : [fieldError.invalid(`spec.${list}[${index}].image`, image, "must not have leading or trailing whitespace")],
    ),
  );
}
