import { type KubeObject, keyOf, keyText } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import type { Informer } from "../core/client/informer.ts";
import { type Node, namespace, node, type Pod, type PodSpec, pod, priorityClass } from "../core/kinds/mod.ts";
import { systemClock } from "../core/platform/clock.ts";
import { seededRandom } from "../core/platform/random.ts";
import { timestamp } from "../core/util/clock.ts";
import { deferred } from "../core/util/deferred.ts";
import { silentLogger } from "../core/util/log.ts";
import { type Master, startMaster } from "../master_daemon/master.ts";
import { defaultConfiguration, runScheduler } from "../master_daemon/scheduler/mod.ts";
import { type Bench, cpuTime, type Figure } from "./figure.ts";

const zone = "topology.kubernetes.io/zone";
const hostname = "kubernetes.io/hostname";
const schedulerName = "bench-scheduler";

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
const many = (nodes: number) => (nodes === 100 ? 500 : 1000);

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
    // They all go to one zone, which is a tenth of the nodes.
    pods: (nodes) => (nodes === 100 ? 100 : 1000),
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
    pods: (nodes) => Math.min(nodes, 1000),
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
    pods: (nodes) => Math.min(nodes, 200),
    full: true,
    goals: {},
  },
];

/**
 * How fast pods get their nodes, everything included that a binding writes: API server, store, controllers and events of this
 * process. Each case has a namespace of its own; what the ones before have placed stays where it is.
 */
export const bench: Bench = {
  about: "pods bound per second, on 100, 1000 and 5000 nodes that are objects only, all in this process",
  async *run(): AsyncGenerator<Figure> {
    const onFull = cases.filter(({ full }) => full);
    const others = cases.filter(({ full }) => !full);
    for (const nodes of [100, 1000, 5000]) for (const some of [others, onFull]) yield* measureAll(some, nodes);
  },
};

async function* measureAll(some: readonly Case[], nodes: number): AsyncGenerator<Figure> {
  await using master = await startMaster({
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    // Nobody renews the leases of these nodes.
    controllers: { nodeMonitorGracePeriodMs: 3_600_000, clusterCidr: "10.0.0.0/8" },
  });
  const { client, informers } = master;
  await client.create(priorityClass, {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "high" },
    value: 1000,
  });
  await together(nodes, (index) => addNode(client, index));
  // What other controllers have to do for new nodes is not measured.
  await until(informers.informer(node), nodes, ({ spec }) => spec?.podCIDR !== undefined && !spec.taints?.length);
  for (const one of some) yield await measure(one, nodes, master);
}

async function measure(one: Case, nodes: number, { client, clientFor, informers }: Master): Promise<Figure> {
  const metadata = { name: one.name };
  await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata });
  if (one.full) {
    await together(nodes * 4, async (index) => {
      const spec = { containers: [asking("900m")], nodeName: `node-${index % nodes}` };
      await client.create(pod, podOf({ name: `low-${index}`, namespace: one.name }, spec));
    });
  }
  const count = one.pods(nodes);
  await together(count, (index) => {
    const { labels = {} } = one;
    return client.create(pod, podOf({ name: `pod-${index}`, namespace: one.name, labels }, one.spec));
  });
  const isBound = ({ metadata, spec }: Pod) =>
    metadata.namespace === one.name && spec.nodeName !== undefined && metadata.name?.startsWith("pod-") === true;
  const bound = until(informers.informer(pod), count, isBound);
  const cpuBefore = cpuTime();
  const startedAt = performance.now();
  await using _scheduler = runScheduler({
    client: clientFor({ username: "system:kube-scheduler", groups: ["system:authenticated"] }, { takesObjects: true }),
    informers,
    clock: systemClock,
    random: seededRandom(2),
    log: silentLogger,
    configuration: { profiles: defaultConfiguration.profiles.map((profile) => ({ ...profile, schedulerName })) },
  });
  await bound;
  const seconds = (performance.now() - startedAt) / 1000;
  const goal = one.goals[nodes];
  return {
    what: `${one.name}, ${count} pods on ${nodes} nodes`,
    value: count / seconds,
    unit: "per s",
    ...(goal === undefined ? {} : { goal }),
    beside: { "ms CPU each": (cpuTime() - cpuBefore) / count },
  };
}

/** Resolves when so many objects of a cache are as they should be. */
async function until<T extends KubeObject>(
  cache: Informer<T>,
  count: number,
  isDone: (object: T) => boolean,
): Promise<void> {
  const done = new Set<string>();
  const all = deferred();
  const stop = cache.onChange(({ object }) => {
    if (isDone(object)) done.add(keyText(keyOf(object)));
    if (done.size === count) all.resolve();
  });
  await all.promise;
  stop();
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

function podOf(metadata: Pod["metadata"], spec: Partial<PodSpec>): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
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
