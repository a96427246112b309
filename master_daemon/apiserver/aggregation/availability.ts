import type { Condition } from "../../../core/api/meta.ts";
import { isReason } from "../../../core/api/status.ts";
import { type ApiResponse, readBody } from "../../../core/client/transport.ts";
import type { APIService } from "../../../core/kinds/api_service.ts";
import { endpoints as endpointsKind } from "../../../core/kinds/endpoints.ts";
import { type Service, service as serviceKind } from "../../../core/kinds/service.ts";
import { type Clock, timestamp } from "../../../core/util/clock.ts";
import { errorMessage } from "../../../core/util/log.ts";
import type { Registries } from "../../registry/registry.ts";
import { forward } from "../proxy/http_proxy.ts";
import { type BackendServices, remoteBackend, remoteUserHeaders } from "./remote_backend.ts";

const checkTimeoutMs = 5000;
const maxBytes = 8 * 1024 * 1024;
/** As whom this server asks for itself. */
const aggregator = { username: "system:kube-aggregator", groups: ["system:masters"] };

/** Whether the server behind an APIService can be used. @see k8s.io/kube-aggregator/pkg/controllers/status/remote */
export async function availabilityOf(
  apiService: APIService,
  options: BackendServices & { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Condition> {
  const { clock, services } = options;
  const found = (reason: string, message: string): Condition => ({
    type: "Available",
    status: reason === "Passed" ? "True" : "False",
    lastTransitionTime: timestamp(clock),
    reason,
    message,
  });
  const problem = await serviceProblem(apiService, services.registries);
  if (problem) return found(...problem);
  const { group = "", version = "" } = apiService.spec;
  const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const { namespace, name, port = 443 } = apiService.spec.service ?? {};
  const url = `https://${name}.${namespace}.svc:${port}${path}`;
  try {
    const { status } = await fetchRemote(apiService, path, options);
    if (status >= 200 && status < 300) return found("Passed", "all checks passed");
    return found("FailedDiscoveryCheck", `failing or missing response from ${url}: bad status from ${url}: ${status}`);
  } catch (error) {
    options.signal.throwIfAborted();
    return found("FailedDiscoveryCheck", `failing or missing response from ${url}: ${errorMessage(error)}`);
  }
}

/** GET on the server behind an APIService, as this server itself. The body is read. */
export async function fetchRemote(
  apiService: APIService,
  path: string,
  options: BackendServices & { readonly clock: Clock; readonly signal: AbortSignal },
  accept = "application/json",
): Promise<Pick<ApiResponse, "status" | "headers"> & { readonly body: Uint8Array }> {
  const timeout = new AbortController();
  const abort = () => timeout.abort(options.signal.reason);
  options.signal.addEventListener("abort", abort, { once: true });
  const cancel = options.clock.schedule(checkTimeoutMs, () =>
    timeout.abort(new Error(`timed out waiting for ${path}`)),
  );
  try {
    const { signal } = timeout;
    const backend = await remoteBackend(options, apiService, signal);
    const request = { method: "GET" as const, path, headers: { accept } };
    const response = await forward(backend, { request, path, headers: remoteUserHeaders(aggregator), signal });
    return { ...response, body: await readBody(response.body, maxBytes) };
  } finally {
    cancel();
    options.signal.removeEventListener("abort", abort);
  }
}

type Problem = readonly [reason: string, message: string];

async function serviceProblem({ spec }: APIService, registries: Registries): Promise<Problem | undefined> {
  const { namespace = "", name = "", port = 443 } = spec.service ?? {};
  const key = { namespace, name };
  const quoted = JSON.stringify(namespace);
  const service = await existing(registries.for(serviceKind).get(key));
  if (!service) return ["ServiceNotFound", `service/${name} in ${quoted} is not present`];
  if (service.object.spec?.type !== "ClusterIP") return undefined;
  const own = portOf(service.object, port);
  if (!own) return ["ServicePortError", `service/${name} in ${quoted} is not listening on port ${port}`];
  const endpoints = await existing(registries.for(endpointsKind).get(key));
  if (!endpoints) return ["EndpointsNotFound", `cannot find endpointslices for service/${name} in ${quoted}`];
  const isReady = (endpoints.object.subsets ?? []).some(
    ({ addresses = [], ports = [] }) =>
      addresses.length > 0 && ports.some((one) => (one.name ?? "") === (own.name ?? "")),
  );
  if (isReady) return undefined;
  const portName = JSON.stringify(own.name ?? "");
  return [
    "MissingEndpoints",
    `endpointslices for service/${name} in ${quoted} have no addresses with port name ${portName}`,
  ];
}

function portOf({ spec }: Service, port: number) {
  return spec?.ports?.find((one) => one.port === port);
}

async function existing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
