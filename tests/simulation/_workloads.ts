import { exitCodeAnnotation, runSecondsAnnotation } from "../../cluster/simulation/plan_simulated_pod.ts";
import type { SimulatedCluster, SimulatedComponent } from "../../cluster/simulation/simulated_cluster.ts";
import { type KubeObject, keyOf, type ObjectKey } from "../../core/api/meta.ts";
import {
  type DaemonSet,
  type Deployment,
  daemonSet,
  deployment,
  type Job,
  type PodDisruptionBudget,
  type PodTemplateSpec,
  pod,
  type StatefulSet,
  statefulSet,
} from "../../core/kinds/mod.ts";
import type { Random } from "../../core/platform/random.ts";

const namespace = "default";

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

/** Workloads that the nodes of a small cluster have room for, all together. */
export function randomWorkloads(random: Random): readonly KubeObject[] {
  return [
    ...some(within(random, 1, 2), (index) => aDeployment(`web-${index}`, random)),
    ...some(within(random, 0, 2), (index) => aStatefulSet(`db-${index}`, random)),
    ...some(within(random, 0, 2), (index) => aJob(`work-${index}`, random)),
    ...some(within(random, 0, 1), (index) => aDaemonSet(`agent-${index}`, random)),
    ...some(within(random, 0, 1), () => aBudget("web-0", random)),
  ];
}

function some<T>(count: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function aDeployment(name: string, random: Random): Deployment {
  const maxSurge = within(random, 0, 3);
  const maxUnavailable = within(random, maxSurge === 0 ? 1 : 0, 2);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name },
    spec: {
      replicas: within(random, 2, 6),
      selector: { matchLabels: { app: name } },
      template: template(name, random),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
      revisionHistoryLimit: 2,
      minReadySeconds: within(random, 0, 5),
    },
  };
}

function aStatefulSet(name: string, random: Random): StatefulSet {
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

const kindsByPrefix = { web: deployment, db: statefulSet, agent: daemonSet } as const;

const scaling: Happening = async (cluster, random) => {
  const found = await anyOf(cluster, random, oneOf(random, [deployment, statefulSet]));
  if (!found) return "nothing to scale";
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
  async (cluster, random) => {
    const component = oneOf<SimulatedComponent>(random, ["api", "controllers", "scheduler"]);
    await cluster.restart(component);
    return `${component} restarted`;
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
    // Not their answers: who cannot know that a pod was created creates another, and has one too many for a moment.
    cluster.setFaults({ lost: part });
    return `${Math.round(part * 100)} % of requests are lost`;
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
