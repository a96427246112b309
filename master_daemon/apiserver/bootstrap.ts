import type { Kind } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { ignoreReason, isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { configMap } from "../../core/kinds/configmap.ts";
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
    .catch(ignoreReason("AlreadyExists"));
}

/** Notes since when the use of tokens in secrets is noted. */
export async function bootstrapTokenTracking(
  client: Client,
  { clock, signal }: { readonly clock: Pick<Clock, "now">; readonly signal: AbortSignal },
): Promise<void> {
  const wanted = { apiVersion: "v1", kind: "ConfigMap", metadata: tokenTracking, data: { since: dayOf(clock.now()) } };
  const made = await client.create(configMap, wanted, { signal }).catch(ignoreReason("AlreadyExists"));
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
  const metadata = { name: "kubernetes" };
  const wanted = { apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata, spec: { cidrs } };
  if (await client.create(serviceCidr, wanted, { signal }).catch(ignoreReason("AlreadyExists"))) return;
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
  await Promise.all(
    missing.map((object) => client.create(kind, object, { signal }).catch(ignoreReason("AlreadyExists"))),
  );
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
    if (clusterIp === undefined || !isReason(error, "Invalid")) return ignoreReason("AlreadyExists")(error);
    return bootstrapDnsService(client, { clusterIp: undefined, signal });
  });
}
