import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import {
  qualifiedNameErrors,
  validateAnnotations,
  validateLabelSelector,
  validateLabels,
} from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { addressError } from "./addresses.ts";
import { checkAffinity } from "./affinity_validation.ts";
import { checkContainers, checkInitContainers, type PodFacts } from "./container_validation.ts";
import type { Pod, PodSpec, PodTemplateSpec } from "./pod.ts";
import { checkTolerations } from "./toleration_validation.ts";
import {
  checkAll,
  checkNonNegative,
  checkOneOf,
  checkOptional,
  checkPositive,
  checkRange,
  checkRequired,
  checkRequiredOneOf,
  checkUnique,
  type FieldErrors,
} from "./validators.ts";
import { checkVolumes } from "./volume_validation.ts";

const maxInt32 = 2 ** 31 - 1;

/** What is wrong with a pod, besides its metadata. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodCreate */
export function validatePod(pod: Pod): FieldErrors {
  return [...checkPodSpec(pod.spec, "spec"), ...checkImageSpace(pod.spec)];
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
export function checkPodSpec(spec: PodSpec, field: string): FieldErrors {
  const volumes = spec.volumes ?? [];
  const containers = spec.containers ?? [];
  const facts: PodFacts = {
    volumes: new Set(volumes.map((volume) => volume.name)),
    hostNetwork: spec.hostNetwork === true,
  };
  const names = new Set(containers.map((container) => container.name));
  return [
    ...checkVolumes(volumes, `${field}.volumes`),
    ...checkContainers(containers, `${field}.containers`, facts),
    ...checkInitContainers(spec.initContainers ?? [], `${field}.initContainers`, facts, names),
    ...checkRequiredOneOf(`${field}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...checkDns(spec, field),
    ...checkRange(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, maxInt32),
    ...checkNonNegative(`${field}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...checkSecurityContext(spec, `${field}.securityContext`),
    ...checkNames(spec, field),
    ...checkAffinity(spec.affinity ?? {}, `${field}.affinity`),
    ...checkTolerations(spec.tolerations ?? [], `${field}.tolerations`),
    ...checkHostAliases(spec, `${field}.hostAliases`),
    ...checkGates(spec, field),
    ...checkSpread(spec, `${field}.topologySpreadConstraints`),
    ...checkOneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy || undefined, ["PreemptLowerPriority", "Never"]),
  ];
}

function checkDns(spec: PodSpec, field: string): FieldErrors {
  const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
  const errors = checkRequiredOneOf(`${field}.dnsPolicy`, spec.dnsPolicy, policies);
  const servers = (spec.dnsConfig as { readonly nameservers?: readonly string[] } | undefined)?.nameservers;
  if (spec.dnsPolicy !== "None" || servers?.length) return errors;
  const detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
  return [...errors, fieldError.required(`${field}.dnsConfig.nameservers`, detail)];
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

function checkSecurityContext({ securityContext, ...spec }: PodSpec, field: string): FieldErrors {
  const errors: FieldError[] = [
    ...checkRange(`${field}.runAsUser`, securityContext?.runAsUser, 0, maxInt32),
    ...checkRange(`${field}.runAsGroup`, securityContext?.runAsGroup, 0, maxInt32),
    ...checkRange(`${field}.fsGroup`, securityContext?.fsGroup, 0, maxInt32),
    ...(securityContext?.supplementalGroups ?? []).flatMap((group, index) =>
      checkRange(`${field}.supplementalGroups[${index}]`, group, 0, maxInt32),
    ),
  ];
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    const detail = "ShareProcessNamespace and HostPID cannot both be enabled";
    errors.push(fieldError.invalid(`${field}.shareProcessNamespace`, true, detail));
  }
  return errors;
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

function checkSpread(spec: PodSpec, field: string): FieldErrors {
  return (spec.topologySpreadConstraints ?? []).flatMap((constraint, index) => [
    ...checkPositive(`${field}[${index}].maxSkew`, constraint.maxSkew ?? 0),
    ...checkRequired(`${field}[${index}].topologyKey`, constraint.topologyKey),
    ...checkRequiredOneOf(`${field}[${index}].whenUnsatisfiable`, constraint.whenUnsatisfiable, [
      "DoNotSchedule",
      "ScheduleAnyway",
    ]),
    ...validateLabelSelector(constraint.labelSelector, `${field}[${index}].labelSelector`),
  ]);
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
