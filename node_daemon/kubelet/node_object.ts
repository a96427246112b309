import { apiVersionOf } from "../../core/api/kind.ts";
import { type Condition, type StringMap, setCondition } from "../../core/api/meta.ts";
import { type Node, type NodeCondition, type NodeStatus, node as nodeKind, type Taint } from "../../core/kinds/node.ts";
import type { ResourceList } from "../../core/kinds/pod.ts";
import { isExtended } from "../../core/kinds/resource_names.ts";
import type { MachineFacts } from "../../core/platform/machine.ts";
import { compact } from "../../core/util/compact.ts";

/** What a node says of itself that does not change while its daemon runs. */
export interface NodeIdentity {
  readonly name: string;
  readonly machine: MachineFacts;
  /** Most important first. */
  readonly addresses: readonly string[];
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly taints: readonly Taint[];
  /** Bytes of the file system that holds pods. */
  readonly diskBytes: number;
  readonly maxPods: number;
  /** What pods may have of its capacity. */
  readonly allocatable: StringMap;
  /** Port of the daemon's own HTTPS server; 0: none. */
  readonly port: number;
  /** E.g. `docker://28.2.2`. */
  readonly runtimeVersion: string;
  /** What it can do for containers. */
  readonly runtimeFeatures: {
    readonly supplementalGroupsPolicy: boolean;
    readonly recursiveReadOnlyMounts: boolean;
  };
  /** Version of this program, e.g. `v1.34.0-wherry.0.1.0`. */
  readonly kubeletVersion: string;
}

/** What is found out each time. */
export interface NodeHealth {
  /** Why containers cannot be run; undefined when they can. */
  readonly runtimeProblem: string | undefined;
  /** Its pods are being ended, and no new ones are taken. */
  readonly shuttingDown: boolean;
  readonly memoryPressure: boolean;
  readonly diskPressure: boolean;
  readonly pidPressure: boolean;
  readonly images: NonNullable<NodeStatus["images"]>;
  /** RFC 3339. */
  readonly now: string;
}

const maxImages = 50;
const maxNames = 5;

/** The largest images of a node, as its status lists them: names with a digest first. @see kubelet's --node-status-max-images */
export function nodeImages(
  images: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[],
): NonNullable<NodeStatus["images"]> {
  return images
    .filter(({ names }) => names.length > 0)
    .map(({ names, sizeBytes }) => ({ names: names.slice(0, maxNames), sizeBytes }))
    .sort((a, b) => b.sizeBytes - a.sizeBytes || String(a.names).localeCompare(String(b.names)))
    .slice(0, maxImages);
}

/** Labels that every node carries. */
function standardLabels({ name, machine }: Pick<NodeIdentity, "name" | "machine">): StringMap {
  const { operatingSystem, architecture } = machine;
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": operatingSystem,
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": operatingSystem,
  };
}

/** What a node has. */
export function nodeCapacity({
  machine,
  diskBytes,
  maxPods,
}: Pick<NodeIdentity, "machine" | "diskBytes" | "maxPods">): StringMap {
  return {
    cpu: String(machine.cpus),
    "ephemeral-storage": `${Math.floor(diskBytes / 1024)}Ki`,
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
  };
}

/** The Node as it is registered the first time. */
export function newNode(identity: NodeIdentity, health: NodeHealth): Node {
  return {
    apiVersion: apiVersionOf(nodeKind),
    kind: nodeKind.kind,
    metadata: {
      name: identity.name,
      labels: { ...standardLabels(identity), ...identity.labels },
      annotations: identity.annotations,
    },
    spec: identity.taints.length > 0 ? { taints: identity.taints } : {},
    status: nodeStatus(undefined, identity, health),
  };
}

/** The Node that stands there, with this daemon's labels and annotations; the same object when nothing is missing. */
export function reconciledNode(current: Node, identity: NodeIdentity): Node {
  const labels = { ...current.metadata.labels, ...standardLabels(identity), ...identity.labels };
  const annotations = { ...current.metadata.annotations, ...identity.annotations };
  if (sameMap(labels, current.metadata.labels) && sameMap(annotations, current.metadata.annotations)) return current;
  return { ...current, metadata: { ...current.metadata, labels, annotations } };
}

function sameMap(a: StringMap, b: StringMap = {}): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

/** The status of a node. Pure. */
export function nodeStatus(current: NodeStatus | undefined, identity: NodeIdentity, health: NodeHealth): NodeStatus {
  const { machine, addresses, port, runtimeVersion, runtimeFeatures, kubeletVersion, name } = identity;
  const { supplementalGroupsPolicy, recursiveReadOnlyMounts } = runtimeFeatures;
  // What others let it have, e.g. devices, stays.
  const capacity = { ...current?.capacity, ...nodeCapacity(identity) };
  let conditions: readonly NodeCondition[] = current?.conditions ?? [];
  for (const condition of nodeConditions(health)) {
    const next = { ...condition, lastHeartbeatTime: health.now, lastTransitionTime: health.now };
    conditions = setCondition(conditions, next);
  }
  return compact<NodeStatus>({
    ...current,
    capacity,
    allocatable: { ...allocatableOf(capacity, current?.allocatable), ...identity.allocatable },
    conditions,
    addresses: [
      ...addresses.map((address) => ({ type: "InternalIP" as const, address })),
      { type: "Hostname" as const, address: name },
    ],
    images: health.images,
    daemonEndpoints: port === 0 ? undefined : { kubeletEndpoint: { Port: port } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: runtimeVersion,
      kubeletVersion,
      kubeProxyVersion: "",
      operatingSystem: machine.operatingSystem,
      architecture: machine.architecture,
      ...(machine.swapBytes > 0 ? { swap: { capacity: machine.swapBytes } } : {}),
    },
    runtimeHandlers: [{ name: "", features: { recursiveReadOnlyMounts, userNamespaces: false } }],
    features: { supplementalGroupsPolicy },
  });
}

/**
 * What pods may have of a capacity that others give: all of it. Whoever advertises a resource of their own writes the capacity only.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/
 */
function allocatableOf(capacity: ResourceList, current: ResourceList = {}): ResourceList {
  const kept = Object.entries(current).filter(([name]) => !isExtended(name) || Object.hasOwn(capacity, name));
  return { ...Object.fromEntries(kept), ...capacity };
}

function nodeConditions({
  runtimeProblem,
  shuttingDown,
  memoryPressure,
  diskPressure,
  pidPressure,
}: NodeHealth): readonly Condition[] {
  return [
    memoryPressure
      ? {
          type: "MemoryPressure",
          status: "True",
          reason: "KubeletHasInsufficientMemory",
          message: "kubelet has insufficient memory available",
        }
      : {
          type: "MemoryPressure",
          status: "False",
          reason: "KubeletHasSufficientMemory",
          message: "kubelet has sufficient memory available",
        },
    diskPressure
      ? { type: "DiskPressure", status: "True", reason: "KubeletHasDiskPressure", message: "kubelet has disk pressure" }
      : {
          type: "DiskPressure",
          status: "False",
          reason: "KubeletHasNoDiskPressure",
          message: "kubelet has no disk pressure",
        },
    pidPressure
      ? {
          type: "PIDPressure",
          status: "True",
          reason: "KubeletHasInsufficientPID",
          message: "kubelet has insufficient PID available",
        }
      : {
          type: "PIDPressure",
          status: "False",
          reason: "KubeletHasSufficientPID",
          message: "kubelet has sufficient PID available",
        },
    shuttingDown
      ? { type: "Ready", status: "False", reason: "KubeletNotReady", message: "node is shutting down" }
      : runtimeProblem === undefined
        ? { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
        : {
            type: "Ready",
            status: "False",
            reason: "ContainerRuntimeUnhealthy",
            message: `container runtime is down: ${runtimeProblem}`,
          },
  ];
}

/** Whether two statuses say the same, apart from heartbeats. */
export function sameNodeStatus(a: NodeStatus | undefined, b: NodeStatus | undefined): boolean {
  const text = (status: NodeStatus | undefined) =>
    JSON.stringify(status, (member, value: unknown) => (member === "lastHeartbeatTime" ? undefined : value));
  return text(a) === text(b);
}
