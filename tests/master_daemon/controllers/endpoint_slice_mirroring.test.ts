import { describe, expect, it } from "vitest";
import {
  type EndpointSlice,
  type Endpoints,
  endpointSlice,
  endpoints,
  event,
  service,
} from "../../../core/kinds/mod.ts";
import { planMirroring } from "../../../master_daemon/controllers/endpoint_slice_mirroring.ts";
import { controllers, runControllers } from "../../../master_daemon/controllers/mod.ts";
import { openCluster, type TestCluster } from "./_cluster.ts";

const key = { namespace: "default", name: "outside" };

function someEndpoints(subsets: Endpoints["subsets"], metadata: Endpoints["metadata"] = {}): Endpoints {
  return { apiVersion: "v1", kind: "Endpoints", metadata: { ...key, ...metadata }, subsets: subsets ?? [] };
}

const ports = [{ name: "http", port: 80 }];
const addresses = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ip: `10.9.${index >> 8}.${index & 255}` }));

describe("planMirroring()", () => {
  it("writes a slice for each family of addresses and each set of ports", () => {
    const targetRef = { kind: "Pod", namespace: "default", name: "p", uid: "u" };
    const source = someEndpoints(
      [
        { addresses: [{ ip: "192.0.2.1", hostname: "a", nodeName: "n", targetRef }, { ip: "2001:db8::1" }], ports },
        {
          addresses: [{ ip: "192.0.2.2" }],
          notReadyAddresses: [{ ip: "192.0.2.3" }],
          ports: [{ port: 53, protocol: "UDP" }],
        },
      ],
      {
        uid: "e1",
        labels: { tier: "db" },
        annotations: { note: "x", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
      },
    );
    const { create, update, remove, skipped } = planMirroring(source, []);
    expect([update, remove, skipped]).toEqual([[], [], 0]);
    expect(create[0]).toEqual({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        generateName: "outside-",
        namespace: "default",
        labels: {
          tier: "db",
          "kubernetes.io/service-name": "outside",
          "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
        },
        annotations: { note: "x" },
        ownerReferences: [
          {
            apiVersion: "v1",
            kind: "Endpoints",
            name: "outside",
            uid: "e1",
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      addressType: "IPv4",
      endpoints: [{ addresses: ["192.0.2.1"], conditions: { ready: true }, hostname: "a", nodeName: "n", targetRef }],
      ports: [{ name: "http", port: 80, protocol: "TCP" }],
    });
    expect(create.slice(1).map(({ addressType, endpoints: list, ports: own }) => [addressType, list, own])).toEqual([
      [
        "IPv6",
        [{ addresses: ["2001:db8::1"], conditions: { ready: true } }],
        [{ name: "http", port: 80, protocol: "TCP" }],
      ],
      [
        "IPv4",
        [
          { addresses: ["192.0.2.2"], conditions: { ready: true } },
          { addresses: ["192.0.2.3"], conditions: { ready: false } },
        ],
        [{ name: "", port: 53, protocol: "UDP" }],
      ],
    ]);
  });

  it("changes slices that are there, removes those that are not needed, and writes nothing twice", () => {
    const source = someEndpoints([{ addresses: addresses(1), ports }]);
    const [made] = planMirroring(source, []).create;
    const present = { ...made, metadata: { ...made?.metadata, name: "outside-x" } } as EndpointSlice;
    expect(planMirroring(source, [present])).toEqual({ create: [], update: [], remove: [], skipped: 0 });
    const more = planMirroring(someEndpoints([{ addresses: addresses(2), ports }]), [present]);
    expect(more.update.map(({ metadata, endpoints: list }) => [metadata.name, list.length])).toEqual([
      ["outside-x", 2],
    ]);
    const other = [{ addresses: addresses(1), ports: [{ port: 81 }] }];
    const moved = planMirroring(someEndpoints(other), [present]);
    expect([moved.create, moved.remove]).toEqual([[], []]);
    expect(moved.update.map(({ metadata, ports: own }) => [metadata.name, own?.[0]?.port])).toEqual([
      ["outside-x", 81],
    ]);
    const otherFamily = [{ addresses: [{ ip: "2001:db8::1" }], ports }];
    const changed = planMirroring(someEndpoints(otherFamily), [present]);
    expect([changed.create.length, changed.update, changed.remove]).toEqual([1, [], [present]]);
    const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(planMirroring(someEndpoints(otherFamily, going), [present])).toMatchObject({
      create: [],
      remove: [present],
    });
    expect(planMirroring(undefined, [present]).remove).toEqual([present]);
  });

  it("writes an address once that stands in two subsets of the same ports", () => {
    const subset = { addresses: addresses(2), ports };
    const { create } = planMirroring(someEndpoints([subset, { notReadyAddresses: addresses(1), ports }]), []);
    expect(create.map(({ endpoints: list }) => list.map(({ conditions }) => conditions?.ready))).toEqual([
      [false, true],
    ]);
  });

  it("mirrors a thousand addresses of a subset, and says how many are left out", () => {
    const { create, skipped } = planMirroring(someEndpoints([{ addresses: addresses(1003), ports }]), []);
    expect([create[0]?.endpoints.length, skipped]).toEqual([1000, 3]);
  });
});

async function openMaster(): Promise<TestCluster> {
  const cluster = await openCluster();
  const { client, clock, informers, log, parts, random } = cluster;
  parts.use(runControllers(controllers(), { client, clock, informers, log, random }));
  return cluster;
}

const mirrored = async ({ client }: TestCluster) =>
  (await client.list(endpointSlice, { namespace: "default" })).items
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "outside")
    .flatMap((slice) => slice.endpoints.flatMap((one) => one.addresses));

function aService(selector?: Record<string, string>) {
  const spec = { ports: [{ name: "http", port: 80 }], ...(selector ? { selector } : {}) };
  return { apiVersion: "v1", kind: "Service", metadata: { ...key }, spec };
}

describe("EndpointSlice mirroring", () => {
  it("follows the Endpoints of a service without a selector, until one of them goes", async () => {
    const cluster = await openMaster();
    const { client, until } = cluster;
    await client.create(endpoints, someEndpoints([{ addresses: addresses(1), ports }]));
    await client.create(service, aService());
    await until(async () => (await mirrored(cluster)).length === 1);
    await client.update(endpoints, someEndpoints([{ addresses: addresses(2), ports }]));
    await until(async () => (await mirrored(cluster)).length === 2);
    const body = { metadata: { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } } };
    await client.patch(endpoints, key, { type: "merge", body });
    await until(async () => (await mirrored(cluster)).length === 0);
    await client.update(endpoints, someEndpoints([{ addresses: addresses(1), ports }]));
    await until(async () => (await mirrored(cluster)).length === 1);
    await client.delete(service, key);
    await until(async () => (await mirrored(cluster)).length === 0);
    expect(cluster.errors).toEqual([]);
  });

  it("leaves services alone that select pods, and tells of addresses that are too many", async () => {
    const cluster = await openMaster();
    const { client, until } = cluster;
    await client.create(service, aService({ app: "web" }));
    await until(async () => (await client.list(endpointSlice, { namespace: "default" })).items.length === 1);
    await client.delete(service, key);
    await until(async () => (await client.list(endpointSlice, { namespace: "default" })).items.length === 0);
    await client.create(service, aService());
    await client.create(endpoints, someEndpoints([{ addresses: addresses(1001), ports }]));
    await until(async () => (await mirrored(cluster)).length === 1000);
    const told = await until(async () =>
      (await client.list(event)).items.find(({ reason }) => reason === "TooManyAddressesToMirror"),
    );
    expect(told.message).toMatch(/^A max of 1000 addresses .*\. 1 addresses were skipped$/);
  });
});
