import type { Kind } from "../../core/api/kind.ts";
import { type KubeObject, keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import { type EndpointSlice, endpointSlice, serviceNameLabel } from "../../core/kinds/endpoint_slice.ts";
import { type Endpoints, endpoints } from "../../core/kinds/endpoints.ts";
import { flowSchema } from "../../core/kinds/flow_schema.ts";
import { dayOf, isDay, tokenTracking } from "../../core/kinds/legacy_tokens.ts";
import { localPathProvisioner } from "../../core/kinds/local_path.ts";
import { namespace } from "../../core/kinds/namespace.ts";
import { priorityClass, systemPriorities } from "../../core/kinds/priority_class.ts";
import { priorityLevelConfiguration } from "../../core/kinds/priority_level_configuration.ts";
import { type Service, service } from "../../core/kinds/service.ts";
import { serviceCidr } from "../../core/kinds/service_cidr.ts";
import { defaultClassAnnotation, storageClass } from "../../core/kinds/storage_class.ts";
import type { Clock } from "../../core/util/clock.ts";
import { bootstrapLevels, bootstrapSchemas } from "./flow_control/bootstrap.ts";

/** Creates the namespaces that every cluster has. */
export async function bootstrapNamespaces(
  client: Client,
  { names, signal }: { readonly names: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  const objects = names.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
  await createMissing(client, namespace, objects, signal);
}

/** Kubernetes' own priority classes, and what they are for. */
const priorityClasses: readonly (readonly [name: string, description: string])[] = [
  [
    "system-cluster-critical",
    "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  ],
  ["system-node-critical", "Used for system critical pods that must not be moved from their current node."],
];

/** Creates the priority classes that every cluster has. */
export async function bootstrapPriorityClasses(
  client: Client,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const objects = priorityClasses.map(([name, description]) => ({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name },
    value: systemPriorities.get(name) ?? 0,
    description,
  }));
  await createMissing(client, priorityClass, objects, signal);
}

/**
 * Creates the storage class that claims get which name none: folders of the nodes. One that a person changed stays as it is.
 */
export async function bootstrapStorageClass(
  client: Client,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const metadata = { name: "local-path", annotations: { [defaultClassAnnotation]: "true" } };
  await client
    .create(
      storageClass,
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata,
        provisioner: localPathProvisioner,
        reclaimPolicy: "Delete",
        allowVolumeExpansion: true,
        volumeBindingMode: "WaitForFirstConsumer",
      },
      { signal },
    )
    .catch(ignoreExisting);
}

/** Notes since when the use of tokens in secrets is noted. */
export async function bootstrapTokenTracking(
  client: Client,
  { clock, signal }: { readonly clock: Pick<Clock, "now">; readonly signal: AbortSignal },
): Promise<void> {
  const wanted = { apiVersion: "v1", kind: "ConfigMap", metadata: tokenTracking, data: { since: dayOf(clock.now()) } };
  const made = await client.create(configMap, wanted, { signal }).catch(ignoreExisting);
  if (made) return;
  const present = await client.get(configMap, tokenTracking, { signal });
  if (!isDay(present.data?.["since"])) await client.update(configMap, { ...present, data: wanted.data }, { signal });
}

/** Creates the ServiceCIDR `kubernetes` of the ranges, separated by a comma, that services get addresses from; a second one may come later. */
export async function bootstrapServiceCidr(
  client: Client,
  { ranges, signal }: { readonly ranges: string; readonly signal: AbortSignal },
): Promise<void> {
  const cidrs = ranges.split(",").map((range) => range.trim());
  const metadata = { name: kubernetes.name };
  const wanted = { apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata, spec: { cidrs } };
  if (await client.create(serviceCidr, wanted, { signal }).catch(ignoreExisting)) return;
  const present = await client.get(serviceCidr, metadata, { signal });
  const [only, ...others] = present.spec?.cidrs ?? [];
  if (cidrs.length === 2 && only === cidrs[0] && others.length === 0)
    await client.update(serviceCidr, { ...present, spec: { cidrs } }, { signal });
}

/** Creates the priority levels and flow schemas that every cluster has. */
export async function bootstrapFlowControl(
  client: Client,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  await createMissing(client, priorityLevelConfiguration, bootstrapLevels, signal);
  await createMissing(client, flowSchema, bootstrapSchemas, signal);
}

/** Creates those that are not there, all at once: they share a commit. A cluster that has them is only read. */
async function createMissing<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  objects: readonly T[],
  signal: AbortSignal,
): Promise<void> {
  const { items } = await client.list(kind, { signal });
  const present = new Set(items.map(({ metadata }) => metadata.name));
  const missing = objects.filter(({ metadata }) => !present.has(metadata.name));
  await Promise.all(missing.map((object) => client.create(kind, object, { signal }).catch(ignoreExisting)));
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
  await client
    .create(configMap, { apiVersion: "v1", kind: "ConfigMap", metadata: authenticationConfig, data }, { signal })
    .catch((error: unknown) => {
      if (!isReason(error, "AlreadyExists")) throw error;
      // What other servers are told of this one stays.
      return client.patch(configMap, authenticationConfig, { type: "merge", body: { data } }, { signal });
    });
}

/**
 * Publishes how servers behind this one know it, and read who asks.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#kubernetes-apiserver-client-authentication
 */
export async function publishFrontProxy(
  client: Client,
  { authority, allowedNames, signal }: FrontProxyFacts & { readonly signal: AbortSignal },
): Promise<void> {
  const data = {
    "requestheader-client-ca-file": authority,
    "requestheader-allowed-names": JSON.stringify(allowedNames),
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
  };
  await client
    .create(configMap, { apiVersion: "v1", kind: "ConfigMap", metadata: authenticationConfig }, { signal })
    .catch(ignoreExisting);
  await client.patch(configMap, authenticationConfig, { type: "merge", body: { data } }, { signal });
}

/** What other servers need to know of this one. */
export interface FrontProxyFacts {
  /** PEM of the authority of its certificate. */
  readonly authority: string;
  /** Names that its certificate may have. */
  readonly allowedNames: readonly string[];
}

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
  await client.create(service, object, { signal }).catch(ignoreExisting);
}

/**
 * Creates the service at whose address nodes answer their pods' questions for names. It selects no pods: one that does, or
 * that a person changed, stays as it is.
 *
 * @param options.clusterIp where most clusters have it; another address when that one is taken
 */
export async function bootstrapDnsService(
  client: Client,
  { clusterIp, signal }: { readonly clusterIp: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const object: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kube-dns",
      namespace: "kube-system",
      labels: { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "KubeDNS" },
    },
    spec: {
      type: "ClusterIP",
      ...(clusterIp === undefined ? {} : { clusterIP: clusterIp }),
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
      ],
    },
  };
  await client.create(service, object, { signal }).catch((error: unknown) => {
    if (clusterIp === undefined || !isReason(error, "Invalid")) return ignoreExisting(error);
    return bootstrapDnsService(client, { clusterIp: undefined, signal });
  });
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
      .map((slice) => client.delete(endpointSlice, keyOf(slice), { signal }).catch(ignoreMissing)),
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

function ignoreMissing(error: unknown): undefined {
  if (isReason(error, "NotFound")) return undefined;
  throw error;
}

function ignoreExisting(error: unknown): undefined {
  if (isReason(error, "AlreadyExists")) return undefined;
  throw error;
}
