import { describe, expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import {
  type EndpointSlice,
  endpointSlice,
  endpoints,
  event,
  type Pod,
  pod,
  resourceQuota,
  service,
} from "../../../core/kinds/mod.ts";
import { planEndpointSlices } from "../../../master_daemon/controllers/_plan_endpoint_slices.ts";
import { TriggerTimes, withTriggerTime } from "../../../master_daemon/controllers/_trigger_times.ts";
import { endpointSliceController } from "../../../master_daemon/controllers/endpoint_slices.ts";
import { endpointsController, planEndpoints } from "../../../master_daemon/controllers/endpoints.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { openCluster } from "./_cluster.ts";
import { aPod, aService, at, template } from "./fixtures.ts";

const reference = (name: string) => ({ kind: "Pod", namespace: "default", name, uid: `uid-${name}` });
const ready = (name: string, podIP: string, rest: Parameters<typeof aPod>[1] = {}) =>
  aPod(name, { readySince: 0, podIP, ...rest });
const http = (port: number): Partial<Pod["spec"]> => ({
  containers: [{ name: "app", ports: [{ name: "http", containerPort: port }] }],
});

describe("planEndpoints()", () => {
  it("puts ready and other pods into one subset", () => {
    const pods = [ready("a", "10.1.0.1"), aPod("b", { podIP: "10.1.0.2", phase: "Running" })];
    expect(planEndpoints(aService({}, { labels: { tier: "front" } }), pods, undefined)).toEqual({
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: {
        name: "web",
        namespace: "default",
        labels: { tier: "front", "endpoints.kubernetes.io/managed-by": "endpoint-controller" },
      },
      subsets: [
        {
          addresses: [{ ip: "10.1.0.1", nodeName: "node-1", targetRef: reference("a") }],
          notReadyAddresses: [{ ip: "10.1.0.2", nodeName: "node-1", targetRef: reference("b") }],
          ports: [{ port: 8080, protocol: "TCP" }],
        },
      ],
    });
  });

  it("leaves pods out that are ending, unless the service publishes what is not ready", () => {
    const ending = ready("a", "10.1.0.1", { metadata: { deletionTimestamp: at(0) } });
    expect(planEndpoints(aService(), [ending], undefined).subsets).toEqual([]);
    const published = planEndpoints(aService({ publishNotReadyAddresses: true }), [ending], undefined);
    expect(published.subsets?.[0]?.addresses).toHaveLength(1);
  });

  it("makes a subset for each number that a named port has, and skips pods without it", () => {
    const service = aService({ ports: [{ name: "http", port: 80, targetPort: "http" }] });
    const pods = [
      ready("a", "10.1.0.1", { spec: http(8080) }),
      ready("b", "10.1.0.2", { spec: http(9090) }),
      ready("c", "10.1.0.3"),
    ];
    const { subsets } = planEndpoints(service, pods, undefined);
    expect(subsets?.map(({ ports, addresses }) => [ports?.[0]?.port, addresses?.map(({ ip }) => ip)])).toEqual([
      [8080, ["10.1.0.1"]],
      [9090, ["10.1.0.2"]],
    ]);
  });

  it("labels headless services, works without ports and tells host names", () => {
    const service = aService({ clusterIP: "None", ports: [] });
    const pods = [ready("a", "10.1.0.1", { spec: { hostname: "zero", subdomain: "web" } })];
    const planned = planEndpoints(service, pods, undefined);
    expect(planned.metadata.labels).toHaveProperty(["service.kubernetes.io/headless"], "");
    expect(planned.subsets).toEqual([
      { addresses: [{ ip: "10.1.0.1", hostname: "zero", nodeName: "node-1", targetRef: reference("a") }] },
    ]);
  });

  it("cuts at 1000 addresses and says so", () => {
    const pods = Array.from({ length: 1001 }, (_, at) => ready(`p${at}`, `10.1.${at >> 8}.${at & 255}`));
    const planned = planEndpoints(aService(), pods, undefined);
    expect(planned.subsets?.[0]?.addresses).toHaveLength(1000);
    expect(planned.metadata.annotations).toEqual({ "endpoints.kubernetes.io/over-capacity": "truncated" });
  });
});

describe("planEndpointSlices()", () => {
  const plan = (pods: readonly Pod[], slices: readonly EndpointSlice[] = [], service = aService()) =>
    planEndpointSlices({ service, pods, slices, zoneOf: (name) => (name === "node-1" ? "z1" : undefined) });
  const many = (count: number) => Array.from({ length: count }, (_, at) => ready(`p${at}`, `10.1.0.${at}`));
  /** Slices as the API would hold them after a plan. */
  const stored = ({ create }: ReturnType<typeof plan>, from = 0) =>
    create.map((slice, at): EndpointSlice => ({ ...slice, metadata: { ...slice.metadata, name: `web-${from + at}` } }));

  it("writes one slice with conditions, zone and labels", () => {
    const ending = ready("b", "10.1.0.2", { metadata: { deletionTimestamp: at(0) }, nodeName: "node-2" });
    expect(plan([ready("a", "10.1.0.1"), ending]).create).toEqual([
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          generateName: "web-",
          namespace: "default",
          labels: {
            "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          },
          ownerReferences: [
            { apiVersion: "v1", kind: "Service", name: "web", uid: "s1", controller: true, blockOwnerDeletion: true },
          ],
        },
        addressType: "IPv4",
        endpoints: [
          {
            addresses: ["10.1.0.1"],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: "node-1",
            zone: "z1",
            targetRef: reference("a"),
          },
          {
            addresses: ["10.1.0.2"],
            conditions: { ready: false, serving: true, terminating: true },
            nodeName: "node-2",
            targetRef: reference("b"),
          },
        ],
        ports: [{ name: "", port: 8080, protocol: "TCP" }],
      },
    ]);
  });

  it("keeps an empty slice, when no pod is there", () => {
    const first = plan([]);
    expect(first.create).toMatchObject([{ endpoints: [], ports: [] }]);
    expect(plan([], stored(first))).toEqual({ create: [], update: [], remove: [] });
    const filled = stored(plan([ready("a", "10.1.0.1")]));
    expect(plan([], filled)).toMatchObject({ create: [], update: [{ endpoints: [] }], remove: [] });
  });

  it("puts at most 100 endpoints into a slice", () => {
    expect(plan(many(250)).create.map(({ endpoints }) => endpoints.length)).toEqual([100, 100, 50]);
  });

  it("changes only the slice that is concerned, and fills the gaps first", () => {
    const pods = many(150);
    const slices = stored(plan(pods));
    expect(plan(pods, slices)).toEqual({ create: [], update: [], remove: [] });
    const others = pods.filter(({ metadata }) => metadata.name !== "p3");
    const swapped = plan([...others, ready("new", "10.1.1.1")], slices);
    expect(swapped.update.map(({ metadata, endpoints }) => [metadata.name, endpoints.length])).toEqual([
      ["web-0", 100],
    ]);
    expect([...swapped.create, ...swapped.remove]).toEqual([]);
  });

  it("separates pods whose named port has another number", () => {
    const service = aService({ ports: [{ name: "http", port: 80, targetPort: "http" }] });
    const pods = [ready("a", "10.1.0.1", { spec: http(8080) }), ready("b", "10.1.0.2", { spec: http(9090) })];
    expect(plan(pods, [], service).create.map(({ ports }) => ports)).toEqual([
      [{ name: "http", port: 8080, protocol: "TCP" }],
      [{ name: "http", port: 9090, protocol: "TCP" }],
    ]);
  });
});

describe("planEndpointSlices() for traffic that is to stay near", () => {
  it.each<[string | undefined, object | undefined]>([
    ["PreferClose", { forZones: [{ name: "z1" }] }],
    ["PreferSameZone", { forZones: [{ name: "z1" }] }],
    ["PreferSameNode", { forZones: [{ name: "z1" }], forNodes: [{ name: "node-1" }] }],
    [undefined, undefined],
  ])("%s says whom a ready endpoint is meant for", (trafficDistribution, hints) => {
    const service = aService(trafficDistribution === undefined ? {} : { trafficDistribution });
    const pods = [ready("a", "10.1.0.1"), aPod("b", { podIP: "10.1.0.2", phase: "Running" })];
    const { create } = planEndpointSlices({ service, pods, slices: [], zoneOf: () => "z1" });
    expect(create[0]?.endpoints.map((one) => one.hints)).toEqual([hints, undefined]);
  });

  it("says nothing where the zone is not known", () => {
    const service = aService({ trafficDistribution: "PreferClose" });
    const { create } = planEndpointSlices({
      service,
      pods: [ready("a", "10.1.0.1")],
      slices: [],
      zoneOf: () => undefined,
    });
    expect(create[0]?.endpoints[0]).not.toHaveProperty("hints");
  });
});

describe("TriggerTimes", () => {
  const owner = aService({}, { creationTimestamp: at(0) });
  const key = { namespace: "default", name: "web" };

  it("tell since when what a service's endpoints rest on has been as it is", () => {
    const times = new TriggerTimes();
    const look = (pods: readonly Pod[]) => times.changedAt(key, owner, pods);
    const [a, b] = [ready("a", "10.1.0.1", { readySince: 5000 }), ready("b", "10.1.0.2", { readySince: 7000 })];
    // At first only the service is news.
    expect(look([a])).toBe(at(0));
    expect(look([a])).toBeUndefined();
    const later = ready("a", "10.1.0.1", { readySince: 9000 });
    expect(look([later, b])).toBe(at(7000));
    expect(look([later])).toBeUndefined();
    times.forget(key);
    expect(look([later])).toBe(at(0));
  });

  it("stand in what is written for them, and go with the next write", () => {
    const name = "endpoints.kubernetes.io/last-change-trigger-time";
    const written = withTriggerTime(aService({}, { annotations: { team: "a" } }), at(1000));
    expect(written.metadata.annotations).toEqual({ team: "a", [name]: at(1000) });
    expect(withTriggerTime(written, undefined).metadata.annotations).toEqual({ team: "a" });
    expect(withTriggerTime(withTriggerTime(aService(), at(0)), undefined)).toEqual(aService());
  });
});

describe("the controllers of endpoints", () => {
  it("say in events what they may not write", async () => {
    const { client, clock, informers, log, parts, random, until } = await openCluster();
    const hard = { "count/endpoints": "0", "count/endpointslices.discovery.k8s.io": "0" };
    const metadata = { namespace: "default", name: "none" };
    await client.create(resourceQuota, { apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard } });
    await until(async () => (await client.get(resourceQuota, metadata)).status?.used);
    const running = [endpointsController(), endpointSliceController()];
    parts.use(runControllers(running, { client, clock, informers, log, random }));
    const { spec } = aService({ clusterIP: "None" });
    const web = { namespace: "default", name: "web" };
    await client.create(service, { apiVersion: "v1", kind: "Service", metadata: web, ...(spec ? { spec } : {}) });
    const told = async () => {
      const { items } = await client.list(event, { namespace: "default" });
      return items.map(({ type, reason, message, involvedObject }) => {
        return `${type} ${involvedObject.kind} ${reason}: ${message?.replace(/: \S* ?"?web.*$/, ": …")}`;
      });
    };
    const wanted = [
      "Warning Endpoints FailedToCreateEndpoint: Failed to create endpoint for service default/web: …",
      "Warning Service FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service default/web: …",
    ];
    await until(async () => (await told()).length >= 2);
    expect((await told()).sort()).toEqual(wanted);
  });

  it("say what the last change is as old as, and write nothing for that alone", async () => {
    const cluster = await openCluster();
    const { client, clock, informers, log, parts, random, until } = cluster;
    const running = [endpointsController(), endpointSliceController()];
    parts.use(runControllers(running, { client, clock, informers, log, random }));
    await cluster.addNode("node-1");
    const { spec } = aService({ clusterIP: "None" });
    const web = { namespace: "default", name: "web" };
    await client.create(service, { apiVersion: "v1", kind: "Service", metadata: web, ...(spec ? { spec } : {}) });
    const written = async () => {
      const [slice] = (await client.list(endpointSlice, { namespace: "default" })).items;
      const older = (await client.list(endpoints, { namespace: "default" })).items[0];
      const isThere = slice?.endpoints.length === 1 && older?.subsets?.[0]?.addresses?.length === 1;
      return isThere && [slice, older];
    };
    await until(async () => (await client.list(endpointSlice, { namespace: "default" })).items.length === 1);
    await clock.advance(60_000);
    const metadata = { namespace: "default", name: "a", labels: { app: "web" } };
    await client.create(pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { ...template().spec, nodeName: "node-1" },
    });
    const held = await until(written);
    const name = "endpoints.kubernetes.io/last-change-trigger-time";
    const readyAt = findCondition((await client.get(pod, metadata)).status?.conditions, "Ready")?.lastTransitionTime;
    expect(held.map((one) => one.metadata.annotations?.[name])).toEqual([readyAt, readyAt]);
    await client.patch(pod, metadata, { type: "merge", body: { metadata: { labels: { more: "1" } } } });
    await client.patch(service, web, { type: "merge", body: { metadata: { annotations: { more: "1" } } } });
    await until(async () => informers.informer(service).get(web)?.metadata.annotations?.["more"]);
    await clock.advance(1000);
    const after = await until(written);
    expect(after.map((one) => one.metadata.resourceVersion)).toEqual(held.map((one) => one.metadata.resourceVersion));
  });
});
