import { expect } from "vitest";
import type { SimulatedCluster } from "../../cluster/simulation/simulated_cluster.ts";
import { apiVersionOf } from "../../core/api/kind.ts";
import { controllerOf, findCondition, type KubeObject, keyOf, keyText } from "../../core/api/meta.ts";
import { milliCpu } from "../../core/api/quantity.ts";
import { createInformers } from "../../core/client/informers.ts";
import {
  type CronJob,
  cronJob,
  type Deployment,
  daemonSet,
  deployment,
  endpointSlice,
  endpoints,
  horizontalPodAutoscaler,
  type Job,
  job,
  node,
  type Pod,
  persistentVolumeClaim,
  pod,
  type ReplicaSet,
  replicaSet,
  resourceQuota,
  type StatefulSet,
  service,
  statefulSet,
  storedKinds,
} from "../../core/kinds/mod.ts";
import { isPodActive, isPodReady, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { podRequests, resourceAmounts } from "../../core/kinds/pod_resources.ts";
import { silentLogger } from "../../core/util/log.ts";

/** After so long every component has heard of a change, also when it lost its watches. */
const heardOfMs = 30_000;

/** Watches a cluster, and knows what must never be. */
export class Invariants {
  readonly #cluster: SimulatedCluster;
  /** Most replicas that a deployment was told to have since it last had no more pods than it may, for a while. By key. */
  readonly #mostReplicas = new Map<string, number>();
  /** Most pods that a replica set was told to have, and that it had at a time, by its uid. */
  readonly #mostOfSet = new Map<string, number>();
  readonly #cameTo = new Map<string, number>();
  /** Since when a deployment has had no more pods than it may, in milliseconds of the clock. By key. */
  readonly #withinSince = new Map<string, number>();
  /** Uids of pods that succeeded, by the uid of their job. */
  readonly #succeeded = new Map<string, Set<string>>();
  /** Names of pods of stateful sets that were ready at some time. */
  readonly #everReady = new Set<string>();
  readonly #broken: string[] = [];

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
    const informers = createInformers({
      client: cluster.client,
      clock: cluster.clock,
      random: () => 0.5,
      log: silentLogger,
    });
    this.close = async () => informers[Symbol.asyncDispose]();
    const pods = informers.informer(pod);
    const sets = informers.informer(statefulSet);
    const deployments = informers.informer(deployment);
    const replicaSets = informers.informer(replicaSet);
    replicaSets.onChange(({ type, object }) => {
      if (type === "deleted") return;
      const { uid = "" } = object.metadata;
      this.#mostOfSet.set(uid, Math.max(this.#mostOfSet.get(uid) ?? 0, object.spec.replicas ?? 1));
      this.#checkSurge(object, replicaSets.list(), deployments.list());
    });
    pods.onChange(({ type, object }) => {
      if (type === "deleted") return;
      const owner = controllerOf(object);
      if (type === "added" && owner?.kind === "ReplicaSet") this.#count(owner.uid, pods.list());
      if (owner?.kind === "Job" && object.status?.phase === "Succeeded") {
        const known = this.#succeeded.get(owner.uid) ?? new Set();
        this.#succeeded.set(owner.uid, known.add(object.metadata.uid ?? ""));
      }
      if (owner?.kind !== "StatefulSet") return;
      if (type === "added")
        this.#checkOrder(object, sets.get({ namespace: object.metadata.namespace, name: owner.name }));
      if (isPodReady(object)) this.#everReady.add(object.metadata.name ?? "");
    });
    const jobs = informers.informer(job);
    const cronJobs = informers.informer(cronJob);
    jobs.onChange(({ type, object }) => {
      if (type === "added") this.#checkConcurrency(object, jobs.list(), cronJobs.list());
    });
    deployments.onChange(({ object }) => {
      const key = keyText(keyOf(object));
      this.#mostReplicas.set(key, Math.max(this.#mostReplicas.get(key) ?? 0, object.spec.replicas ?? 1));
    });
  }

  /** Ends the watching. */
  readonly close: () => Promise<void>;

  /**
   * A roll-out may be over between two looks: whatever its sets are told is summed up. That is how Kubernetes means it: pods of an
   * old set may still be about to go when those of the new one come.
   */
  #checkSurge(one: ReplicaSet, sets: readonly ReplicaSet[], deployments: readonly Deployment[]): void {
    const uid = controllerOf(one)?.uid;
    const owner = deployments.find(({ metadata }) => metadata.uid === uid);
    if (!owner) return;
    const own = sets.filter((set) => controllerOf(set)?.uid === uid);
    const wanted = own.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
    const most = (this.#mostReplicas.get(keyText(keyOf(owner))) ?? 0) + surgeOf(owner);
    if (wanted > most) this.#broken.push(`${owner.metadata.name} wants ${wanted} pods, of ${most} at most`);
  }

  /** Every pod that comes is counted. */
  #count(uid: string, pods: readonly Pod[]): void {
    const active = pods.filter((one) => controllerOf(one)?.uid === uid && isPodActive(one)).length;
    this.#cameTo.set(uid, Math.max(this.#cameTo.get(uid) ?? 0, active));
  }

  /** A pod of an ordered set comes only after those before it were ready. */
  #checkOrder({ metadata: { name = "" } }: Pod, set: StatefulSet | undefined): void {
    if (!set || set.spec.podManagementPolicy === "Parallel") return;
    const cut = name.lastIndexOf("-");
    for (let ordinal = 0; ordinal < Number(name.slice(cut + 1)); ordinal++) {
      const before = `${name.slice(0, cut)}-${ordinal}`;
      if (!this.#everReady.has(before)) this.#broken.push(`${name} was created before ${before} was ready`);
    }
  }

  /** A run comes only where the policy lets it. */
  #checkConcurrency(one: Job, jobs: readonly Job[], cronJobs: readonly CronJob[]): void {
    const owner = controllerOf(one);
    const cron = cronJobs.find(({ metadata }) => metadata.uid === owner?.uid);
    if (!cron || cron.spec.concurrencyPolicy === "Allow") return;
    const active = jobs.filter(
      (other) => controllerOf(other)?.uid === owner?.uid && !other.metadata.deletionTimestamp && !isEnded(other),
    );
    if (active.length > 1)
      this.#broken.push(
        `${owner?.name} (${cron.spec.concurrencyPolicy}) runs ${active.map(({ metadata }) => metadata.name)}`,
      );
  }

  /** What must be true at any time, whatever goes wrong. */
  async always(): Promise<void> {
    const { client } = this.#cluster;
    const [pods, nodes, deployments, sets, jobs, autoscalers] = await Promise.all([
      client.list(pod).then(({ items }) => items),
      client.list(node).then(({ items }) => items),
      client.list(deployment).then(({ items }) => items),
      client.list(replicaSet).then(({ items }) => items),
      client.list(job).then(({ items }) => items),
      client.list(horizontalPodAutoscaler).then(({ items }) => items),
    ]);
    const broken = [...this.#broken];
    for (const { metadata, status } of nodes) {
      const room = resourceAmounts(status?.allocatable);
      const there = pods.filter((one) => one.spec.nodeName === metadata.name && !isPodTerminal(one));
      const used = there.reduce((sum, one) => sum + podRequests(one).milliCpu, 0);
      if (used > room.milliCpu) broken.push(`${metadata.name} is to give ${used} of ${room.milliCpu} thousandths`);
    }
    for (const one of deployments) {
      const own = sets.filter((set) => controllerOf(set)?.uid === one.metadata.uid);
      const uids = new Set(own.map(({ metadata }) => metadata.uid));
      const active = pods.filter((each) => uids.has(controllerOf(each)?.uid ?? "") && isPodActive(each)).length;
      const wanted = own.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
      const most = this.#mostPods(one, Math.max(active, wanted));
      if (active > most) broken.push(`${one.metadata.name} has ${active} pods, of ${most} at most`);
    }
    for (const { metadata, spec } of sets) {
      // Its pods may have been heard of before what it was told.
      const [told, came] = [this.#mostOfSet, this.#cameTo].map((map) => map.get(metadata.uid ?? "") ?? 0);
      const most = Math.max(told ?? 0, spec.replicas ?? 1);
      if (came !== undefined && came > most) broken.push(`${metadata.name} came to ${came} pods, of ${most} at most`);
    }
    for (const { metadata, spec, status } of jobs) {
      const succeeded = status?.succeeded ?? 0;
      if (succeeded > (spec.completions ?? 1))
        broken.push(`${metadata.name} counts ${succeeded} of ${spec.completions}`);
    }
    for (const { metadata, spec } of autoscalers) {
      const { replicas = 1 } = deployments.find((one) => one.metadata.name === metadata.name)?.spec ?? {};
      if (replicas < (spec.minReplicas ?? 1) || replicas > spec.maxReplicas)
        broken.push(`${metadata.name} is scaled to ${replicas}, of ${spec.minReplicas} to ${spec.maxReplicas}`);
    }
    expect(broken).toEqual([]);
  }

  /** Most pods that a deployment may have: fewer after it was made smaller, once that had time to be heard of. */
  #mostPods(one: Deployment, present: number): number {
    const key = keyText(keyOf(one));
    const { replicas = 1 } = one.spec;
    const now = this.#cluster.clock.monotonic();
    const since = present <= replicas + surgeOf(one) ? (this.#withinSince.get(key) ?? now) : undefined;
    if (since === undefined) this.#withinSince.delete(key);
    else this.#withinSince.set(key, since);
    if (since !== undefined && now - since > heardOfMs) this.#mostReplicas.set(key, replicas);
    return (this.#mostReplicas.get(key) ?? replicas) + surgeOf(one);
  }

  /** What is not yet as it must be when nothing has gone wrong for a while. */
  async unfinished(): Promise<readonly string[]> {
    const { client } = this.#cluster;
    const broken: string[] = [];
    for (const { metadata, spec, status } of (await client.list(deployment)).items) {
      const counts = [status?.replicas ?? 0, status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0];
      if (counts.some((count) => count !== spec.replicas))
        broken.push(`${metadata.name} has ${counts} pods, ready and updated ones of ${spec.replicas}`);
    }
    for (const { metadata, spec, status } of (await client.list(statefulSet)).items) {
      const counts = [status?.replicas ?? 0, status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0];
      if (counts.some((count) => count !== spec.replicas))
        broken.push(`${metadata.name} has ${counts} pods, ready and updated ones of ${spec.replicas}`);
    }
    const nodes = (await client.list(node)).items.length;
    for (const { metadata, status } of (await client.list(daemonSet)).items) {
      const counts = [status?.desiredNumberScheduled, status?.numberReady, status?.updatedNumberScheduled];
      if (counts.some((count) => count !== nodes)) broken.push(`${metadata.name} has ${counts} pods on ${nodes} nodes`);
    }
    for (const { metadata, spec, status } of (await client.list(job)).items) {
      const isComplete = findCondition(status?.conditions, "Complete")?.status === "True";
      const isFailed = findCondition(status?.conditions, "Failed")?.status === "True";
      const seen = this.#succeeded.get(metadata.uid ?? "")?.size ?? 0;
      const succeeded = status?.succeeded ?? 0;
      if (!isComplete && !isFailed) broken.push(`${metadata.name} goes on: ${JSON.stringify(status)}`);
      if (isComplete && succeeded !== spec.completions) broken.push(`${metadata.name} is complete with ${succeeded}`);
      if (succeeded > seen) broken.push(`${metadata.name} counts ${succeeded} successes of ${seen}`);
      if (status?.uncountedTerminatedPods?.succeeded?.length || status?.uncountedTerminatedPods?.failed?.length)
        broken.push(`${metadata.name} has not counted all`);
    }
    broken.push(...(await this.#unfinishedRuns()), ...(await this.#unfinishedClaims()));
    broken.push(...(await this.#wrongCounts()), ...(await this.#wrongEndpoints()));
    for (const object of await everything(this.#cluster))
      if (object.metadata.deletionTimestamp) broken.push(`${object.kind} ${keyText(keyOf(object))} is still going`);
    return broken;
  }

  /** Cron jobs that keep more than they are to keep. */
  async #unfinishedRuns(): Promise<readonly string[]> {
    const { client } = this.#cluster;
    const jobs = (await client.list(job)).items;
    return (await client.list(cronJob)).items.flatMap(({ metadata, spec, status }) => {
      const own = jobs.filter((one) => controllerOf(one)?.uid === metadata.uid);
      const kept = (type: string) =>
        own.filter((one) => findCondition(one.status?.conditions, type)?.status === "True").length;
      const [complete, failed] = [kept("Complete"), kept("Failed")];
      const isTooMuch =
        complete > (spec.successfulJobsHistoryLimit ?? 3) || failed > (spec.failedJobsHistoryLimit ?? 1);
      const active = status?.active?.length ?? 0;
      return isTooMuch || active > 0
        ? [`${metadata.name} keeps ${complete} and ${failed} jobs, and ${active} run`]
        : [];
    });
  }

  /** Quotas that count other than what there is. */
  async #wrongCounts(): Promise<readonly string[]> {
    const { client } = this.#cluster;
    const [pods, jobs, claims] = [
      (await client.list(pod)).items.filter((one) => !isPodTerminal(one)),
      (await client.list(job)).items,
      (await client.list(persistentVolumeClaim)).items,
    ];
    const present = {
      pods: pods.length,
      "requests.cpu": pods.reduce((sum, one) => sum + podRequests(one).milliCpu, 0) / 1000,
      persistentvolumeclaims: claims.length,
      "count/jobs.batch": jobs.length,
    };
    return (await client.list(resourceQuota)).items.flatMap(({ metadata, status }) =>
      Object.entries(present)
        .map(([name, amount]) => [name, amount, milliCpu(status?.used?.[name]) / 1000] as const)
        .filter(([, amount, used]) => amount !== used)
        .map(([name, amount, used]) => `quota ${metadata.name} counts ${used} ${name} of ${amount}`),
    );
  }

  /** Services whose endpoints are not the pods that are ready. */
  async #wrongEndpoints(): Promise<readonly string[]> {
    const { client } = this.#cluster;
    const [pods, slices, all] = [
      (await client.list(pod)).items,
      (await client.list(endpointSlice)).items,
      (await client.list(endpoints)).items,
    ];
    return (await client.list(service, { namespace: "default" })).items.flatMap(({ metadata, spec }) => {
      const { app } = spec?.selector ?? {};
      if (app === undefined) return [];
      const ready = pods.filter((one) => one.metadata.labels?.["app"] === app && isPodReady(one));
      const wanted = ready.map(({ status }) => status?.podIP ?? "").sort();
      const ofSlices = slices
        .filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name)
        .flatMap((slice) => slice.endpoints.filter(({ conditions }) => conditions?.ready !== false))
        .flatMap(({ addresses }) => addresses);
      const one = all.find((each) => each.metadata.name === metadata.name);
      const ofEndpoints = (one?.subsets ?? []).flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
      return [ofSlices, ofEndpoints]
        .map((list) => list.sort())
        .filter((list) => list.join() !== wanted.join())
        .map((list) => `${metadata.name} leads to ${list}, and ${wanted} are ready`);
    });
  }

  /** Claims that nothing was found for. */
  async #unfinishedClaims(): Promise<readonly string[]> {
    const { items } = await this.#cluster.client.list(persistentVolumeClaim);
    const unbound = items.filter(({ status }) => status?.phase !== "Bound");
    return unbound.map(({ metadata, status }) => `${metadata.name} is ${status?.phase}`);
  }
}

function isEnded({ status }: Job): boolean {
  return ["Complete", "Failed"].some((type) => findCondition(status?.conditions, type)?.status === "True");
}

function surgeOf({ spec }: Deployment): number {
  return Number(spec.strategy?.rollingUpdate?.maxSurge ?? 0);
}

/** Every object but those that come and go all the time. */
export async function everything({ client }: SimulatedCluster): Promise<readonly KubeObject[]> {
  const lists = await Promise.all(
    storedKinds
      .filter(({ kind }) => kind !== "Event" && kind !== "Lease")
      .map(async (kind) => {
        const { items } = await client.list(kind);
        return items.map((item) => ({ ...item, apiVersion: apiVersionOf(kind), kind: kind.kind }));
      }),
  );
  return lists.flat();
}
