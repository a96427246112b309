import type { Kind } from "../../core/api/kind.ts";
import { type KubeObject, keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import { type EndpointSlice, endpointSlice } from "../../core/kinds/endpoint_slice.ts";
import { type Endpoints, endpoints } from "../../core/kinds/endpoints.ts";
import { namespace } from "../../core/kinds/namespace.ts";
import { type Service, service } from "../../core/kinds/service.ts";

/** Creates the namespaces that every cluster has. */
export async function bootstrapNamespaces(
  client: Client,
  { names, signal }: { readonly names: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  await Promise.all(
    names.map((name) =>
      client
        .create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name } }, { signal })
        .catch(ignoreExisting),
    ),
  );
}

/** Where node daemons and aggregated servers learn which client certificates the API server shows them. */
const authenticationConfig = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/**
 * Publishes the authority of client certificates.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#extension-apiserver-authenticates-the-request
 */
export async function bootstrapClientAuthority(
  client: Client,
  { authority, signal }: { readonly authority: string; readonly signal: AbortSignal },
): Promise<void> {
  const data = { "client-ca-file": authority };
  await write(client, configMap, { apiVersion: "v1", kind: "ConfigMap", metadata: authenticationConfig, data }, signal);
}

/** Where pods find the API. */
export interface KubernetesServiceOptions {
  /** The service's own address: the first of the range. */
  readonly clusterIp: string;
  /** Where the server listens; undefined: nowhere but in its own process. */
  readonly endpoint: { readonly address: string; readonly port: number } | undefined;
  readonly signal: AbortSignal;
}

/** Creates the service `kubernetes` in `default`, and points it to where the server listens now. */
export async function bootstrapKubernetesService(
  client: Client,
  { clusterIp, endpoint, signal }: KubernetesServiceOptions,
): Promise<void> {
  const metadata = { name: "kubernetes", namespace: "default" };
  const kubernetes: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      type: "ClusterIP",
      clusterIP: clusterIp,
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: endpoint?.port ?? 6443 }],
    },
  };
  await client.create(service, kubernetes, { signal }).catch(ignoreExisting);
  if (!endpoint) return;
  const ports = [{ name: "https", port: endpoint.port, protocol: "TCP" as const }];
  const older: Endpoints = {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { ...metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [{ addresses: [{ ip: endpoint.address }], ports }],
  };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [endpoint.address], conditions: { ready: true } }],
    ports,
  };
  await Promise.all([write(client, endpoints, older, signal), write(client, endpointSlice, slice, signal)]);
}

async function write<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(kind, object, { signal });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
    const { resourceVersion = "" } = (await client.get(kind, keyOf(object), { signal })).metadata;
    await client.update(kind, { ...object, metadata: { ...object.metadata, resourceVersion } }, { signal });
  }
}

function ignoreExisting(error: unknown): undefined {
  if (isReason(error, "AlreadyExists")) return undefined;
  throw error;
}
