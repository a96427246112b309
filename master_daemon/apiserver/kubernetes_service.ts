import type { Kind } from "../../core/api/kind.ts";
import { type KubeObject, keyOf } from "../../core/api/meta.ts";
import { ignoreReason, isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { type EndpointSlice, endpointSlice, serviceNameLabel } from "../../core/kinds/endpoint_slice.ts";
import { type Endpoints, endpoints } from "../../core/kinds/endpoints.ts";
import { type Service, service } from "../../core/kinds/service.ts";

/** An address on which a master serves the API. */
export interface ApiEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Where pods find the API. */
export interface KubernetesServiceOptions {
  /** The service's own address: the first of the range. */
  readonly clusterIp: string;
  /** Where this server listens; undefined: nowhere but in its own process. */
  readonly endpoint: ApiEndpoint | undefined;
  readonly signal: AbortSignal;
}

const kubernetes = { name: "kubernetes", namespace: "default" };

/** Creates the service `kubernetes` in `default`. */
export async function bootstrapKubernetesService(
  client: Client,
  { clusterIp, endpoint, signal }: KubernetesServiceOptions,
): Promise<void> {
  const object: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...kubernetes, labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      type: "ClusterIP",
      clusterIP: clusterIp,
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: endpoint?.port ?? 6443 }],
    },
  };
  await client.create(service, object, { signal }).catch(ignoreReason("AlreadyExists"));
}

/** Points the service `kubernetes` to where servers listen now. */
export async function writeKubernetesEndpoints(
  client: Client,
  { servers, signal }: { readonly servers: readonly ApiEndpoint[]; readonly signal: AbortSignal },
): Promise<void> {
  const { older, slices } = kubernetesEndpoints(servers);
  const labelSelector = `${serviceNameLabel}=${kubernetes.name}`;
  const { items } = await client.list(endpointSlice, { namespace: kubernetes.namespace, labelSelector, signal });
  const wanted = new Set(slices.map(({ metadata }) => metadata.name));
  await Promise.all([
    write(client, endpoints, older, signal),
    ...slices.map((slice) => write(client, endpointSlice, slice, signal)),
    ...items
      .filter(({ metadata }) => !wanted.has(metadata.name))
      .map((slice) => client.delete(endpointSlice, keyOf(slice), { signal }).catch(ignoreReason("NotFound"))),
  ]);
}

/** What leads to `servers`. Pure. A slice has the same port on all of its addresses: servers of other ports get others. */
function kubernetesEndpoints(servers: readonly ApiEndpoint[]): {
  readonly older: Endpoints;
  readonly slices: readonly EndpointSlice[];
} {
  const byPort = [...new Set(servers.map(({ port }) => port))]
    .sort((a, b) => a - b)
    .map((port) => ({
      ports: [{ name: "https", port, protocol: "TCP" as const }],
      addresses: [...new Set(servers.flatMap((server) => (server.port === port ? server.address : [])))].sort(),
    }));
  return {
    older: {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { ...kubernetes, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
      subsets: byPort.map(({ ports, addresses }) => ({ addresses: addresses.map((ip) => ({ ip })), ports })),
    },
    slices: byPort.map(({ ports, addresses }, index) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        ...kubernetes,
        name: index === 0 ? kubernetes.name : `${kubernetes.name}-${ports[0]?.port}`,
        labels: { [serviceNameLabel]: kubernetes.name },
      },
      addressType: addresses[0]?.includes(":") ? "IPv6" : "IPv4",
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      ports,
    })),
  };
}

/** Tries of a write that others make, too. */
const maxTries = 5;

async function write<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  signal: AbortSignal,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await client.create(kind, object, { signal });
      return;
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
    }
    try {
      const { resourceVersion = "" } = (await client.get(kind, keyOf(object), { signal })).metadata;
      await client.update(kind, { ...object, metadata: { ...object.metadata, resourceVersion } }, { signal });
      return;
    } catch (error) {
      // Another master does the same.
      if (tried >= maxTries || !(isReason(error, "Conflict") || isReason(error, "NotFound"))) throw error;
    }
  }
}
