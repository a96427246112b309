import { dnsLabelError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkRestartRules } from "./container_restart.ts";
import { checkEnv, checkEnvFrom } from "./env_validation.ts";
import type { Container, ContainerPort, PodSpec, Volume } from "./pod.ts";
import { checkContainerClaims } from "./pod_claims_validation.ts";
import { checkProbesAndHooks } from "./probe_validation.ts";
import { checkResources } from "./resource_validation.ts";
import { checkSecurityContext } from "./security_context_validation.ts";
import { checkStopSignal } from "./stop_signal.ts";
import {
  checkAll,
  checkOneOf,
  checkPortNumber,
  checkRequired,
  checkRequiredOneOf,
  checkUnique,
  type FieldErrors,
  portNameErrors,
} from "./validators.ts";
import { checkVolumeDevices, checkVolumeMounts } from "./volume_mount_validation.ts";

/** What the containers of a pod share as far as their validation goes. */
export interface PodFacts {
  /** The pod's volumes by name. */
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Names of the devices that the pod claims. */
  readonly claims: ReadonlySet<string>;
  readonly hostUsers: boolean;
  readonly restartPolicy: string | undefined;
  readonly terminationGracePeriodSeconds: number | undefined;
  readonly os: PodSpec["os"];
}

/** What is wrong with containers that run side by side until the pod ends. */
export function checkContainers(containers: readonly Container[], field: string, facts: PodFacts): FieldErrors {
  if (containers.length === 0) return [fieldError.required(field)];
  return [
    ...containers.flatMap((container, index) => {
      const at = `${field}[${index}]`;
      return [...checkContainer(container, at, facts), ...checkProbesAndHooks(container, at, facts)];
    }),
    ...checkUnique(
      containers.map((container) => container.name),
      (index) => `${field}[${index}].name`,
    ),
    ...checkHostPorts(containers, field),
  ];
}

/** What is wrong with containers that run one after the other, before those named in `taken`. */
export function checkInitContainers(
  containers: readonly Container[],
  field: string,
  facts: PodFacts,
  taken: ReadonlySet<string>,
): FieldErrors {
  const names = new Set(taken);
  return containers.flatMap((container, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [...checkContainer(container, at, facts)];
    if (container.name && names.has(container.name)) errors.push(fieldError.duplicate(`${at}.name`, container.name));
    if (container.name) names.add(container.name);
    errors.push(...checkHostPorts([container], field));
    if (container.restartPolicy === "Always") return [...errors, ...checkProbesAndHooks(container, at, facts)];
    for (const member of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
      if (container[member])
        errors.push(
          fieldError.forbidden(`${at}.${member}`, "may not be set for init containers without restartPolicy=Always"),
        );
    }
    return errors;
  });
}

/** What is wrong with a container of any sort. */
export function checkContainer(container: Container, field: string, facts: PodFacts): FieldErrors {
  return [
    ...checkRequired(`${field}.name`, container.name, dnsLabelError),
    ...checkRequired(`${field}.image`, container.image),
    ...checkRequiredOneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      "File",
      "FallbackToLogsOnError",
    ]),
    ...checkPorts(container.ports ?? [], `${field}.ports`),
    ...checkEnv(container.env ?? [], facts.volumes, `${field}.env`),
    ...checkEnvFrom(container.envFrom ?? [], `${field}.envFrom`),
    ...checkVolumeMounts(container, facts.volumes, `${field}.volumeMounts`),
    ...checkVolumeDevices(container, facts.volumes, `${field}.volumeDevices`),
    ...checkRequiredOneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, ["Always", "IfNotPresent", "Never"]),
    ...checkResources(container.resources ?? {}, `${field}.resources`),
    ...checkContainerClaims(container.resources ?? {}, `${field}.resources.claims`, facts.claims),
    ...checkResizePolicy(container, `${field}.resizePolicy`, facts),
    ...checkSecurityContext(container, `${field}.securityContext`, facts),
    ...checkOneOf(`${field}.restartPolicy`, container.restartPolicy, ["Always", "Never", "OnFailure"]),
    ...checkRestartRules(container, field),
    ...checkStopSignal(container, field, facts.os),
  ];
}

/** What a change of resources does to a container, where it is said. */
function checkResizePolicy({ resizePolicy = [] }: Container, field: string, facts: PodFacts): FieldErrors {
  const seen = new Set<string>();
  return resizePolicy.flatMap(({ resourceName = "", restartPolicy = "" }, index) => {
    const errors: FieldError[] = seen.has(resourceName)
      ? [fieldError.duplicate(`${field}[${index}]`, resourceName)]
      : [];
    seen.add(resourceName);
    errors.push(
      ...checkRequiredOneOf(field, resourceName, ["cpu", "memory"]),
      ...checkRequiredOneOf(field, restartPolicy, ["NotRequired", "RestartContainer"]),
    );
    if (facts.restartPolicy === "Never" && restartPolicy !== "NotRequired") {
      const detail = "must be 'NotRequired' when `restartPolicy` is 'Never'";
      errors.push(fieldError.invalid(field, restartPolicy, detail));
    }
    return errors;
  });
}

function checkPorts(ports: readonly ContainerPort[], field: string): FieldErrors {
  return [
    ...ports.flatMap((port, index) => {
      const at = `${field}[${index}]`;
      return [
        ...(port.name ? checkAll(`${at}.name`, port.name, portNameErrors(port.name)) : []),
        ...(port.containerPort
          ? checkPortNumber(`${at}.containerPort`, port.containerPort)
          : [fieldError.required(`${at}.containerPort`)]),
        ...(port.hostPort ? checkPortNumber(`${at}.hostPort`, port.hostPort) : []),
        ...checkRequiredOneOf(`${at}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]),
      ];
    }),
    ...checkUnique(
      ports.map((port) => port.name),
      (index) => `${field}[${index}].name`,
    ),
  ];
}

/** Containers on the node's network listen on its ports: on no others than they say. */
export function checkHostNetworkPorts({ hostNetwork, containers = [] }: PodSpec, field: string): FieldErrors {
  if (hostNetwork !== true) return [];
  const detail = "must match `containerPort` when `hostNetwork` is true";
  return containers.flatMap(({ ports = [] }, at) =>
    ports.flatMap(({ hostPort, containerPort }, index) =>
      hostPort && hostPort !== containerPort
        ? [fieldError.invalid(`${field}[${at}].ports[${index}].hostPort`, hostPort, detail)]
        : [],
    ),
  );
}

/** No two containers of a pod may want the same port of the node. */
function checkHostPorts(containers: readonly Container[], field: string): FieldErrors {
  const wanted = containers.flatMap((container, at) =>
    (container.ports ?? []).map((port, index) => ({ port, path: `${field}[${at}].ports[${index}].hostPort` })),
  );
  return checkUnique(
    wanted.map(({ port }) => (port.hostPort ? `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}` : undefined)),
    (index) => wanted[index]?.path ?? field,
  );
}
