import type { Event } from "../../kinds/event.ts";
import type { ContainerStatus, Pod, Probe } from "../../kinds/mod.ts";
import { isSidecar } from "../../kinds/pod_resources.ts";
import { counted, lastSeen, type Reason } from "./explanation.ts";
import { imageRemedy, referenceRemedy } from "./remedies.ts";

/** A reason, and whose log says more. */
export interface PodReason extends Reason {
  readonly logOf?: { readonly container: string; readonly previous: boolean };
}

/** A container with what is known of it. */
export interface Container {
  readonly name: string;
  readonly status: ContainerStatus;
  readonly isInit: boolean;
}

/** The containers that matter now: the first initial one that is not done, or all others. */
export function containersInTurn({ spec, status = {} }: Pod): readonly Container[] {
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  for (const one of status.initContainerStatuses ?? []) {
    const isDone = sidecars.has(one.name) ? one.started === true && one.ready : one.state?.terminated?.exitCode === 0;
    if (!isDone) return [{ name: one.name, status: one, isInit: !sidecars.has(one.name) }];
  }
  return (status.containerStatuses ?? []).map((one) => ({ name: one.name, status: one, isInit: false }));
}

const pullFailures = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"];

/** What one container that matters now tells of why it is not ready. Pure. */
export function containerReasons(
  one: Container,
  { pod, events }: { readonly pod: Pod; readonly events: readonly Event[] },
): readonly PodReason[] {
  const { name, status, isInit } = one;
  const what = `${isInit ? "init container" : "container"} ${name}`;
  const { waiting, running, terminated } = status.state ?? {};
  if (waiting?.reason === "CrashLoopBackOff") return [backOffReason(what, one, { pod, events })];
  if (waiting?.reason && pullFailures.includes(waiting.reason)) {
    const says = `${what} has no image: ${waiting.message || waiting.reason}`;
    return [{ stage: "image", says, remedy: imageRemedy(waiting.reason, waiting.message ?? "") }];
  }
  if (waiting?.reason && waiting.reason !== "PodInitializing" && waiting.reason !== "ContainerCreating") {
    const says = `${what} cannot start: ${waiting.message || waiting.reason}`;
    return [{ stage: "container", says, remedy: referenceRemedy(waiting.message ?? "") }];
  }
  if (terminated && (terminated.exitCode !== 0 || isInit)) {
    return [
      {
        stage: "container",
        says: `${what} ended with ${exitText(terminated)}`,
        since: terminated.finishedAt,
        ...(terminated.message ? { details: [terminated.message] } : {}),
        remedy: exitRemedy(one, pod, terminated),
        logOf: { container: name, previous: false },
      },
    ];
  }
  const logOf = { container: name, previous: false };
  if (isInit && running) {
    const says = `${what} is still running, and the others wait for its end`;
    return [{ stage: "container", says, since: running.startedAt, logOf }];
  }
  if (!running || status.ready || pod.metadata.deletionTimestamp) return [];
  return [{ ...probeReason(what, { name, status, pod, events }), logOf }];
}

function backOffReason(
  what: string,
  one: Container,
  { pod, events }: { readonly pod: Pod; readonly events: readonly Event[] },
): PodReason {
  const { name, status } = one;
  const last = status.lastState?.terminated;
  const probe = endingProbe(name, events);
  return {
    stage: "back-off",
    says: `${what} ends again and again, ${counted(status.restartCount, "restart")} so far${last ? `; the last time with ${exitText(last)}` : ""}`,
    since: last?.finishedAt,
    details: [probe, last?.message, status.state?.waiting?.message].filter((text) => text !== undefined),
    remedy: probe
      ? "correct the probe, or give it more time: initialDelaySeconds, timeoutSeconds, failureThreshold"
      : last && exitRemedy(one, pod, last),
    logOf: { container: name, previous: true },
  };
}

/** What to do about the way a container ended, where its code tells. */
function exitRemedy(
  { name, isInit }: Container,
  { spec }: Pod,
  { exitCode, reason, message = "" }: Ended,
): string | undefined {
  if (reason === "OOMKilled") {
    const limit = specOf(name, spec)?.resources?.limits?.["memory"];
    return limit === undefined
      ? "its node ran out of memory: ask for what it needs in resources.requests.memory"
      : `raise resources.limits.memory of container ${name}, which is ${limit}, or let it use less`;
  }
  if (exitCode === 127 || exitCode === 126 || /no such file or directory|executable file not found/.test(message))
    return "check its command and args: the image has no such program, or may not run it";
  if (exitCode === 0 && !isInit && (spec.restartPolicy ?? "Always") === "Always")
    return "its command is at its end: let it go on, or run it as a Job";
  return undefined;
}

function specOf(name: string, { containers, initContainers = [] }: Pod["spec"]): Spec | undefined {
  return [...initContainers, ...containers].find((one) => one.name === name);
}

function probeReason(
  what: string,
  {
    name,
    status,
    pod,
    events,
  }: { readonly name: string; readonly status: ContainerStatus; readonly pod: Pod; readonly events: readonly Event[] },
): PodReason {
  const container = specOf(name, pod.spec);
  const kind = container?.startupProbe && status.started !== true ? "Startup" : "Readiness";
  const failure = events.find(
    (one) => one.reason === "Unhealthy" && one.message?.startsWith(kind) && isOfContainer(one, name),
  );
  const probe = kind === "Startup" ? container?.startupProbe : container?.readinessProbe;
  return {
    stage: "probe",
    says: failure
      ? `${what} is not ready: ${(failure.message ?? "").trim()}`
      : `${what} runs, but its ${kind.toLowerCase()} probe has not succeeded yet`,
    since: failure ? lastSeen(failure) : status.state?.running?.startedAt,
    ...(probe ? { details: [`the probe: ${probeText(probe)}, every ${probe.periodSeconds ?? 10} s`] } : {}),
  };
}

function probeText({ exec, grpc, httpGet, tcpSocket }: Probe): string {
  if (exec) return (exec.command ?? []).join(" ");
  if (httpGet)
    return `GET ${(httpGet.scheme ?? "HTTP").toLowerCase()}://${httpGet.host ?? ""}:${httpGet.port}${httpGet.path ?? "/"}`;
  if (tcpSocket) return `a connection to ${tcpSocket.host ?? ""}:${tcpSocket.port}`;
  return `gRPC health at :${grpc?.port}`;
}

/** That a probe had a container ended, and what it found. Which run it was cannot be told: of many events some are left out. */
function endingProbe(name: string, events: readonly Event[]): string | undefined {
  const own = events.filter((one) => isOfContainer(one, name));
  for (const { reason, message = "" } of own) {
    const kind = reason === "Killing" ? /failed (liveness|startup) probe/.exec(message)?.[1] : undefined;
    if (kind === undefined) continue;
    const found = own.find((one) => one.reason === "Unhealthy" && one.message?.toLowerCase().startsWith(kind));
    return `its ${kind} probe had it ended${found ? `: ${(found.message ?? "").trim()}` : ""}`;
  }
  return undefined;
}

function isOfContainer({ involvedObject }: Event, name: string): boolean {
  return (involvedObject.fieldPath ?? `{${name}}`).includes(`{${name}}`);
}

type Ended = NonNullable<NonNullable<ContainerStatus["state"]>["terminated"]>;
type Spec = Pod["spec"]["containers"][number];

function exitText({ exitCode, reason, signal }: Ended): string {
  const code = signal ? `signal ${signal}` : `exit code ${exitCode}`;
  return reason && reason !== "Error" && reason !== "Completed" ? `${code} (${reason})` : code;
}
