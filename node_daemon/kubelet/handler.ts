import type { Container as ContainerSpec, Handler, HttpGetAction } from "../../core/kinds/pod.ts";
import { GrpcError, grpcProbe, unimplemented } from "../../core/platform/grpc_probe.ts";
import { type HttpProbeRequest, httpProbe, probeUrl } from "../../core/platform/http_probe.ts";
import { tcpProbe } from "../../core/platform/tcp_probe.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { ContainerRuntime, Sandbox } from "../runtime/runtime.ts";
import { goDuration } from "./go_duration.ts";

/** A container that a handler is about. */
export interface HandlerTarget {
  readonly id: string;
  readonly spec: ContainerSpec;
  readonly sandbox: Sandbox;
}

/** How it went. Text is for events; at most 10 KiB. */
export interface HandlerResult {
  readonly ok: boolean;
  readonly output: string;
  /** Something that its author should know, though it went well. */
  readonly warning?: string;
}

/** Options of {@linkcode runHandler}. */
export interface HandlerOptions {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

const maxOutputBytes = 10 * 1024;

/**
 * Does what a probe or a life-cycle hook asks for, once.
 *
 * @throws Error when it cannot even be tried (unknown port name, container gone): that says nothing about the container
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#probe-check-methods
 */
export function runHandler(handler: Handler, target: HandlerTarget, options: HandlerOptions): Promise<HandlerResult> {
  if (handler.exec) return runExec(handler.exec.command ?? [], target, options);
  if (handler.httpGet) return runHttpGet(handler.httpGet, target, options);
  if (handler.tcpSocket) return runTcp(handler.tcpSocket, target, options);
  if (handler.grpc) return runGrpc(handler.grpc, target, options);
  if (handler.sleep) return runSleep(handler.sleep.seconds, options);
  return Promise.reject(new Error("missing probe handler"));
}

/**
 * What there is to say of a handler that took too long, in the words of what asks in Kubernetes.
 *
 * @throws Error for an unknown port name
 */
export function timeoutText(
  { exec, httpGet, tcpSocket, grpc }: Handler,
  target: HandlerTarget,
  { runtime, timeoutMs }: { readonly runtime: ContainerRuntime; readonly timeoutMs: number },
): string {
  const took = goDuration(timeoutMs);
  if (exec) return `command timed out: ${JSON.stringify((exec.command ?? []).join(" "))} timed out after ${took}`;
  if (grpc) return `timeout: health rpc did not complete within ${took}`;
  if (tcpSocket) return `dial tcp ${addressText(addressOf(runtime, target, tcpSocket))}: i/o timeout`;
  const late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  return httpGet ? `Get "${probeUrl(httpRequest(httpGet, target, runtime))}": ${late}` : late;
}

async function runExec(
  command: readonly string[],
  { id }: HandlerTarget,
  { runtime, signal }: HandlerOptions,
): Promise<HandlerResult> {
  const session = await runtime.exec(id, { command, stdin: false, tty: false, signal });
  try {
    const decoder = new TextDecoder();
    let output = "";
    let size = 0;
    for await (const { data } of session.output) {
      if (size < maxOutputBytes) output += decoder.decode(data.subarray(0, maxOutputBytes - size), { stream: true });
      size += data.length;
    }
    const code = await session.exitCode;
    return { ok: code === 0, output };
  } finally {
    session.kill();
  }
}

async function runHttpGet(
  action: HttpGetAction,
  target: HandlerTarget,
  { runtime, userAgent, signal }: HandlerOptions,
): Promise<HandlerResult> {
  const request = httpRequest(action, target, runtime);
  const { httpHeaders: headers = [] } = action;
  try {
    const { status, body, redirectedAway } = await httpProbe({ ...request, headers, userAgent, signal });
    if (redirectedAway) {
      return { ok: true, output: body, warning: `Probe terminated redirects, Response body: ${body}` };
    }
    if (status >= 200 && status < 400) return { ok: true, output: body };
    return { ok: false, output: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, output: `Get "${probeUrl(request)}": ${dialText(error, request)}` };
  }
}

function httpRequest(
  { path = "/", port, host, scheme }: HttpGetAction,
  target: HandlerTarget,
  runtime: ContainerRuntime,
): Pick<HttpProbeRequest, "scheme" | "host" | "port" | "path"> {
  return { scheme: scheme === "HTTPS" ? "https" : "http", ...addressOf(runtime, target, { port, host }), path };
}

async function runTcp(
  { port, host }: NonNullable<Handler["tcpSocket"]>,
  target: HandlerTarget,
  { runtime, signal }: HandlerOptions,
): Promise<HandlerResult> {
  const address = addressOf(runtime, target, { port, host });
  try {
    await tcpProbe(address, signal);
    return { ok: true, output: "" };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, output: dialText(error, address) };
  }
}

async function runGrpc(
  { port, service = "" }: NonNullable<Handler["grpc"]>,
  target: HandlerTarget,
  { runtime, userAgent, signal }: HandlerOptions,
): Promise<HandlerResult> {
  const address = addressOf(runtime, target, { port, host: undefined });
  try {
    const status = await grpcProbe({ ...address, service, userAgent, signal });
    if (status === "SERVING") return { ok: true, output: "service healthy" };
    return { ok: false, output: `service unhealthy (responded with "${status}")` };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GrpcError && error.code === unimplemented) {
      const output = `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.description}`;
      return { ok: false, output };
    }
    return { ok: false, output: `error: health rpc probe failed: ${dialText(error, address)}` };
  }
}

async function runSleep(seconds: number, { clock, signal }: HandlerOptions): Promise<HandlerResult> {
  await clock.sleep(seconds * 1000, { signal });
  return { ok: true, output: "" };
}

/** Where a port of the target is reached: through the runtime, unless the handler names a host. */
function addressOf(
  runtime: ContainerRuntime,
  { spec, sandbox }: HandlerTarget,
  { port, host }: { readonly port: number | string; readonly host?: string | undefined },
): { readonly host: string; readonly port: number } {
  const number = portNumber(spec, port);
  return host ? { host, port: number } : runtime.portAddress(sandbox, number);
}

function portNumber(spec: ContainerSpec, port: number | string): number {
  const named = spec.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? (typeof port === "number" ? port : /^\d{1,5}$/.test(port) ? Number(port) : 0);
  if (number < 1 || number > 65535) throw new Error(`couldn't find port: ${port} in container "${spec.name}"`);
  return number;
}

const dialErrors: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connect: connection refused"],
  ["ECONNRESET", "read: connection reset by peer"],
  ["EHOSTUNREACH", "connect: no route to host"],
  ["ENETUNREACH", "connect: network is unreachable"],
  ["ETIMEDOUT", "i/o timeout"],
]);

/** A network error as Go words it: people and tools know those texts from events. */
function dialText(error: unknown, address: { readonly host: string; readonly port: number }): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const text = dialErrors.get(code);
  return text ? `dial tcp ${addressText(address)}: ${text}` : errorMessage(error);
}

function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
