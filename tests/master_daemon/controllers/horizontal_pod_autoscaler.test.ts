import { describe, expect, it, onTestFinished } from "vitest";
import { parseLabelSelector } from "../../../core/api/labels.ts";
import { findCondition } from "../../../core/api/meta.ts";
import { createClient } from "../../../core/client/create_client.ts";
import type { ApiResponse, Transport } from "../../../core/client/transport.ts";
import { customResourceDefinition } from "../../../core/kinds/custom_resource_definition.ts";
import type { MetricSpec } from "../../../core/kinds/horizontal_pod_autoscaler.ts";
import {
  deployment,
  event,
  type HorizontalPodAutoscaler,
  horizontalPodAutoscaler,
  node,
  type Pod,
  pod,
} from "../../../core/kinds/mod.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import type { NodeConnector } from "../../../master_daemon/apiserver/node_connector.ts";
import { observe } from "../../../master_daemon/controllers/_autoscaler_metrics.ts";
import { controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { startMaster } from "../../../master_daemon/master.ts";
import { runScheduler } from "../../../master_daemon/scheduler/mod.ts";
import { patienceMs } from "../../patience.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";
import { aDeployment, aNode, aPod, at } from "./fixtures.ts";

const key = { namespace: "default", name: "web" };
const periodMs = 15_000;

/** Nobody tells that the nodes live. */
const patient = { nodeMonitorGracePeriodMs: 1e9, nodeStartupGracePeriodMs: 1e9 };

/** Node daemons that tell of every pod that it uses so much. */
class Usage implements NodeConnector {
  milliCpu = 0;
  readonly pods = new Map<string, string>();

  readonly #clock: { now(): number };

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  async request(): Promise<ApiResponse> {
    const time = `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
    const used = (milli: number) => ({
      cpu: { time, usageNanoCores: milli * 1_000_000 },
      memory: { time, workingSetBytes: 1 << 20 },
    });
    const pods = [...this.pods].map(([uid]) => ({
      podRef: { uid },
      containers: [{ name: "app", ...used(this.milliCpu) }],
    }));
    const body = new TextEncoder().encode(JSON.stringify({ node: used(0), pods }));
    return { status: 200, headers: { "x-wherry-cpu-window-seconds": "10" }, body };
  }

  upgrade(): Promise<never> {
    return Promise.reject(new Error("not asked for"));
  }
}

function anAutoscaler(spec: Partial<HorizontalPodAutoscaler["spec"]> = {}, name = "web"): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { namespace: "default", name },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 8,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
      ],
      ...spec,
    },
  };
}

/** A Deployment whose pods ask for 100 thousandths of a processor. */
function aWorkload(replicas = 1) {
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "app", image: "app:1", resources: { requests: { cpu: "100m" } } }] },
  };
  return aDeployment({ replicas, template }, { metadata: { name: "web", namespace: "default" } });
}

interface World extends TestCluster {
  readonly usage: Usage;
  autoscaler(name?: string): Promise<HorizontalPodAutoscaler>;
  /** Moves the clock by one look at the autoscalers, and lets everything that follows happen. */
  look(): Promise<void>;
}

async function openWorld(): Promise<World> {
  let usage: Usage | undefined;
  const nodes: NodeConnector = {
    request: () => usage?.request() ?? Promise.reject(new Error("not yet")),
    upgrade: () => Promise.reject(new Error("not asked for")),
  };
  const cluster = await openCluster({ nodes });
  const { client, clock, informers, log, parts, random } = cluster;
  usage = new Usage(clock);
  parts.defer(
    informers.informer(pod).onChange(({ type, object }) => {
      if (type === "deleted") usage.pods.delete(object.metadata.uid ?? "");
      else usage.pods.set(object.metadata.uid ?? "", object.metadata.name ?? "");
    }),
  );
  const options = { horizontalPodAutoscalerCpuInitializationPeriodMs: 0, ...patient };
  parts.use(runControllers(controllers(options), { client, clock, informers, log, random }));
  parts.use(runScheduler({ client, clock, informers, log, random }));
  await cluster.addNode("node-1");
  return {
    ...cluster,
    usage,
    autoscaler: (name = "web") => client.get(horizontalPodAutoscaler, { namespace: "default", name }),
    async look() {
      await clock.advance(periodMs);
      for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const readyPods = async ({ all }: World) =>
  (await all(pod)).filter(({ status }) =>
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
  );

describe("HorizontalPodAutoscaler controller", () => {
  it("adds pods under load, keeps them for five minutes without, then removes them", async () => {
    const world = await openWorld();
    const { client, until, usage, autoscaler } = world;
    await client.create(deployment, aWorkload());
    await until(async () => (await readyPods(world)).length === 1);
    usage.milliCpu = 90;
    await client.create(horizontalPodAutoscaler, anAutoscaler());
    await until(async () => (await readyPods(world)).length === 2, { stepMs: 1000 });
    const grown = await until(async () => (await autoscaler()).status?.desiredReplicas === 2 && autoscaler());
    expect(grown.status).toMatchObject({
      currentMetrics: [
        { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 90, averageValue: "90m" } } },
      ],
      lastScaleTime: expect.any(String),
    });
    expect(findCondition(grown.status?.conditions, "AbleToScale")?.reason).toBe("SucceededRescale");
    const events = await until(
      async () => (await client.list(event)).items.filter(({ reason }) => reason === "SuccessfulRescale")[0],
    );
    expect(events.message).toBe("New size: 2; reason: cpu resource utilization (percentage of request) above target");

    usage.milliCpu = 0;
    for (let looks = 0; looks < 10; looks++) await world.look();
    expect((await client.get(deployment, key)).spec.replicas).toBe(2);
    expect(findCondition((await autoscaler()).status?.conditions, "AbleToScale")?.reason).toBe("ScaleDownStabilized");
    await until(async () => (await client.get(deployment, key)).spec.replicas === 1, { stepMs: periodMs });
    expect(world.errors).toEqual([]);
  });

  it("looks once in a period, whatever changes in between", async () => {
    const world = await openWorld();
    const { client, usage, autoscaler } = world;
    await client.create(deployment, aWorkload());
    await world.until(async () => (await readyPods(world)).length === 1);
    usage.milliCpu = 50;
    await client.create(horizontalPodAutoscaler, anAutoscaler());
    await world.look();
    const first = await world.until(
      async () => ((await autoscaler()).status?.currentMetrics ? autoscaler() : undefined),
      {
        stepMs: 100,
      },
    );
    usage.milliCpu = 53;
    await client.patch(horizontalPodAutoscaler, key, { type: "merge", body: { metadata: { labels: { a: "b" } } } });
    await world.clock.advance(periodMs / 2);
    expect((await autoscaler()).status).toEqual(first.status);
    await world.look();
    await world.until(
      async () => (await autoscaler()).status?.currentMetrics?.[0]?.resource?.current.averageUtilization === 53,
    );
  });

  it.each<[string, Partial<HorizontalPodAutoscaler["spec"]>, string, string, string]>([
    [
      "no such object",
      { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "none" } },
      "AbleToScale",
      "FailedGetScale",
      'the HPA controller was unable to get the target\'s current scale: deployments.apps "none" not found',
    ],
    [
      "no such kind",
      { scaleTargetRef: { apiVersion: "nowhere.io/v1", kind: "Nothing", name: "x" } },
      "AbleToScale",
      "FailedGetScale",
      'the HPA controller was unable to get the target\'s current scale: no matches for kind "Nothing" in group "nowhere.io"',
    ],
    [
      "no version",
      { scaleTargetRef: { apiVersion: "a/b/c", kind: "Nothing", name: "x" } },
      "AbleToScale",
      "FailedGetScale",
      "the HPA controller was unable to get the target's current scale: unexpected GroupVersion string: a/b/c",
    ],
    [
      "no API of custom metrics",
      {
        metrics: [
          { type: "Pods", pods: { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "1" } } },
        ],
      },
      "ScalingActive",
      "FailedGetPodsMetric",
      "the HPA was unable to compute the replica count: unable to get metric hits: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered",
    ],
    [
      "no API of external metrics",
      {
        metrics: [{ type: "External", external: { metric: { name: "hits" }, target: { type: "Value", value: "1" } } }],
      },
      "ScalingActive",
      "FailedGetExternalMetric",
      "the HPA was unable to compute the replica count: unable to get external metric default/hits/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get hits.external.metrics.k8s.io)",
    ],
  ])("says in a condition and an event that there is %s", async (_, spec, type, reason, message) => {
    const world = await openWorld();
    const { client, until, autoscaler } = world;
    await client.create(deployment, aWorkload());
    await until(async () => (await readyPods(world)).length === 1);
    await client.create(horizontalPodAutoscaler, anAutoscaler(spec));
    const found = await until(
      async () => findCondition((await autoscaler()).status?.conditions, type)?.status === "False" && autoscaler(),
      { stepMs: 1000 },
    );
    expect(findCondition(found.status?.conditions, type)).toMatchObject({ reason, message });
    const told = await until(async () => (await client.list(event)).items.find((one) => one.reason === reason));
    expect(message.endsWith(told.message ?? "")).toBe(true);
  });

  it("does nothing where two want the same pods", async () => {
    const world = await openWorld();
    const { client, until, usage, autoscaler } = world;
    await client.create(deployment, aWorkload());
    await until(async () => (await readyPods(world)).length === 1);
    usage.milliCpu = 90;
    for (const name of ["a", "b"]) await client.create(horizontalPodAutoscaler, anAutoscaler({ minReplicas: 1 }, name));
    const found = await until(
      async () =>
        findCondition((await autoscaler("b")).status?.conditions, "ScalingActive")?.reason === "AmbiguousSelector" &&
        autoscaler("b"),
      { stepMs: 1000 },
    );
    expect(findCondition(found.status?.conditions, "ScalingActive")?.message).toBe(
      "pods by selector app=web are controlled by multiple HPAs: [default/a default/b]",
    );
  });
});

describe("HorizontalPodAutoscaler of a whole master", () => {
  it("scales custom resources, with the rights of its own account", async () => {
    const clock = new FakeClock();
    const usage = new Usage(clock);
    const common = { clock, random: seededRandom(3), log: silentLogger };
    const master = await startMaster({ ...common, nodes: usage, controllers: patient });
    onTestFinished(() => master[Symbol.asyncDispose]());
    const { client } = master;
    const group = "example.com";
    const things = { group, version: "v1", kind: "Thing", plural: "things", namespaced: true };
    await client.create(customResourceDefinition, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `things.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { plural: "things", kind: "Thing" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
            subresources: {
              status: {},
              scale: {
                specReplicasPath: ".spec.replicas",
                statusReplicasPath: ".status.replicas",
                labelSelectorPath: ".status.selector",
              },
            },
          },
        ],
      },
    } as never);
    const thing = { apiVersion: `${group}/v1`, kind: "Thing", metadata: key, spec: { replicas: 9 } };
    const made = await until(clock, () => client.create(things, thing).catch(() => undefined));
    await client.create(
      horizontalPodAutoscaler,
      anAutoscaler({ scaleTargetRef: { apiVersion: `${group}/v1`, kind: "Thing", name: "web" }, minReplicas: 2 }),
    );
    const sizeOf = async () => ((await client.get(things, key)) as typeof thing).spec.replicas;
    await until(clock, async () => (await sizeOf()) === 8 || undefined);
    const status = { replicas: 8, selector: "app=thing" };
    await client.updateStatus(things, { ...(await client.get(things, key)), status } as typeof made);
    await client.create(node, aNode("n"));
    await client.create(pod, aRunningPod());
    const created = await client.get(pod, { namespace: "default", name: "p" });
    usage.pods.set(created.metadata.uid ?? "", "p");
    await client.updateStatus(pod, { ...created, status: aRunningPod().status ?? {} });
    const smaller = await until(clock, async () => {
      const { status: is } = await client.get(horizontalPodAutoscaler, key);
      return is?.currentMetrics?.[0]?.resource ? is : undefined;
    });
    expect(smaller.currentMetrics).toEqual([
      { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 0, averageValue: "0" } } },
    ]);
    await until(clock, async () => (await sizeOf()) === 2 || undefined);
  });
});

function aRunningPod(): Pod {
  const one = aPod("p", { readySince: 0, nodeName: "n", metadata: { labels: { app: "thing" } } });
  const containers = [{ name: "app", image: "i", resources: { requests: { cpu: "1" } } }];
  const { uid: _, creationTimestamp: __, ...metadata } = one.metadata;
  return { ...one, metadata, spec: { ...one.spec, containers }, status: { ...one.status, startTime: at(0) } };
}

async function until<T>(clock: FakeClock, check: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const result = await check();
    if (result !== undefined) return result;
    await clock.advance(5000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`Still not so: ${check}`);
}

describe("observe()", () => {
  const metric = { name: "hits", selector: { matchLabels: { verb: "GET" } } };
  const time = "2026-01-01T00:00:00Z";
  const value = (name: string, amount: string) => ({
    describedObject: { kind: "Pod", namespace: "default", name },
    metric: { name: "hits" },
    timestamp: time,
    value: amount,
  });
  const group = { kind: "APIGroup", preferredVersion: { version: "v1beta2" }, versions: [{ version: "v1beta2" }] };
  const custom = "/apis/custom.metrics.k8s.io";
  const external = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/hits?labelSelector=verb%3DGET";
  const pods: MetricSpec = { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "1" } } };
  const podsPath = `${custom}/v1beta2/namespaces/default/pods/*/hits?labelSelector=app%3Dweb&metricLabelSelector=verb%3DGET`;
  const objectSpec = (apiVersion: string, kind: string): MetricSpec => ({
    type: "Object",
    object: {
      metric: { name: "hits" },
      describedObject: { apiVersion, kind, name: "web" },
      target: { type: "Value", value: "1" },
    },
  });
  const externalSpec: MetricSpec = { type: "External", external: { metric, target: { type: "Value", value: "1" } } };

  it.each<[string, MetricSpec, Record<string, object>, object]>([
    [
      "of pods",
      pods,
      { [custom]: group, [podsPath]: { items: [{ ...value("a", "1500m"), windowSeconds: 30 }, value("b", "2")] } },
      {
        samples: new Map([
          ["a", { milli: 1500, atMs: Date.parse(time), windowMs: 30_000 }],
          ["b", { milli: 2000, atMs: Date.parse(time), windowMs: 60_000 }],
        ]),
      },
    ],
    [
      "of pods, by the older version",
      pods,
      {
        [custom]: { preferredVersion: { version: "v9" }, versions: [{ version: "v9" }, { version: "v1beta1" }] },
        [podsPath.replace("v1beta2", "v1beta1")]: { items: [{ ...value("a", "1"), window: 20 }] },
      },
      { samples: new Map([["a", { milli: 1000, atMs: Date.parse(time), windowMs: 20_000 }]]) },
    ],
    [
      "of an object",
      objectSpec("apps/v1", "Deployment"),
      {
        [custom]: group,
        [`${custom}/v1beta2/namespaces/default/deployments.apps/web/hits`]: { items: [value("web", "7")] },
      },
      { milli: 7000 },
    ],
    [
      "of the namespace",
      objectSpec("v1", "Namespace"),
      { [custom]: group, [`${custom}/v1beta2/namespaces/default/metrics/hits`]: { items: [value("default", "7")] } },
      { milli: 7000 },
    ],
    [
      "of an object, of which there is more than one",
      objectSpec("v1", "Service"),
      {
        [custom]: group,
        [`${custom}/v1beta2/namespaces/default/services/web/hits`]: { items: [value("web", "7"), value("web", "8")] },
      },
      {
        failure:
          "unable to fetch metrics from custom metrics API: the custom metrics API server returned 2 results when we asked for exactly one",
      },
    ],
    [
      "from outside: the sum",
      externalSpec,
      { [external]: { items: [value("x", "1"), value("y", "2500m")] } },
      { milli: 3500 },
    ],
    [
      "from outside: none",
      externalSpec,
      { [external]: { items: [] } },
      { failure: "no metrics returned from external metrics API" },
    ],
    [
      "in a version that nobody knows",
      pods,
      { [custom]: { preferredVersion: { version: "v9" }, versions: [] } },
      { failure: "unable to fetch metrics from custom metrics API: no known available metric versions found" },
    ],
    [
      "that is no quantity",
      externalSpec,
      { [external]: { items: [value("x", "much")] } },
      { failure: expect.stringContaining("quantit") },
    ],
    [
      "that is no list",
      externalSpec,
      { [external]: { items: { __proto__: 1 } } },
      { failure: "no metrics returned from external metrics API" },
    ],
  ])("reads metrics %s", async (_, spec, answers, expected) => {
    const transport: Transport = {
      async request({ path }) {
        const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
        const body = new TextEncoder().encode(JSON.stringify(answer ?? { unknown: path }));
        return { status: answer ? 200 : 404, headers: {}, body };
      },
      upgrade: () => Promise.reject(new Error("not asked for")),
      [Symbol.asyncDispose]: async () => {},
    };
    const { signal } = new AbortController();
    const client = createClient(transport, { clock: new FakeClock() });
    const selector = parseLabelSelector("app=web");
    expect(await observe(spec, { client, namespace: "default", selector, signal })).toEqual(expected);
  });
});
