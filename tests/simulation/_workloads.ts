import { type SimulatedComponent, simulatedComponents } from "../../cluster/simulation/interruptions.ts";
import { exitCodeAnnotation, runSecondsAnnotation } from "../../cluster/simulation/plan_simulated_pod.ts";
import type { SimulatedCluster } from "../../cluster/simulation/simulated_cluster.ts";
import { cpuUsageAnnotation } from "../../cluster/simulation/simulated_usage.ts";
import { type KubeObject, keyOf, type ObjectKey } from "../../core/api/meta.ts";
import {
  type CronJob,
  type DaemonSet,
  type Deployment,
  daemonSet,
  deployment,
  type HorizontalPodAutoscaler,
  type Job,
  node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type PodDisruptionBudget,
  type PodTemplateSpec,
  type PriorityClass,
  pod,
  podDisruptionBudget,
  type ResourceQuota,
  type Service,
  type StatefulSet,
  statefulSet,
} from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";
import type { Random } from "../../core/platform/random.ts";

const namespace = "default";
const urgent = "urgent";
const storageClassName = "by-hand";
/** More than all claims together that there are in one run. */
const volumes = 60;

/** A whole number of `least` to `most`. */
export function within(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of a list. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

function template(app: string, random: Random, more: Partial<PodTemplateSpec["spec"]> = {}): PodTemplateSpec {
  const requests = { cpu: `${within(random, 1, 4) * 50}m`, memory: "64Mi" };
  const containers = [{ name: "app", image: "app:1", resources: { requests } }];
  return {
    metadata: { labels: { app } },
    spec: { containers, terminationGracePeriodSeconds: within(random, 0, 30), ...more },
  };
}

/** Workloads that the nodes of a small cluster have room for, all together, and what these need. */
export function randomWorkloads(random: Random): readonly KubeObject[] {
  const scaled = some(within(random, 0, 1), () => anAutoscaled("auto-0", random)).flat();
  return [
    anUrgency(),
    aQuota(),
    ...["web-0", "web-1", "db-0", "agent-0"].map(aService),
    ...some(volumes, aVolume),
    ...some(within(random, 1, 2), (index) => aDeployment(`web-${index}`, random)),
    ...some(within(random, 0, 2), (index) => aStatefulSet(`db-${index}`, random)),
    ...some(within(random, 0, 2), (index) => aJob(`work-${index}`, random)),
    ...some(within(random, 0, 1), (index) => aDaemonSet(`agent-${index}`, random)),
    ...some(within(random, 0, 2), (index) => aCronJob(`tick-${index}`, random)),
    ...scaled,
    ...some(within(random, 0, 1), () => aBudget("web-0", random)),
  ];
}

/** Pods of it may take the place of others. */
function anUrgency(): PriorityClass {
  return { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: urgent }, value: 1000 };
}

/** More than there ever is, so that it only counts. */
function aQuota(): ResourceQuota {
  const hard = { pods: "150", "requests.cpu": "40", persistentvolumeclaims: "60", "count/jobs.batch": "60" };
  return { apiVersion: "v1", kind: "ResourceQuota", metadata: { namespace, name: "all" }, spec: { hard } };
}

function aService(app: string): Service {
  const spec = { selector: { app }, ports: [{ port: 80 }] };
  return { apiVersion: "v1", kind: "Service", metadata: { namespace, name: app }, spec };
}

function aVolume(index: number): PersistentVolume {
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `volume-${index}` },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName,
      nfs: { server: "files", path: `/${index}` },
    },
  };
}

function some<T>(count: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function aDeployment(name: string, random: Random): Deployment {
  const priority = random() < 0.3 ? { priorityClassName: urgent } : {};
  const maxSurge = within(random, 0, 3);
  const maxUnavailable = within(random, maxSurge === 0 ? 1 : 0, 2);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name },
    spec: {
      replicas: within(random, 2, 6),
      selector: { matchLabels: { app: name } },
      template: template(name, random, priority),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
      revisionHistoryLimit: 2,
      minReadySeconds: within(random, 0, 5),
    },
  };
}

function aStatefulSet(name: string, random: Random): StatefulSet {
  const policy = () => oneOf(random, ["Retain", "Delete"] as const);
  const claimed = random() < 0.5;
  const claim: PersistentVolumeClaim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data" },
    spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { namespace, name },
    spec: {
      replicas: within(random, 0, 4),
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: template(name, random),
      podManagementPolicy: oneOf(random, ["OrderedReady", "Parallel"]),
      ...(claimed
        ? {
            volumeClaimTemplates: [claim],
            persistentVolumeClaimRetentionPolicy: { whenDeleted: policy(), whenScaled: policy() },
          }
        : {}),
    },
  };
}

function aJob(name: string, random: Random): Job {
  const fails = random() < 0.2;
  const made = template(name, random, { restartPolicy: "Never" });
  const annotations = {
    [runSecondsAnnotation]: String(within(random, 1, 40)),
    ...(fails ? { [exitCodeAnnotation]: "1" } : {}),
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { namespace, name },
    spec: {
      completions: within(random, 1, 8),
      parallelism: within(random, 1, 4),
      // Nodes that are lost take pods with them.
      backoffLimit: fails ? 2 : 100,
      completionMode: oneOf(random, ["Indexed", "NonIndexed"]),
      template: { ...made, metadata: { ...made.metadata, annotations } },
    },
  };
}

/** Its runs may last longer than it is until the next. */
function aCronJob(name: string, random: Random): CronJob {
  const made = template(name, random, { restartPolicy: "Never" });
  const annotations = { [runSecondsAnnotation]: String(within(random, 1, 150)) };
  const deadline = random() < 0.5 ? { startingDeadlineSeconds: within(random, 10, 200) } : {};
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { namespace, name },
    spec: {
      schedule: oneOf(random, ["* * * * *", "*/2 * * * *", "*/3 * * * *"]),
      timeZone: oneOf(random, ["Etc/UTC", "America/New_York", "Asia/Kolkata"]),
      concurrencyPolicy: oneOf(random, ["Allow", "Forbid", "Replace"]),
      successfulJobsHistoryLimit: within(random, 0, 3),
      failedJobsHistoryLimit: within(random, 0, 1),
      ...deadline,
      jobTemplate: { spec: { backoffLimit: 100, template: { ...made, metadata: { ...made.metadata, annotations } } } },
    },
  };
}

/** A Deployment whose size follows what its pods use. */
function anAutoscaled(name: string, random: Random): readonly [Deployment, HorizontalPodAutoscaler] {
  const target = aDeployment(name, random);
  const { metadata, spec } = target.spec.template;
  const annotations = { [cpuUsageAnnotation]: `${within(random, 0, 200)}m` };
  const minReplicas = within(random, 1, 3);
  const maxReplicas = within(random, minReplicas, 6);
  const autoscaler: HorizontalPodAutoscaler = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { namespace, name },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas,
      maxReplicas,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "AverageValue", averageValue: "100m" } } },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: within(random, 0, 30) } },
    },
  };
  const template = { metadata: { ...metadata, annotations }, spec };
  return [{ ...target, spec: { ...target.spec, replicas: minReplicas, template } }, autoscaler];
}

function aDaemonSet(name: string, random: Random): DaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { namespace, name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: template(name, random),
      updateStrategy: {
        type: "RollingUpdate",
        rollingUpdate: random() < 0.5 ? { maxSurge: 1, maxUnavailable: 0 } : { maxUnavailable: within(random, 1, 2) },
      },
    },
  };
}

function aBudget(app: string, random: Random): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { namespace, name: app },
    spec: { selector: { matchLabels: { app } }, maxUnavailable: within(random, 1, 2) },
  };
}

/** Something that happens to a cluster: what its users do, and what goes wrong. */
export type Happening = (cluster: SimulatedCluster, random: Random) => Promise<string>;

/** Ends the controllers again and again between a write and the next, or its answer: all that they remember is in objects. */
const restartOften: Happening = async (cluster) => {
  cluster.setFaults({ latencyMs: [50, 400] });
  for (const ms of [120, 330, 750, 1400]) {
    await cluster.advance(ms);
    await cluster.restart("controllers");
  }
  cluster.setFaults({});
  return "controllers restarted again and again";
};

const kindsByPrefix = { web: deployment, db: statefulSet, agent: daemonSet } as const;

const scaling: Happening = async (cluster, random) => {
  const found = await anyOf(cluster, random, oneOf(random, [deployment, statefulSet]));
  // What scales it would be in two minds.
  if (!found || isAutoscaled(found)) return "nothing to scale";
  const replicas = within(random, 0, 6);
  const kind = found.name.startsWith("db") ? statefulSet : deployment;
  await cluster.client.patch(kind, found, { type: "merge", body: { spec: { replicas } } }, { subresource: "scale" });
  return `${found.name} scaled to ${replicas}`;
};

const rollOut: Happening = async (cluster, random) => {
  const prefix = oneOf(random, ["web", "web", "web", "db", "agent"] as const);
  const kind = kindsByPrefix[prefix];
  const found = await anyOf(cluster, random, kind as typeof deployment);
  if (!found) return "nothing to roll out";
  const image = `app:${within(random, 2, 1000)}`;
  const body = { spec: { template: { spec: { containers: [{ name: "app", image }] } } } };
  await cluster.client.patch(kind as typeof deployment, found, { type: "strategic", body });
  return `${found.name} rolls to ${image}`;
};

function isAutoscaled({ name }: ObjectKey): boolean {
  return name.startsWith("auto");
}

/** Cordons a node and evicts what is there, as `kubectl drain` does: budgets have the last word. */
const drain: Happening = async (cluster, random) => {
  const { client } = cluster;
  const name = `node-${within(random, 0, 3)}`;
  cluster.setFaults({});
  await client.patch(node, { name }, { type: "merge", body: { spec: { unschedulable: true } } });
  // Whoever waits before the next try has tried by then: budgets know what there is.
  await cluster.advance(15_000);
  let refused = 0;
  for (const one of (await client.list(pod, { fieldSelector: `spec.nodeName=${name}` })).items) {
    if (one.metadata.ownerReferences?.[0]?.kind === "DaemonSet") continue;
    await cluster.advance(1000);
    const allowed = await disruptionsAllowed(cluster, one.metadata.labels?.["app"] ?? "");
    const path = `/api/v1/namespaces/${namespace}/pods/${one.metadata.name}/eviction`;
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name: one.metadata.name } };
    const body = new TextEncoder().encode(JSON.stringify(eviction));
    const headers = { "content-type": "application/json" };
    const { status } = await client.raw({ method: "POST", path, headers, body });
    if (status === 429) refused++;
    else if (status === 201 && allowed.ready.has(one.metadata.uid ?? "") && allowed.count < 1)
      throw new Error(`The budget of ${one.metadata.name} allows ${allowed.count} disruptions, and it was evicted`);
  }
  return `${name} drained, ${refused} pods refused`;
};

/** How many pods of an app may go by its budget, and which are ready. */
async function disruptionsAllowed(
  { client }: SimulatedCluster,
  app: string,
): Promise<{ readonly count: number; readonly ready: ReadonlySet<string> }> {
  const [budgets, pods] = [
    await client.list(podDisruptionBudget),
    await client.list(pod, { labelSelector: `app=${app}` }),
  ];
  const ready = pods.items.filter((one) => isPodReady(one) && !one.metadata.deletionTimestamp);
  const uids = new Set(ready.map(({ metadata }) => metadata.uid ?? ""));
  const budget = budgets.items.find(({ metadata }) => metadata.name === app);
  if (!budget) return { count: Number.POSITIVE_INFINITY, ready: uids };
  const { replicas = 1 } = (await client.get(deployment, { namespace, name: app })).spec;
  return { count: ready.length - (replicas - Number(budget.spec?.maxUnavailable)), ready: uids };
}

/** What may happen, each as likely as the others. */
export const happenings: readonly Happening[] = [
  scaling,
  scaling,
  rollOut,
  rollOut,
  rollOut,
  async (cluster, random) => {
    const found = await anyOf(cluster, random, pod);
    if (!found) return "no pod to delete";
    await cluster.client.delete(pod, found);
    return `pod ${found.name} deleted`;
  },
  async (cluster, random) => {
    const [name] = cluster.nodes.length > 1 ? [oneOf(random, cluster.nodes)] : [];
    if (name === undefined) return "no node to lose";
    await cluster.killNode(name);
    return `${name} lost`;
  },
  async (cluster, random) => {
    const name = `node-${within(random, 0, 3)}`;
    cluster.reviveNode(name);
    return `${name} revived`;
  },
  drain,
  async (cluster, random) => {
    const name = `node-${within(random, 0, 3)}`;
    await cluster.client.patch(node, { name }, { type: "merge", body: { spec: { unschedulable: null } } });
    return `${name} uncordoned`;
  },
  async (cluster, random) => {
    const { items } = await cluster.client.list(pod, { labelSelector: "app=auto-0" });
    const amount = `${within(random, 0, 200)}m`;
    const body = { metadata: { annotations: { [cpuUsageAnnotation]: amount } } };
    for (const one of items) await cluster.client.patch(pod, keyOf(one), { type: "merge", body });
    return `${items.length} pods use ${amount}`;
  },
  async (cluster, random) => {
    const component = oneOf<SimulatedComponent>(random, ["api", "controllers", "scheduler"]);
    if (component === "controllers") return restartOften(cluster, random);
    await cluster.restart(component);
    return `${component} restarted`;
  },
  async (cluster, random) => {
    const component = oneOf(random, simulatedComponents);
    const afterWrites = within(random, 1, 20);
    await cluster.restart(component, { afterWrites });
    return `${component} ends with its write ${afterWrites}`;
  },
  async (cluster) => {
    cluster.dropWatches();
    return "watches dropped";
  },
  async (cluster, random) => {
    const most = within(random, 10, 3000);
    cluster.setFaults({ latencyMs: [0, most] });
    return `requests take up to ${most} ms`;
  },
  async (cluster, random) => {
    const part = random() * 0.3;
    cluster.setFaults({ lost: part / 2, lostAnswers: part / 2 });
    return `${Math.round(part * 100)} % of requests or their answers are lost`;
  },
  async (cluster) => {
    cluster.setFaults({});
    return "the network is well again";
  },
];

async function anyOf(
  { client }: SimulatedCluster,
  random: Random,
  kind: Parameters<typeof client.list>[0],
): Promise<ObjectKey | undefined> {
  const { items } = await client.list(kind, { namespace });
  return items.length === 0 ? undefined : keyOf(oneOf(random, items));
}
