import { type FieldError, fieldError } from "../api/status.ts";
import type { Container, Handler, HttpGetAction, Probe } from "./pod.ts";
import {
  check,
  checkNonNegative,
  checkOneOf,
  checkPortNumber,
  checkPortNumberOrName,
  checkPositive,
  checkRequired,
  type FieldErrors,
} from "./validators.ts";

/** How long the pod has to end. */
interface GracePeriod {
  readonly terminationGracePeriodSeconds: number | undefined;
}

const handlerTypes = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

/** What is wrong with a container's probes and life-cycle hooks. */
export function checkProbesAndHooks(container: Container, field: string, facts: GracePeriod): FieldErrors {
  return [
    ...checkHook(container.lifecycle?.postStart, `${field}.lifecycle.postStart`, facts),
    ...checkHook(container.lifecycle?.preStop, `${field}.lifecycle.preStop`, facts),
    ...checkProbe(container.livenessProbe, `${field}.livenessProbe`, { onceIsEnough: true }),
    ...checkProbe(container.readinessProbe, `${field}.readinessProbe`, { onceIsEnough: false }),
    ...checkProbe(container.startupProbe, `${field}.startupProbe`, { onceIsEnough: true }),
  ];
}

function checkHook(handler: Handler | undefined, field: string, facts: GracePeriod): FieldErrors {
  return handler ? checkHandler(handler, field, facts) : [];
}

function checkProbe(
  probe: Probe | undefined,
  field: string,
  { onceIsEnough }: { readonly onceIsEnough: boolean },
): FieldErrors {
  if (!probe) return [];
  const errors: FieldError[] = [
    ...checkHandler(probe, field, { terminationGracePeriodSeconds: undefined }),
    ...checkNonNegative(`${field}.initialDelaySeconds`, probe.initialDelaySeconds),
    ...checkNonNegative(`${field}.timeoutSeconds`, probe.timeoutSeconds),
    ...checkNonNegative(`${field}.periodSeconds`, probe.periodSeconds),
    ...checkNonNegative(`${field}.successThreshold`, probe.successThreshold),
    ...checkNonNegative(`${field}.failureThreshold`, probe.failureThreshold),
    ...checkPositive(`${field}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds),
  ];
  if (onceIsEnough && (probe.successThreshold ?? 1) !== 1) {
    errors.push(fieldError.invalid(`${field}.successThreshold`, probe.successThreshold, "must be 1"));
  } else if (!onceIsEnough && probe.terminationGracePeriodSeconds !== undefined) {
    errors.push(
      fieldError.invalid(
        `${field}.terminationGracePeriodSeconds`,
        probe.terminationGracePeriodSeconds,
        "must not be set for readinessProbes",
      ),
    );
  }
  return errors;
}

function checkHandler(handler: Handler, field: string, facts: GracePeriod): FieldErrors {
  const [type, ...others] = handlerTypes.filter((name) => handler[name]);
  if (!type) return [fieldError.required(field, "must specify a handler type")];
  return [
    ...checkAction(handler, type, { field: `${field}.${type}`, ...facts }),
    ...others.map((other) => fieldError.forbidden(`${field}.${other}`, "may not specify more than 1 handler type")),
  ];
}

/** What is wrong with the one thing that a handler does. */
function checkAction(
  { exec, httpGet, tcpSocket, grpc, sleep }: Handler,
  type: (typeof handlerTypes)[number],
  { field, terminationGracePeriodSeconds }: { readonly field: string } & GracePeriod,
): FieldErrors {
  switch (type) {
    case "exec":
      return exec?.command?.length ? [] : [fieldError.required(`${field}.command`)];
    case "httpGet":
      return httpGet ? checkHttpGet(httpGet, field) : [];
    case "tcpSocket":
      return checkPortNumberOrName(`${field}.port`, tcpSocket?.port);
    case "grpc":
      return checkPortNumber(`${field}.port`, grpc?.port);
    case "sleep":
      return checkSleep(sleep?.seconds ?? 0, terminationGracePeriodSeconds, field);
  }
}

function checkHttpGet({ path, port, scheme, httpHeaders = [] }: HttpGetAction, field: string): FieldErrors {
  return [
    ...checkRequired(`${field}.path`, path),
    ...checkPortNumberOrName(`${field}.port`, port),
    ...checkOneOf(`${field}.scheme`, scheme, ["HTTP", "HTTPS"]),
    ...httpHeaders.flatMap(({ name = "" }) => check(`${field}.httpHeaders`, name, headerNameError(name))),
  ];
}

function checkSleep(seconds: number, most: number | undefined, field: string): FieldErrors {
  if (most === undefined || (seconds >= 0 && seconds <= most)) return [];
  const detail = `must be non-negative and less than terminationGracePeriodSeconds (${most})`;
  return [fieldError.invalid(field, seconds, detail)];
}

function headerNameError(name: string): string | undefined {
  return /^[-A-Za-z0-9]+$/.test(name)
    ? undefined
    : "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
}
