import { BlockList, connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { ignoreReason, StatusError } from "../../../core/api/status.ts";
import { bytesProtocol } from "../../../core/client/channel_frames.ts";
import { type EndpointAddress, type EndpointPort, endpoints as endpointsKind } from "../../../core/kinds/endpoints.ts";
import { type Pod, pod as podKind } from "../../../core/kinds/pod.ts";
import { service as serviceKind } from "../../../core/kinds/service.ts";
import type { ResourceRequest, Services } from "../services.ts";
import { nodeOf, nodePath } from "../subresources/pod_target.ts";
import type { BackendName } from "./backend_name.ts";
import type { Backend } from "./http_proxy.ts";

interface Request extends Pick<ResourceRequest, "signal"> {
  readonly services: Pick<Services, "registries" | "nodes" | "random">;
  readonly route: { readonly namespace?: string | undefined };
}

/** A backend that is not a pod of this cluster is never one of these: they are this machine, or clouds' secrets. */
const forbiddenAddresses = new BlockList();
forbiddenAddresses.addSubnet("127.0.0.0", 8, "ipv4");
forbiddenAddresses.addSubnet("169.254.0.0", 16, "ipv4");
forbiddenAddresses.addSubnet("0.0.0.0", 8, "ipv4");
forbiddenAddresses.addSubnet("224.0.0.0", 3, "ipv4");
forbiddenAddresses.addAddress("::1", "ipv6");
forbiddenAddresses.addAddress("::", "ipv6");
forbiddenAddresses.addSubnet("fe80::", 10, "ipv6");
forbiddenAddresses.addSubnet("ff00::", 8, "ipv6");

const connectTimeoutMs = 10_000;

/**
 * A port of a pod. Its node connects to it: whatever address the pod's status shows, it is not dialled.
 *
 * @throws StatusError NotFound, BadRequest
 */
export async function podBackend(r: Request, { scheme, name, port }: BackendName): Promise<Backend> {
  const { namespace } = r.route;
  const { object } = await r.services.registries.for(podKind).get({ namespace, name });
  const number = podPort(object, port);
  if (number === undefined) throw StatusError.badRequest(`invalid port ${JSON.stringify(port.slice(0, 64))}`);
  return backendOf(scheme, name, () => dialPod(r, object, number));
}

function podPort({ spec }: Pod, port: string): number | undefined {
  const ports = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) => container.ports ?? []);
  if (port === "") return ports[0]?.containerPort ?? 80;
  return portNumber(port) ?? ports.find(({ name }) => name === port)?.containerPort;
}

/**
 * A ready endpoint of a service, chosen at random.
 *
 * @throws StatusError NotFound; ServiceUnavailable when there is none
 */
export async function serviceBackend(r: Request, { scheme, name, port }: BackendName): Promise<Backend> {
  const { services, route } = r;
  const key = { namespace: route.namespace, name };
  const { object } = await services.registries.for(serviceKind).get(key);
  const wanted = object.spec?.ports?.find((one) => port === "" || one.name === port || String(one.port) === port);
  if (!wanted)
    throw StatusError.unavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const found = await services.registries.for(endpointsKind).get(key).catch(ignoreReason("NotFound"));
  const candidates = (found?.object.subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports
      .filter((one) => (one.name ?? "") === (wanted.name ?? ""))
      .flatMap((one) => addresses.map((address) => ({ address, port: one }))),
  );
  const chosen = candidates[Math.floor(services.random() * candidates.length)];
  if (!chosen) throw StatusError.unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return backendOf(scheme, `${name}.${route.namespace ?? ""}.svc`, () => dialEndpoint(r, chosen));
}

async function dialEndpoint(
  r: Request,
  { address, port }: { readonly address: EndpointAddress; readonly port: EndpointPort },
): Promise<Duplex> {
  const { targetRef } = address;
  if (targetRef?.kind === "Pod") {
    const namespace = targetRef.namespace ?? r.route.namespace;
    const { object } = await r.services.registries.for(podKind).get({ namespace, name: targetRef.name ?? "" });
    if (object.metadata.uid === targetRef.uid || targetRef.uid === undefined) return dialPod(r, object, port.port);
  }
  return dialAddress(address.ip, port.port, r.signal);
}

async function dialPod({ services, signal }: Request, pod: Pod, port: number): Promise<Duplex> {
  const node = await nodeOf({ services }, pod);
  const { namespace = "", name = "" } = pod.metadata;
  const path = nodePath(["portForward", namespace, name], [["port", String(port)]]);
  return services.nodes.upgrade(node, path, bytesProtocol, { signal });
}

function dialAddress(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  if (isIP(host) === 0 || forbiddenAddresses.check(host, isIP(host) === 6 ? "ipv6" : "ipv4"))
    throw StatusError.badRequest("address not allowed");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, signal });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** Connects to services for those who know them by name and port only: webhooks. */
export function serviceDialer(
  services: Request["services"],
): (service: { readonly namespace: string; readonly name: string; readonly port: number }) => Promise<Duplex> {
  return async ({ namespace, name, port }) => {
    const { signal } = new AbortController();
    const backend = await serviceBackend(
      { services, route: { namespace }, signal },
      { scheme: "https", name, port: String(port) },
    );
    return backend.dial();
  };
}

function backendOf(scheme: BackendName["scheme"], host: string, dial: () => Promise<Duplex>): Backend {
  // As Kubernetes: a pod's certificate names nothing that this server could check.
  return { dial, host, ...(scheme === "https" ? { tls: {} } : {}) };
}

function portNumber(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : undefined;
}
