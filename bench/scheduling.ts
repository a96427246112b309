import type { Client } from "../core/client/client.ts";
import { type Node, node, type Pod, type PodSpec, pod, priorityClass } from "../core/kinds/mod.ts";
import { systemClock } from "../core/platform/clock.ts";
import { seededRandom } from "../core/platform/random.ts";
import { timestamp } from "../core/util/clock.ts";
import { silentLogger } from "../core/util/log.ts";
import { startMaster } from "../master_daemon/master.ts";
import { defaultConfiguration, runScheduler } from "../master_daemon/scheduler/mod.ts";
import { type Bench, cpuTime, type Figure } from "./figure.ts";

const zone = "topology.kubernetes.io/zone";
const hostname = "kubernetes.io/hostname";
const schedulerName = "bench-scheduler";
const namespace = "default";

interface Case {
  readonly name: string;
  readonly spec: Partial<PodSpec>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Pods to be placed, of so many nodes. */
  pods(nodes: number): number;
  /** Whether the nodes are full of others before. */
  readonly full?: true;
  readonly goals: Readonly<Record<number, number>>;
}

const blue = { color: "blue" };
const affinity = { 100: 200, 1000: 200, 5000: 200 };
const many = (nodes: number) => (nodes === 100 ? 1000 : 2000);

const cases: readonly Case[] = [
  { name: "basic", spec: {}, pods: many, goals: { 1000: 1500, 5000: 700 } },
  {
    name: "node-affinity",
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: "In", values: ["zone-0", "zone-1"] }] }],
          },
        },
      },
    },
    pods: many,
    goals: affinity,
  },
  {
    name: "pod-affinity",
    labels: blue,
    spec: {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: zone, labelSelector: { matchLabels: blue } }],
        },
      },
    },
    pods: (nodes) => (nodes === 100 ? 300 : 2000),
    goals: affinity,
  },
  {
    name: "anti-affinity",
    labels: blue,
    spec: {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: hostname, labelSelector: { matchLabels: blue } },
          ],
        },
      },
    },
    pods: (nodes) => Math.min(nodes, 2000),
    goals: affinity,
  },
  {
    name: "topology-spread",
    labels: blue,
    spec: {
      topologySpreadConstraints: [
        { maxSkew: 5, topologyKey: zone, whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: blue } },
      ],
    },
    pods: many,
    goals: affinity,
  },
  {
    name: "preemption",
    spec: { priority: 1000, priorityClassName: "high", containers: [asking("3")] },
    pods: (nodes) => Math.min(nodes, 500),
    full: true,
    goals: {},
  },
];

/** How fast pods get their nodes, everything included that a binding writes: API server, store and events of this process. */
export const bench: Bench = {
  about: "pods bound per second, by 100, 1000 and 5000 nodes that are objects only, all in this process",
  async *run(): AsyncGenerator<Figure> {
    for (const nodes of [100, 1000, 5000]) for (const one of cases) yield* measure(one, nodes);
  },
};

async function* measure(one: Case, nodes: number): AsyncGenerator<Figure> {
  await using master = await startMaster({
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    // Nobody renews the leases of these nodes.
    controllers: { nodeMonitorGracePeriodMs: 3_600_000 },
  });
  const { client } = master;
  await client.create(priorityClass, {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "high" },
    value: 1000,
  });
  await together(nodes, (index) => addNode(client, index));
  if (one.full) {
    await together(nodes * 4, async (index) => {
      const spec = { containers: [asking("900m")], nodeName: `node-${index % nodes}` };
      await client.create(pod, podOf(`low-${index}`, spec, {}));
    });
  }
  const count = one.pods(nodes);
  await together(count, (index) => client.create(pod, podOf(`pod-${index}`, one.spec, one.labels ?? {})));
  const bound = allBound(client, count);
  const cpuBefore = cpuTime();
  const startedAt = performance.now();
  const scheduler = runScheduler({
    client: master.clientFor({ username: "system:kube-scheduler", groups: ["system:authenticated"] }),
    informers: master.informers,
    clock: systemClock,
    random: seededRandom(2),
    log: silentLogger,
    configuration: { profiles: defaultConfiguration.profiles.map((profile) => ({ ...profile, schedulerName })) },
  });
  await bound;
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMs = (cpuTime() - cpuBefore) / count;
  await scheduler[Symbol.asyncDispose]();
  const goal = one.goals[nodes];
  yield {
    what: `${one.name}, ${count} pods on ${nodes} nodes`,
    value: count / seconds,
    unit: "per s",
    ...(goal === undefined ? {} : { goal }),
    beside: { "ms CPU": cpuMs },
  };
}

async function allBound(client: Client, count: number): Promise<void> {
  const bound = new Set<string>();
  const stop = new AbortController();
  for await (const { type, object } of client.watch(pod, { namespace, signal: stop.signal })) {
    if (type === "BOOKMARK" || !object.metadata.name?.startsWith("pod-") || !object.spec.nodeName) continue;
    bound.add(object.metadata.name);
    if (bound.size === count) stop.abort();
  }
}

async function addNode(client: Client, index: number): Promise<void> {
  const name = `node-${index}`;
  const labels = { [hostname]: name, [zone]: `zone-${index % 10}` };
  const allocatable = { cpu: "4", memory: "32Gi", pods: "110" };
  const conditions = [
    { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: timestamp(systemClock) } as const,
  ];
  const object: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    status: { allocatable, capacity: allocatable, conditions },
  };
  await client.create(node, object);
}

function asking(cpu: string) {
  return { name: "main", image: "none", resources: { requests: { cpu, memory: "500Mi" } } };
}

function podOf(name: string, spec: Partial<PodSpec>, labels: Readonly<Record<string, string>>): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels },
    spec: {
      schedulerName,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      tolerations: [{ operator: "Exists" }],
      containers: [asking("100m")],
      ...spec,
    },
  };
}

/** Does something so many times, 64 at once. */
async function together(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (next < count) await work(next++);
    }),
  );
}
