import { goQuote } from "../../core/api/go_value.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { canonicalQuantity, milliValue, parseQuantity, value } from "../../core/api/quantity.ts";
import type { Container, ContainerState, ContainerStatus, EnvVar, Pod, Probe } from "../../core/kinds/pod.ts";
import { boolText, sortedEntries, timeText } from "./common.ts";
import type { Page } from "./page.ts";

/** Containers of a pod or of a template, each with what its status tells. `space` stands before titles. */
export function describeContainers(
  page: Page,
  label: string,
  containers: readonly Container[],
  {
    statuses = [],
    pod,
    space = "",
  }: {
    readonly statuses?: readonly ContainerStatus[] | undefined;
    readonly pod?: Pod;
    readonly space?: string;
  } = {},
): void {
  page.line(0, `${space}${label}:${containers.length === 0 ? " <none>" : ""}`);
  for (const container of containers) {
    const status = statuses.find(({ name }) => name === container.name);
    basics(page, container, status, space);
    command(page, container);
    if (status) {
      state(page, "State", status.state);
      if (status.lastState?.terminated) state(page, "Last State", status.lastState);
      page.line(2, `Ready:\t${boolText(status.ready)}`);
      page.line(2, `Restart Count:\t${status.restartCount ?? 0}`);
    }
    describeResources(page, container.resources, 2);
    for (const [title, probe] of [
      ["Liveness", container.livenessProbe],
      ["Readiness", container.readinessProbe],
      ["Startup", container.startupProbe],
    ] as const)
      if (probe) page.line(2, `${title}:\t${probeText(probe)}`);
    environmentSources(page, container);
    environment(page, container, pod);
    mounts(page, container);
  }
}

function basics(page: Page, container: Container, status: ContainerStatus | undefined, space: string): void {
  page.line(1, `${space ? " " : ""}${container.name}:`);
  if (status) page.line(2, `Container ID:\t${status.containerID ?? ""}`);
  page.line(2, `Image:\t${container.image ?? ""}`);
  if (status) page.line(2, `Image ID:\t${status.imageID ?? ""}`);
  const ports = container.ports ?? [];
  portLine(
    page,
    "Port",
    ports.map(({ containerPort, protocol, name }) => portText(containerPort, protocol, name)),
  );
  portLine(
    page,
    "Host Port",
    ports.map(({ hostPort = 0, protocol, name }) => portText(hostPort, protocol, name)),
  );
  const profile = container.securityContext?.seccompProfile;
  if (profile) {
    page.line(2, `SeccompProfile:\t${profile.type}`);
    if (profile.type === "Localhost") page.line(3, `LocalhostProfile:\t${profile.localhostProfile ?? ""}`);
  }
}

function portText(port: number, protocol = "TCP", name?: string): string {
  return `${port}/${protocol}${name ? ` (${name})` : ""}`;
}

function portLine(page: Page, title: string, ports: readonly string[]): void {
  page.line(2, `${title}${ports.length > 1 ? "s" : ""}:\t${ports.join(", ") || "<none>"}`);
}

function command(page: Page, { command, args }: Container): void {
  for (const [title, words = []] of [
    ["Command", command],
    ["Args", args],
  ] as const) {
    if (words.length === 0) continue;
    page.line(2, `${title}:`);
    for (const line of words.flatMap((word) => word.split("\n"))) page.line(3, line);
  }
}

function state(page: Page, title: string, { running, waiting, terminated }: ContainerState = {}): void {
  if (running) {
    page.line(2, `${title}:\tRunning`);
    page.line(3, `Started:\t${timeText(running.startedAt)}`);
  } else if (waiting || !terminated) {
    page.line(2, `${title}:\tWaiting`);
    if (waiting?.reason) page.line(3, `Reason:\t${waiting.reason}`);
  } else {
    page.line(2, `${title}:\tTerminated`);
    if (terminated.reason) page.line(3, `Reason:\t${terminated.reason}`);
    if (terminated.message) page.line(3, `Message:\t${terminated.message}`);
    page.line(3, `Exit Code:\t${terminated.exitCode}`);
    if (terminated.signal) page.line(3, `Signal:\t${terminated.signal}`);
    page.line(3, `Started:\t${timeText(terminated.startedAt)}`);
    page.line(3, `Finished:\t${timeText(terminated.finishedAt)}`);
  }
}

/** Limits and requests, where there are any. */
export function describeResources(
  page: Page,
  resources:
    | {
        readonly limits?: { readonly [name: string]: string | number };
        readonly requests?: { readonly [name: string]: string | number };
      }
    | undefined,
  level: number,
): void {
  for (const [title, list] of [
    ["Limits", resources?.limits],
    ["Requests", resources?.requests],
  ] as const) {
    const entries = sortedEntries(list);
    if (entries.length > 0) page.line(level, `${title}:`);
    for (const [name, quantity] of entries) page.line(level + 1, `${name}:\t${canonicalQuantity(quantity)}`);
  }
}

/** A probe on one line. */
function probeText(probe: Probe): string {
  const numbers = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 0}s period=${probe.periodSeconds ?? 0}s #success=${probe.successThreshold ?? 0} #failure=${probe.failureThreshold ?? 0}`;
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (exec) return `exec [${(exec.command ?? []).join(" ")}] ${numbers}`;
  if (httpGet) {
    const path = httpGet.path ?? "";
    return `http-get ${(httpGet.scheme ?? "").toLowerCase()}://${httpGet.host ?? ""}:${httpGet.port}${path && !path.startsWith("/") ? "/" : ""}${path} ${numbers}`;
  }
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port} ${numbers}`;
  if (grpc) return `grpc <pod>:${grpc.port} ${grpc.service ?? ""} ${numbers}`;
  return `unknown ${numbers}`;
}

function environmentSources(page: Page, { envFrom = [] }: Container): void {
  if (envFrom.length === 0) return;
  page.line(2, "Environment Variables from:");
  for (const { configMapRef, secretRef, prefix } of envFrom) {
    const source = configMapRef ?? secretRef;
    const from = configMapRef ? "ConfigMap" : secretRef ? "Secret" : "";
    page.line(
      3,
      `${source?.name ?? ""}\t${from}${prefix ? ` with prefix '${prefix}'` : ""}\tOptional: ${source?.optional ?? false}`,
    );
  }
}

function environment(page: Page, container: Container, pod: Pod | undefined): void {
  const { env = [] } = container;
  page.line(2, `Environment:${env.length === 0 ? "\t<none>" : ""}`);
  for (const one of env) for (const line of variableLines(one, container, pod)) page.line(3, line);
}

function variableLines(
  { name, value, valueFrom }: EnvVar,
  container: Container,
  pod: Pod | undefined,
): readonly string[] {
  if (!valueFrom) {
    const [first = "", ...rest] = (value ?? "").split("\n");
    return [`${name}:\t${first}`, ...rest.map((line) => `\t${line}`)];
  }
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef) {
    const found = pod ? fieldText(pod, fieldRef.fieldPath) : "";
    return [`${name}:\t${found} (${fieldRef.apiVersion ?? "v1"}:${fieldRef.fieldPath})`];
  }
  if (resourceFieldRef) {
    const amount = resourceText(container, resourceFieldRef.resource, resourceFieldRef.divisor);
    const whole = amount === "0" && ["limits.cpu", "limits.memory"].includes(resourceFieldRef.resource);
    return [`${name}:\t${whole ? "node allocatable" : amount} (${resourceFieldRef.resource})`];
  }
  if (secretKeyRef)
    return [
      `${name}:\t<set to the key '${secretKeyRef.key}' in secret '${secretKeyRef.name ?? ""}'>\tOptional: ${secretKeyRef.optional ?? false}`,
    ];
  if (configMapKeyRef)
    return [
      `${name}:\t<set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name ?? ""}'>\tOptional: ${configMapKeyRef.optional ?? false}`,
    ];
  return [];
}

/** What a field of the downward API holds, of those that kubectl knows. */
function fieldText({ metadata }: KubeObject, path: string): string {
  if (path === "metadata.name") return metadata.name ?? "";
  return path === "metadata.namespace" ? (metadata.namespace ?? "") : "";
}

function resourceText({ resources }: Container, name: string, divisor: string | number | undefined): string {
  const [list = "", ...rest] = name.split(".");
  const amounts = list === "limits" ? resources?.limits : list === "requests" ? resources?.requests : undefined;
  const resource = rest.join(".");
  const amount = parseQuantity(amounts?.[resource] ?? "0");
  const unit = parseQuantity(divisor && divisor !== "0" ? divisor : "1");
  const size = resource === "cpu" ? milliValue(amount) / milliValue(unit) : value(amount) / value(unit);
  return String(Math.ceil(size));
}

function mounts(page: Page, { volumeMounts = [], volumeDevices = [] }: Container): void {
  page.line(2, `Mounts:${volumeMounts.length === 0 ? "\t<none>" : ""}`);
  for (const { mountPath, name, readOnly, subPath } of [...volumeMounts].sort((a, b) =>
    a.mountPath < b.mountPath ? -1 : 1,
  ))
    page.line(3, `${mountPath} from ${name} (${readOnly ? "ro" : "rw"}${subPath ? `,path=${goQuote(subPath)}` : ""})`);
  if (volumeDevices.length === 0) return;
  page.line(2, `Devices:${volumeMounts.length === 0 ? "\t<none>" : ""}`);
  for (const { devicePath, name } of [...volumeDevices].sort((a, b) => (a.devicePath < b.devicePath ? -1 : 1)))
    page.line(3, `${devicePath} from ${name}`);
}
