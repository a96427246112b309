import { describe, expect, it } from "vitest";
import { type EndpointSlice, endpointSlice, event, node, pod, type Service, service } from "../../../core/kinds/mod.ts";
import { planEndpointSlices } from "../../../master_daemon/controllers/_plan_endpoint_slices.ts";
import { ZoneCapacity, type ZoneShares } from "../../../master_daemon/controllers/_zone_capacity.ts";
import { endpointSliceController } from "../../../master_daemon/controllers/endpoint_slices.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { openCluster } from "./_cluster.ts";
import { aNode, aPod, aService } from "./fixtures.ts";

const auto = { annotations: { "service.kubernetes.io/topology-mode": "Auto" } };
const zoneLabel = "topology.kubernetes.io/zone";

/** One pod for each zone that is named, ready unless it is marked. */
const podsIn = (zones: readonly string[]) =>
  zones.map((zone, at) =>
    aPod(`p${at}`, {
      ...(zone.endsWith("?") ? { phase: "Running" } : { readySince: 0 }),
      podIP: `10.1.0.${at}`,
      nodeName: zone,
    }),
  );

function plan(
  zones: readonly string[],
  {
    shares = new Map([
      ["a", 0.5],
      ["b", 0.5],
    ]),
    slices = [],
    owner = aService({}, auto),
  }: { shares?: ZoneShares | undefined; slices?: readonly EndpointSlice[]; owner?: Service } = {},
) {
  return planEndpointSlices({
    service: owner,
    pods: podsIn(zones),
    slices,
    zoneOf: (name) => name.replace("?", "") || undefined,
    shares,
  });
}

const hintsOf = (slices: readonly EndpointSlice[]) =>
  slices.flatMap(({ endpoints }) => endpoints.map(({ hints }) => hints?.forZones?.map(({ name }) => name).join()));
/** A slice as the API would hold it. */
const stored = (slices: readonly EndpointSlice[]) =>
  slices.map((slice, at): EndpointSlice => ({ ...slice, metadata: { ...slice.metadata, name: `web-${at}` } }));

describe("planEndpointSlices() of a topology-aware service", () => {
  const even: ZoneShares = new Map([
    ["a", 0.5],
    ["b", 0.5],
  ]);
  const uneven: ZoneShares = new Map([
    ["a", 0.75],
    ["b", 0.25],
  ]);

  it.each<[string, readonly string[], ZoneShares, readonly (string | undefined)[]]>([
    ["each its own zone, where that is fair", ["a", "b"], even, ["a", "b"]],
    ["another zone that has too few", ["a", "a", "a", "b"], even, ["b", "a", "a", "b"]],
    ["the zones as they are weighed", ["a", "a", "b", "b"], uneven, ["a", "a", "a", "b"]],
    ["a zone that has none", ["a", "a", "a", "a"], even, ["b", "b", "a", "a"]],
    ["nobody, while it is not ready", ["a", "b", "b?"], even, ["a", "b", undefined]],
  ])("gives endpoints to %s", (_, zones, shares, wanted) => {
    const { create, refusal } = plan(zones, { shares });
    expect([hintsOf(create), refusal]).toEqual([wanted, undefined]);
  });

  it.each<[string, Readonly<Record<string, number>>, Readonly<Record<string, number>>]>([
    ["whole ones, from where there is one too many to where one is missing", { a: 5, b: 7 }, { a: 6, b: 6 }],
    ["none, where half a one is too many and half a one is missing", { a: 4, b: 3 }, { a: 4, b: 3 }],
    ["one, where less is too many but more is missing", { a: 6, b: 6, c: 4 }, { a: 5, b: 6, c: 5 }],
  ])("moves endpoints between zones of one weight: %s", (_, present, wanted) => {
    const zones = Object.entries(present).flatMap(([zone, count]) => Array.from({ length: count }, () => zone));
    const shares: ZoneShares = new Map(Object.keys(present).map((zone) => [zone, 1 / Object.keys(present).length]));
    const hints = hintsOf(plan(zones, { shares }).create);
    const counts = Object.keys(present).map((zone) => [zone, hints.filter((one) => one === zone).length]);
    expect(Object.fromEntries(counts)).toEqual(wanted);
  });

  it("does not count endpoints that are not ready", () => {
    expect(plan(["a", "b?"]).refusal).toBe("Insufficient number of endpoints (1 endpoints, 2 zones)");
  });

  it("writes nothing where hints are refused and none stand", () => {
    const slices = stored(plan(["a", "b"], { owner: aService() }).create);
    expect(plan(["a", "b"], { slices, shares: new Map([["a", 1]]) }).update).toHaveLength(1);
    const one = stored(plan(["a"], { owner: aService() }).create);
    expect(plan(["a"], { slices: one })).toMatchObject({
      create: [],
      update: [],
      remove: [],
      refusal: "Insufficient number of endpoints (1 endpoints, 2 zones)",
    });
  });

  it.each<[string, readonly string[], ZoneShares | undefined]>([
    [
      "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes",
      ["a", "b"],
      undefined,
    ],
    ["Insufficient number of endpoints (1 endpoints, 2 zones)", ["a"], even],
    [
      "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)",
      ["a", "b", "c"],
      new Map([
        ["a", 0.8],
        ["b", 0.1],
        ["c", 0.1],
      ]),
    ],
    ["One or more endpoints do not have a zone specified", ["a", "?"].map((zone) => zone.replace("?", "")), even],
  ])("gives none, and says: %s", (refusal, zones, shares) => {
    const before = stored(plan(["a", "b"]).create);
    const after = planEndpointSlices({
      service: aService({}, auto),
      pods: podsIn(zones),
      slices: before,
      zoneOf: (name) => name || undefined,
      shares,
    });
    expect(after.refusal).toBe(refusal);
    expect(hintsOf([...after.create, ...after.update])).toEqual(zones.map(() => undefined));
  });

  it("leaves slices alone that say what is still fair, and rewrites those that are not", () => {
    const slices = stored(plan(["a", "a", "a", "b"]).create);
    expect(plan(["a", "a", "a", "b"], { slices })).toMatchObject({ create: [], update: [], remove: [] });
    const { update } = plan(["a", "a", "a", "b"], {
      slices,
      shares: new Map([
        ["a", 0.9],
        ["b", 0.1],
      ]),
    });
    expect(hintsOf(update)).toEqual(["a", "a", "a", "b"]);
  });

  it("goes before spec.trafficDistribution, and leaves nothing behind when it is taken back", () => {
    const near = { trafficDistribution: "PreferClose" };
    const both = plan(["a", "a", "a", "b"], { owner: aService(near, auto) });
    expect(hintsOf(both.create)).toEqual(["b", "a", "a", "b"]);
    const slices = stored(both.create);
    expect(hintsOf(plan(["a", "a", "a", "b"], { slices, owner: aService(near) }).update)).toEqual(["a", "a", "a", "b"]);
    const none = plan(["a", "a", "a", "b"], { slices, owner: aService() });
    expect(hintsOf(none.update)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe("ZoneCapacity", () => {
  const inZone = (name: string, zone: string | undefined, rest: Parameters<typeof aNode>[1] = {}) =>
    aNode(name, {
      ...rest,
      metadata: { labels: { ...(zone ? { [zoneLabel]: zone } : {}), ...rest.metadata?.labels } },
    });
  const control = { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } } };

  it.each<[string, ReturnType<typeof aNode>[], object | undefined]>([
    ["two zones by their processors", [inZone("1", "a"), inZone("2", "a"), inZone("3", "b")], { a: 2 / 3, b: 1 / 3 }],
    ["nothing of one zone alone", [inZone("1", "a"), inZone("2", "a")], undefined],
    [
      "nothing where a node does not say its zone",
      [inZone("1", "a"), inZone("2", "b"), inZone("3", undefined)],
      undefined,
    ],
    [
      "nothing of nodes that are not ready",
      [inZone("1", "a"), inZone("2", "b"), inZone("3", "b", { ready: "False" })],
      { a: 0.5, b: 0.5 },
    ],
    [
      "nothing of the control plane",
      [inZone("1", "a"), inZone("2", "b"), inZone("3", undefined, control)],
      { a: 0.5, b: 0.5 },
    ],
  ])("weighs %s", (_, nodes, wanted) => {
    const zones = new ZoneCapacity();
    for (const one of nodes) zones.isNews(one, one);
    expect(zones.shares && Object.fromEntries(zones.shares)).toEqual(wanted);
  });

  it("takes no heartbeat for news, but a node that goes", () => {
    const zones = new ZoneCapacity();
    const one = inZone("1", "a");
    expect([zones.isNews(one, one), zones.isNews(one, { ...one }), zones.isNews(one, undefined)]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe("endpointSliceController()", () => {
  async function open() {
    const cluster = await openCluster();
    const { client, clock, informers, log, parts, random } = cluster;
    parts.use(runControllers([endpointSliceController()], { client, clock, informers, log, random }));
    return {
      ...cluster,
      async zoned(name: string, zone: string) {
        await client.create(node, { ...aNode(name), metadata: { name, labels: { [zoneLabel]: zone } } });
        const made = await client.get(node, { name });
        await client.updateStatus(node, { ...made, status: { ...made.status, ...aNode(name).status } });
      },
      async ready(name: string, nodeName: string, podIP: string) {
        const { metadata: _, status, ...rest } = aPod(name, { readySince: 0, podIP, nodeName });
        const made = await client.create(pod, {
          ...rest,
          metadata: { namespace: "default", name, labels: { app: "web" } },
        });
        await client.updateStatus(pod, { ...made, status: { ...status, phase: "Running" } });
      },
      async hints() {
        const { items } = await client.list(endpointSlice, { namespace: "default" });
        return items
          .flatMap(({ endpoints }) =>
            endpoints.map(({ addresses, hints }) => `${addresses[0]} ${hints?.forZones?.[0]?.name ?? "any"}`),
          )
          .sort()
          .join("; ");
      },
      async told() {
        const { items } = await client.list(event, { namespace: "default" });
        return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
      },
    };
  }
  const { spec } = aService({ clusterIP: "None" });
  const web: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name: "web" },
    spec: spec ?? {},
  };

  it("follows the zones' weights of a topology-aware service, and says so", async () => {
    const { client, until, zoned, ready, hints, told } = await open();
    await zoned("n1", "a");
    for (const at of [1, 2, 3, 4]) await ready(`p${at}`, "n1", `10.1.0.${at}`);
    await client.create(service, { ...web, metadata: { ...web.metadata, ...auto } });
    const plain = "10.1.0.1 any; 10.1.0.2 any; 10.1.0.3 any; 10.1.0.4 any";
    await until(async () => (await hints()) === plain);
    await until(async () =>
      (await told()).some((text) => text.startsWith("Warning TopologyAwareHintsDisabled: Insufficient Node")),
    );
    await zoned("n2", "b");
    await until(async () => (await hints()) === "10.1.0.1 b; 10.1.0.2 b; 10.1.0.3 a; 10.1.0.4 a");
    await until(async () =>
      (await told()).includes(
        "Normal TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4",
      ),
    );
    const body = { metadata: { annotations: { "service.kubernetes.io/topology-mode": null } } };
    await client.patch(service, { namespace: "default", name: "web" }, { type: "merge", body });
    await until(async () => (await hints()) === plain);
    await until(async () =>
      (await told()).includes(
        "Warning TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, addressType: IPv4",
      ),
    );
  });

  it("leaves pods out whose node is gone, until it comes", async () => {
    const { client, until, zoned, ready, hints } = await open();
    await zoned("n1", "a");
    await ready("p1", "n1", "10.1.0.1");
    await ready("p2", "n2", "10.1.0.2");
    await client.create(service, web);
    await until(async () => (await hints()) === "10.1.0.1 any");
    await zoned("n2", "b");
    await until(async () => (await hints()) === "10.1.0.1 any; 10.1.0.2 any");
    await client.delete(node, { name: "n1" });
    await until(async () => (await hints()) === "10.1.0.2 any");
  });
});
