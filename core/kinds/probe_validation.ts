import { type FieldError, fieldError } from "../api/status.ts";
import type { Container, Handler, Probe } from "./pod.ts";
import {
  checkNonNegative,
  checkOneOf,
  checkPortNumber,
  checkPortNumberOrName,
  checkPositive,
  checkRequired,
  type FieldErrors,
} from "./validators.ts";

const handlerTypes = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

/** What is wrong with a container's probes and life-cycle hooks. */
export function checkProbesAndHooks(container: Container, field: string): FieldErrors {
  return [
    ...checkHook(container.lifecycle?.postStart, `${field}.lifecycle.postStart`),
    ...checkHook(container.lifecycle?.preStop, `${field}.lifecycle.preStop`),
    ...checkProbe(container.livenessProbe, `${field}.livenessProbe`, { onceIsEnough: true }),
    ...checkProbe(container.readinessProbe, `${field}.readinessProbe`, { onceIsEnough: false }),
    ...checkProbe(container.startupProbe, `${field}.startupProbe`, { onceIsEnough: true }),
  ];
}

function checkHook(handler: Handler | undefined, field: string): FieldErrors {
  return handler ? checkHandler(handler, field) : [];
}

function checkProbe(
  probe: Probe | undefined,
  field: string,
  { onceIsEnough }: { readonly onceIsEnough: boolean },
): FieldErrors {
  if (!probe) return [];
  const errors: FieldError[] = [
    ...checkHandler(probe, field),
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

function checkHandler(handler: Handler, field: string): FieldErrors {
  const [type, ...others] = handlerTypes.filter((name) => handler[name]);
  if (!type) return [fieldError.required(field, "must specify a handler type")];
  const errors: FieldError[] = others.map((other) =>
    fieldError.forbidden(`${field}.${other}`, "may not specify more than 1 handler type"),
  );
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec && !exec.command?.length) errors.push(fieldError.required(`${field}.exec.command`));
  if (httpGet) {
    errors.push(
      ...checkRequired(`${field}.httpGet.path`, httpGet.path),
      ...checkPortNumberOrName(`${field}.httpGet.port`, httpGet.port),
      ...checkOneOf(`${field}.httpGet.scheme`, httpGet.scheme, ["HTTP", "HTTPS"]),
      ...(httpGet.httpHeaders ?? []).flatMap((header) =>
        checkRequired(`${field}.httpGet.httpHeaders`, header.name, headerNameError),
      ),
    );
  }
  if (tcpSocket) errors.push(...checkPortNumberOrName(`${field}.tcpSocket.port`, tcpSocket.port));
  if (grpc) errors.push(...checkPortNumber(`${field}.grpc.port`, grpc.port));
  if (sleep) errors.push(...checkNonNegative(`${field}.sleep.seconds`, sleep.seconds));
  return errors;
}

function headerNameError(name: string): string | undefined {
  return /^[-A-Za-z0-9]+$/.test(name)
    ? undefined
    : "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
}
