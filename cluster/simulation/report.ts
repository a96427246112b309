import { controllerOf, findCondition, keyOf, keyText } from "../../core/api/meta.ts";
import { formatQuantity } from "../../core/api/quantity.ts";
import type { Client } from "../../core/client/client.ts";
import { schedulingReason } from "../../core/client/why/scheduling.ts";
import { event, type Node, node, type Pod, pod } from "../../core/kinds/mod.ts";
import { nodeStatusText } from "../../core/kinds/node.ts";
import { isPodReady, isPodTerminal, podCondition, podStatusText } from "../../core/kinds/pod_helpers.ts";
import { podRequests } from "../../core/kinds/pod_resources.ts";
import type { SimulatedCluster } from "./simulated_cluster.ts";

/** How a cluster was at the end of one step of a scenario. */
export interface StepReport {
  /** When the step was, as `1m30s` after the manifests were applied. */
  readonly at: string;
  /** As `killNode node-1`. */
  readonly step: string;
  readonly readyNodes: number;
  readonly nodes: number;
  readonly readyPods: number;
  /** Those that are not done. */
  readonly pods: number;
  /** Of these, those without a node. */
  readonly pending: number;
}

/** What became of manifests. */
export interface SimulationReport {
  readonly nodes: readonly {
    readonly name: string;
    /** As `kubectl get nodes` shows it: `Ready`, `NotReady`. */
    readonly status: string;
    readonly pods: number;
    /** What its pods ask for, of what there is. */
    readonly cpu: { readonly requested: string; readonly allocatable: string };
    readonly memory: { readonly requested: string; readonly allocatable: string };
  }[];
  /** Pods, by namespace and name. */
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    /** Absent: it has none. */
    readonly node?: string;
    readonly phase: string;
    /** As `kubectl get pods` shows it: `Terminating` of one that is on its way out. */
    readonly status: string;
    /** Why it has no node. */
    readonly message?: string;
    /** The least change that would give it one, where that can be told. */
    readonly remedy?: string;
  }[];
  /** What became of each step of a scenario by the time of the next; the first is before any. Empty without a scenario. */
  readonly steps: readonly StepReport[];
  /** What was warned of besides, e.g. pods that could not be created. */
  readonly warnings: readonly { readonly object: string; readonly reason: string; readonly message: string }[];
}

/** How the cluster is now. */
export async function countsOf({ client }: SimulatedCluster): Promise<Omit<StepReport, "at" | "step">> {
  const [nodes, pods] = await Promise.all([client.list(node), client.list(pod)]);
  const present = pods.items.filter((one) => !isPodTerminal(one));
  return {
    readyNodes: nodes.items.filter(({ status }) => findCondition(status?.conditions, "Ready")?.status === "True")
      .length,
    nodes: nodes.items.length,
    readyPods: present.filter(isPodReady).length,
    pods: present.length,
    pending: present.filter(({ spec }) => !spec.nodeName).length,
  };
}

/** What became of all, with how it went at each step. */
export async function reportOf({ client }: SimulatedCluster, steps: readonly StepReport[]): Promise<SimulationReport> {
  const [nodes, pods, events] = await Promise.all([client.list(node), client.list(pod), client.list(event)]);
  const warnings = events.items.filter(({ type, reason }) => type === "Warning" && reason !== "FailedScheduling");
  return {
    nodes: nodes.items.map((one) => usageOf(one, pods.items)),
    pods: await resultsOf(client, pods.items),
    steps,
    warnings: warnings.map(({ involvedObject: { kind, namespace: space, name }, reason = "", message = "" }) => ({
      object: `${kind} ${space ? `${space}/` : ""}${name}`,
      reason,
      message,
    })),
  };
}

function usageOf(one: Node, pods: readonly Pod[]): SimulationReport["nodes"][number] {
  const { metadata, status } = one;
  const there = pods.filter((each) => each.spec.nodeName === metadata.name && !isPodTerminal(each)).map(podRequests);
  const cpu = there.reduce((sum, { milliCpu }) => sum + milliCpu, 0);
  const memory = there.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const { cpu: allCpu = "0", memory: allMemory = "0" } = status?.allocatable ?? {};
  return {
    name: metadata.name ?? "",
    status: nodeStatusText(one),
    pods: there.length,
    cpu: {
      requested: formatQuantity({ nano: BigInt(cpu) * 1_000_000n, format: "DecimalSI" }),
      allocatable: String(allCpu),
    },
    memory: {
      requested: formatQuantity({ nano: BigInt(memory) * 1_000_000_000n, format: "BinarySI" }),
      allocatable: String(allMemory),
    },
  };
}

async function resultsOf(client: Client, pods: readonly Pod[]): Promise<SimulationReport["pods"]> {
  // Pods of one workload wait for the same.
  const remedies = new Map<string, string | undefined>();
  const results: SimulationReport["pods"][number][] = [];
  for (const one of pods) {
    const result = resultOf(one);
    if (result.node !== undefined) {
      results.push(result);
      continue;
    }
    const key = `${controllerOf(one)?.uid ?? one.metadata.uid} ${result.message}`;
    if (!remedies.has(key))
      remedies.set(key, (await schedulingReason(one, { client, resourceOf: async () => undefined }))?.remedy);
    const remedy = remedies.get(key);
    results.push({ ...result, ...(remedy ? { remedy } : {}) });
  }
  return results;
}

function resultOf(one: Pod): SimulationReport["pods"][number] {
  const { namespace: space = "", name } = keyOf(one);
  const { nodeName } = one.spec;
  const scheduled = podCondition(one, "PodScheduled");
  const gates = one.spec.schedulingGates?.map((gate) => gate.name).join(", ");
  const reason = gates ? `scheduling gates: ${gates}` : scheduled?.message;
  return {
    namespace: space,
    name,
    ...(nodeName ? { node: nodeName } : { message: reason ?? `${keyText(keyOf(one))} was not looked at` }),
    phase: one.status?.phase ?? "Pending",
    status: podStatusText(one) || "Pending",
  };
}
