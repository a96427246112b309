import { dnsSubdomainError } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { addressError } from "./addresses.ts";
import { restartsAfter } from "./container_restart.ts";
import type { ContainerStatus, Pod, PodSpec, PodStatus } from "./pod.ts";
import { checkAll, checkOptional, type FieldErrors } from "./validators.ts";
import { withMembers } from "./with_members.ts";

/** The status of a pod as it is kept: its class stays, and its first address stands in both fields. */
export function preparePodStatus(next: Pod, previous: Pod): Pod {
  const { status = {} } = next;
  // Clients that know of one address only have the last word.
  const { podIP, podIPs: sent = [] } = status;
  const podIPs = podIP && podIP !== sent[0]?.ip ? [{ ip: podIP }] : sent.length > 0 ? sent : undefined;
  return {
    ...next,
    status: withMembers<PodStatus>(status, {
      qosClass: status.qosClass ?? previous.status?.qosClass,
      podIPs,
      podIP: podIPs?.[0]?.ip,
    }),
  };
}

/** What is wrong with the status of a pod. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidatePodStatusUpdate */
export function validatePodStatus({ status = {}, spec }: Pod, { status: old = {} }: Pod): FieldErrors {
  const errors: FieldError[] = [];
  if (old.qosClass !== undefined && status.qosClass !== old.qosClass)
    errors.push(fieldError.invalid("status.qosClass", status.qosClass ?? "", "field is immutable"));
  const lists = ["containerStatuses", "initContainerStatuses"] as const;
  return [
    ...checkConditions(status),
    ...(status.nominatedNodeName === old.nominatedNodeName
      ? []
      : checkOptional("status.nominatedNodeName", status.nominatedNodeName, dnsSubdomainError)),
    ...lists.flatMap((list) => checkTransitions(status[list], old[list], `status.${list}`, spec)),
    ...checkAddresses(status),
    ...errors,
  ];
}

const systemConditions = ["PodScheduled", "Ready", "Initialized"];

function checkConditions({ conditions = [] }: PodStatus): FieldErrors {
  return conditions.flatMap(({ type = "" }, index) =>
    systemConditions.includes(type)
      ? []
      : checkAll(`metadata.conditions[${index}].Type`, type, qualifiedNameErrors(type)),
  );
}

/** A container that has ended for good does not come back. */
function checkTransitions(
  next: readonly ContainerStatus[] = [],
  previous: readonly ContainerStatus[] = [],
  field: string,
  spec: PodSpec,
): FieldErrors {
  if (spec.restartPolicy === "Always") return [];
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const states = new Map(next.map(({ name, state }) => [name, state]));
  return previous.flatMap(({ name, state }, index) => {
    if (!state?.terminated || !states.has(name) || states.get(name)?.terminated) return [];
    const container = containers.find((one) => one.name === name);
    if (container && restartsAfter(spec, container, state.terminated.exitCode)) return [];
    return [fieldError.forbidden(`${field}[${index}].state`, "may not be transitioned to non-terminated state")];
  });
}

function checkAddresses({ podIPs = [] }: PodStatus): FieldErrors {
  const field = "status.podIPs";
  const errors: FieldError[] = podIPs.flatMap(({ ip = "" }, index) =>
    addressError(ip)
      ? [fieldError.invalid(`${field}[${index}]`, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
      : [],
  );
  if (podIPs.length < 2) return errors;
  const families = new Set(podIPs.map(({ ip = "" }) => ip.includes(":")));
  if (podIPs.length > 2 || families.size < 2) {
    const shown = podIPs.map(({ ip }) => ({ IP: ip }));
    errors.push(fieldError.invalid(field, shown, "may specify no more than one IP for each IP family"));
  }
  const seen = new Set<string>();
  for (const [index, { ip }] of podIPs.entries()) {
    if (seen.has(ip)) errors.push(fieldError.duplicate(`${field}[${index}]`, { IP: ip }));
    seen.add(ip);
  }
  return errors;
}
