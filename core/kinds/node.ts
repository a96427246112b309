import { defineKind, type Kind } from "../api/kind.ts";
import { type Condition, findCondition, type KubeObject } from "../api/meta.ts";
import { compact } from "../util/compact.ts";
import { ageColumn, nameColumn, orNone } from "./cells.ts";
import { validateNode, validateNodeStatus, validateNodeUpdate } from "./node_validation.ts";
import type { ResourceList } from "./pod.ts";
import { canonicalResources } from "./pod_resources.ts";
import { withStatusOf } from "./with_status.ts";

/** Keeps pods away that do not tolerate it. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  readonly timeAdded?: string;
}

/** What is known about a node: Ready, MemoryPressure, DiskPressure, PIDPressure. */
export interface NodeCondition extends Condition {
  readonly lastHeartbeatTime?: string;
}

/** A name or address of a node. */
export interface NodeAddress {
  readonly type: "Hostname" | "InternalIP" | "ExternalIP" | "InternalDNS" | "ExternalDNS";
  readonly address: string;
}

/** What a node is made of. */
export interface NodeSystemInfo {
  readonly machineID: string;
  readonly systemUUID: string;
  readonly bootID: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly containerRuntimeVersion: string;
  readonly kubeletVersion: string;
  readonly kubeProxyVersion: string;
  readonly operatingSystem: string;
  readonly architecture: string;
  readonly swap?: { readonly capacity?: number };
}

/** What a node is to be. */
export interface NodeSpec {
  readonly podCIDR?: string;
  readonly podCIDRs?: readonly string[];
  readonly providerID?: string;
  readonly unschedulable?: boolean;
  readonly taints?: readonly Taint[];
}

/** What a node has and how it is. */
export interface NodeStatus {
  readonly capacity?: ResourceList;
  readonly allocatable?: ResourceList;
  readonly conditions?: readonly NodeCondition[];
  readonly addresses?: readonly NodeAddress[];
  readonly daemonEndpoints?: { readonly kubeletEndpoint?: { readonly Port: number } };
  readonly nodeInfo?: NodeSystemInfo;
  readonly images?: readonly { readonly names?: readonly string[]; readonly sizeBytes?: number }[];
  /** What can run containers, by the names that RuntimeClasses call them. */
  readonly runtimeHandlers?: readonly NodeRuntimeHandler[];
  readonly features?: { readonly supplementalGroupsPolicy?: boolean };
}

/** What runs containers on a node; the one without a name is the default. */
export interface NodeRuntimeHandler {
  readonly name?: string;
  readonly features?: { readonly recursiveReadOnlyMounts?: boolean; readonly userNamespaces?: boolean };
}

/** A machine that runs pods. @see https://kubernetes.io/docs/concepts/architecture/nodes/ */
export interface Node extends KubeObject {
  readonly spec?: NodeSpec;
  readonly status?: NodeStatus;
}

/** The kind Node. */
export const node: Kind<Node> = defineKind<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  namespaced: false,
  shortNames: ["no"],
  schema: "io.k8s.api.core.v1.Node",
  generation: "none",
  subresources: { status: true },
  strategy: {
    applyDefaults,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: validateNode,
    validateUpdate: validateNodeUpdate,
    validateStatusUpdate: validateNodeStatus,
    fields: ({ spec }) => ({ "spec.unschedulable": String(spec?.unschedulable ?? false) }),
  },
  columns: [
    nameColumn,
    { name: "Status", type: "string", description: "Whether the node is ready.", cell: nodeStatusText },
    {
      name: "Roles",
      type: "string",
      description: "What the node's labels say it is for.",
      cell: (object) => orNone(nodeRoles(object).join(",")),
    },
    ageColumn,
    {
      name: "Version",
      type: "string",
      description: "Version of the node daemon.",
      cell: ({ status }) => status?.nodeInfo?.kubeletVersion ?? "",
    },
    {
      name: "Internal-IP",
      type: "string",
      priority: 1,
      description: "Address inside the cluster.",
      cell: (object) => orNone(addressOf(object, "InternalIP")),
    },
    {
      name: "External-IP",
      type: "string",
      priority: 1,
      description: "Address outside the cluster.",
      cell: (object) => orNone(addressOf(object, "ExternalIP")),
    },
    {
      name: "OS-Image",
      type: "string",
      priority: 1,
      description: "Operating system.",
      cell: ({ status }) => status?.nodeInfo?.osImage || "<unknown>",
    },
    {
      name: "Kernel-Version",
      type: "string",
      priority: 1,
      description: "Kernel.",
      cell: ({ status }) => status?.nodeInfo?.kernelVersion || "<unknown>",
    },
    {
      name: "Container-Runtime",
      type: "string",
      priority: 1,
      description: "What runs containers.",
      cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || "<unknown>",
    },
  ],
});

function applyDefaults(object: Node): Node {
  const { spec = {}, status } = object;
  const podCIDR = spec.podCIDR || spec.podCIDRs?.[0];
  // Clients that know of one range only have the last word.
  const podCIDRs =
    podCIDR && podCIDR !== spec.podCIDRs?.[0] ? [podCIDR] : spec.podCIDRs?.length ? spec.podCIDRs : undefined;
  const capacity = status?.capacity && canonicalResources(status.capacity);
  const allocatable = status?.allocatable ? canonicalResources(status.allocatable) : capacity;
  return compact<Node>({
    ...object,
    spec: compact<NodeSpec>({ ...spec, podCIDR, podCIDRs }),
    status: status && compact<NodeStatus>({ ...status, capacity, allocatable }),
  });
}

/** Ready, NotReady or Unknown, and whether new pods may come. */
export function nodeStatusText({ spec, status }: Node): string {
  const ready = findCondition(status?.conditions, "Ready");
  const word = ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown";
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

/** What the node's labels say it is for, sorted. */
export function nodeRoles({ metadata }: Node): readonly string[] {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return key.length > prefix.length ? [key.slice(prefix.length)] : [];
    return key === "kubernetes.io/role" && value ? [value] : [];
  });
  return [...new Set(roles)].sort();
}

function addressOf({ status }: Node, type: NodeAddress["type"]): string | undefined {
  return status?.addresses?.find((address) => address.type === type)?.address;
}
