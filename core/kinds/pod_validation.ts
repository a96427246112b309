import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { qualifiedNameErrors, validateAnnotations, validateLabels } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { addressError } from "./addresses.ts";
import { checkAffinity } from "./affinity_validation.ts";
import { checkContainers, checkHostNetworkPorts, checkInitContainers, type PodFacts } from "./container_validation.ts";
import { checkEphemeralContainers } from "./ephemeral_containers.ts";
import type { Pod, PodSpec, PodTemplateSpec } from "./pod.ts";
import { checkPodClaims, claimNames } from "./pod_claims_validation.ts";
import { checkDns, checkDnsPolicy } from "./pod_dns_validation.ts";
import { checkPodResources } from "./pod_level_resources.ts";
import { checkHostProcess, checkOs } from "./pod_os_validation.ts";
import { checkList } from "./resource_validation.ts";
import { checkPodSecurityContext } from "./security_context_validation.ts";
import { checkTolerations } from "./toleration_validation.ts";
import { checkTopologySpread } from "./topology_spread_validation.ts";
import { check, checkAll, checkOptional, checkRange, checkRequiredOneOf, type FieldErrors } from "./validators.ts";
import { checkVolumes } from "./volume_validation.ts";

const maxInt32 = 2 ** 31 - 1;

/** What is wrong with a pod, besides its metadata. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodCreate */
export function validatePod(pod: Pod, previous?: Pod): FieldErrors {
  return [
    ...checkPodSpec(pod.spec, "spec", pod.metadata.name),
    ...checkTokens(pod.spec),
    ...checkImageSpace(pod.spec),
    ...(previous ? [] : checkNew(pod.spec)),
  ];
}

/** What a pod may have only later. */
function checkNew({ ephemeralContainers = [], nodeName, schedulingGates = [] }: PodSpec): FieldErrors {
  const errors: FieldError[] = [];
  if (ephemeralContainers.length > 0)
    errors.push(fieldError.forbidden("spec.ephemeralContainers", "cannot be set on create"));
  if (nodeName && schedulingGates.length > 0)
    errors.push(fieldError.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  return errors;
}

/** Tokens are an account's. */
function checkTokens({ serviceAccountName, volumes = [] }: PodSpec): FieldErrors {
  if (serviceAccountName) return [];
  const detail = "must not be specified when serviceAccountName is not set";
  return volumes.flatMap(({ projected }, index) =>
    (projected?.sources ?? []).flatMap((source, place) =>
      source.serviceAccountToken
        ? [fieldError.forbidden(`spec.volumes[${index}].projected.sources[${place}].serviceAccountToken`, detail)]
        : [],
    ),
  );
}

/** What is wrong with a template and what is inside it. Kubernetes names labels and annotations as if they were the template's. */
export function checkPodTemplate(template: PodTemplateSpec, field: string): FieldErrors {
  const errors: FieldError[] = [
    ...validateLabels(template.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(template.metadata?.annotations, `${field}.annotations`),
    ...checkPodSpec(template.spec, `${field}.spec`),
  ];
  if (template.spec.ephemeralContainers?.length) {
    const detail = "ephemeral containers not allowed in pod template";
    errors.push(fieldError.forbidden(`${field}.spec.ephemeralContainers`, detail));
  }
  return errors;
}

/**
 * What is wrong with what a pod is to be, in the order in which Kubernetes says it. Expects the defaults to be filled.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodSpec
 */
function checkPodSpec(spec: PodSpec, field: string, podName?: string): FieldErrors {
  const { containers = [], initContainers = [], terminationGracePeriodSeconds } = spec;
  const volumes = checkVolumes(spec.volumes ?? [], `${field}.volumes`, podName);
  const facts: PodFacts = {
    volumes: volumes.usable,
    claims: claimNames(spec),
    hostUsers: spec.hostUsers !== false,
    restartPolicy: spec.restartPolicy,
    terminationGracePeriodSeconds,
    os: spec.os,
  };
  const names = new Set(containers.map((container) => container.name));
  return [
    ...volumes.errors,
    ...checkPodClaims(spec, `${field}.resourceClaims`),
    ...checkContainers(containers, `${field}.containers`, facts),
    ...checkInitContainers(initContainers, `${field}.initContainers`, facts, names),
    ...checkEphemeralContainers(spec, `${field}.ephemeralContainers`, facts),
    ...checkPodResources(spec, `${field}.resources`),
    ...checkHostNetworkPorts(spec, `${field}.containers`),
    ...checkRequiredOneOf(`${field}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...checkDnsPolicy(spec, `${field}.dnsPolicy`),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...checkPodSecurityContext(spec, `${field}.securityContext`),
    ...checkAffinity(spec.affinity ?? {}, `${field}.affinity`),
    ...checkDns(spec, `${field}.dnsConfig`),
    ...checkGates(spec, field),
    ...checkTopologySpread(spec, `${field}.topologySpreadConstraints`),
    ...checkHostProcess(spec, field),
    ...checkHostUsers(spec, field),
    ...checkNames(spec, field),
    ...checkOverhead(spec, `${field}.overhead`),
    ...checkOs(spec, field),
  ];
}

function checkNames(spec: PodSpec, field: string): FieldErrors {
  return [
    ...checkOptional(`${field}.serviceAccountName`, spec.serviceAccountName, dnsSubdomainError),
    ...checkOptional(`${field}.nodeName`, spec.nodeName, dnsSubdomainError),
    ...checkRange(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, maxInt32),
    ...checkOptional(`${field}.hostname`, spec.hostname, dnsLabelError),
    ...checkOptional(`${field}.subdomain`, spec.subdomain, dnsLabelError),
    ...checkTolerations(spec.tolerations ?? [], `${field}.tolerations`),
    ...checkHostAliases(spec, `${field}.hostAliases`),
    ...checkOptional(`${field}.priorityClassName`, spec.priorityClassName, dnsSubdomainError),
    ...(spec.runtimeClassName === undefined
      ? []
      : check(`${field}.runtimeClassName`, spec.runtimeClassName, dnsSubdomainError(spec.runtimeClassName))),
    ...(spec.preemptionPolicy === undefined
      ? []
      : checkRequiredOneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, ["PreemptLowerPriority", "Never"])),
  ];
}

/** What a pod costs besides its containers is checked as if it were limits, and named so. */
function checkOverhead({ overhead = {} }: PodSpec, field: string): FieldErrors {
  return checkList(overhead, `${field}.limits`);
}

/** Users of the pod's own do not go with namespaces of the host's. */
function checkHostUsers({ hostUsers, hostNetwork, hostPID, hostIPC }: PodSpec, field: string): FieldErrors {
  if (hostUsers !== false) return [];
  const shared = [
    ...(hostNetwork === true ? ["hostNetwork"] : []),
    ...(hostPID === true ? ["HostPID"] : []),
    ...(hostIPC === true ? ["HostIPC"] : []),
  ];
  return shared.map((name) => fieldError.forbidden(`${field}.${name}`, "when `pod.Spec.HostUsers` is false"));
}

function checkHostAliases(spec: PodSpec, field: string): FieldErrors {
  return (spec.hostAliases ?? []).flatMap(({ ip = "", hostnames = [] }, index) => [
    ...check(`${field}[${index}].ip`, ip, addressError(ip)),
    ...hostnames.flatMap((name, place) =>
      check(`${field}[${index}].hostnames[${place}]`, name, dnsSubdomainError(name)),
    ),
  ]);
}

function checkGates({ readinessGates = [], schedulingGates = [] }: PodSpec, field: string): FieldErrors {
  const seen = new Set<string>();
  return [
    ...readinessGates.flatMap(({ conditionType = "" }, index) =>
      checkAll(`${field}.readinessGates[${index}].conditionType`, conditionType, qualifiedNameErrors(conditionType)),
    ),
    ...schedulingGates.flatMap(({ name = "" }, index) => {
      const at = `${field}.schedulingGates[${index}]`;
      const repeated = seen.has(name) ? [fieldError.duplicate(at, name)] : [];
      seen.add(name);
      return [...checkAll(at, name, qualifiedNameErrors(name)), ...repeated];
    }),
  ];
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
