import { describe, expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import {
  type IPAddress,
  ipAddress,
  type Service,
  type ServiceCIDR,
  service,
  serviceCidr,
} from "../../../core/kinds/mod.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { planServiceCidr, serviceCidrController } from "../../../master_daemon/controllers/service_cidr.ts";
import {
  planServiceAddress,
  serviceIpAddressesController,
} from "../../../master_daemon/controllers/service_ip_addresses.ts";
import { openCluster } from "./_cluster.ts";
import { at, start } from "./fixtures.ts";

const finalizer = "networking.k8s.io/service-cidr-finalizer";
const managed = {
  "ipaddress.kubernetes.io/ip-family": "IPv4",
  "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
};

function aRange(name: string, cidrs: readonly string[], metadata: ServiceCIDR["metadata"] = {}): ServiceCIDR {
  const finalizers = [finalizer];
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name, finalizers, ...metadata },
    spec: { cidrs },
  };
}

function aService(name: string, clusterIP?: string): Service {
  const spec = { ports: [{ port: 80 }], ...(clusterIP ? { clusterIP, clusterIPs: [clusterIP] } : {}) };
  return { apiVersion: "v1", kind: "Service", metadata: { namespace: "default", name }, spec };
}

function anAddress(name: string, owner: string, labels: Readonly<Record<string, string>> = managed): IPAddress {
  const parentRef = { group: "", resource: "services", namespace: "default", name: owner };
  return { apiVersion: "networking.k8s.io/v1", kind: "IPAddress", metadata: { name, labels }, spec: { parentRef } };
}

describe("planServiceCidr()", () => {
  const inUse = new Set(["10.96.0.0/24"]);
  const gone = { deletionTimestamp: at(-5000) };
  const plan = (range: ServiceCIDR, others: readonly ServiceCIDR[] = [], addresses: readonly IPAddress[] = []) =>
    planServiceCidr(range, { ranges: [range, ...others], addresses, inUse, nowMs: start });

  it("protects every range, and calls those ready that addresses come from", () => {
    expect(plan(aRange("a", ["10.96.0.0/24"], { finalizers: [] }))).toEqual({ finalizers: "add" });
    const { conditions } = plan(aRange("a", ["10.96.0.0/24"]));
    expect(conditions).toMatchObject([
      { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready" },
    ]);
    expect(plan({ ...aRange("a", ["10.96.0.0/24"]), status: { conditions: conditions ?? [] } })).toEqual({});
    expect(plan(aRange("b", ["10.97.0.0/24"]))).toEqual({});
  });

  it.each<[string, readonly ServiceCIDR[], readonly IPAddress[], boolean]>([
    ["nobody has an address of it", [], [], false],
    ["a service has an address of it", [], [anAddress("10.96.0.7", "a")], true],
    ["a service has an address beside it", [], [anAddress("10.97.0.7", "a")], false],
    ["a larger range has them all", [aRange("b", ["10.0.0.0/8"])], [anAddress("10.96.0.7", "a")], false],
    ["another range has the address", [aRange("b", ["10.96.0.0/28"])], [anAddress("10.96.0.7", "a")], false],
    ["another range has other addresses", [aRange("b", ["10.96.0.0/29"])], [anAddress("10.96.0.8", "a")], true],
  ])("of a range that is to go, when %s", (_, others, addresses, stays) => {
    const planned = plan(aRange("a", ["10.96.0.0/24"], { finalizers: [finalizer], ...gone }), others, addresses);
    if (stays) expect(planned.conditions).toMatchObject([{ type: "Ready", status: "False", reason: "Terminating" }]);
    else expect(planned).toEqual({ requeueAfterMs: 5000 });
  });

  it("lets go after ten seconds", () => {
    const old = aRange("a", ["10.96.0.0/24"], { finalizers: [finalizer], deletionTimestamp: at(-10_000) });
    expect(plan(old)).toEqual({ finalizers: "remove" });
  });
});

describe("planServiceAddress()", () => {
  const name = "10.96.0.7";
  const wanted = anAddress(name, "web");
  const web = aService("web", name);
  const db = aService("db", name);

  it.each<[string, readonly Service[], IPAddress | undefined, object]>([
    ["is noted", [web], undefined, { create: wanted }],
    ["is right", [web], wanted, {}],
    ["was noted for another", [web], anAddress(name, "db"), { remove: true, create: wanted, repaired: web }],
    ["has lost its labels", [web], anAddress(name, "web", {}), { remove: true, create: wanted }],
    ["is two services'", [db, web], wanted, {}],
    ["is nobody's any more", [], wanted, { remove: true }],
    ["is somebody else's", [], anAddress(name, "web", {}), {}],
  ])("of an address that %s", (_, owners, present, expected) => {
    expect(planServiceAddress(name, owners, present)).toEqual(expected);
  });
});

it("addresses of services are shown and repaired, and keep their range until they are gone", async () => {
  const { client, parts, until, all, ...common } = await openCluster();
  const serviceClusterIpRange = "10.96.0.0/24";
  const started = [serviceIpAddressesController, serviceCidrController({ serviceClusterIpRange })];
  parts.use(runControllers(started, { client, ...common }));
  await client.create(serviceCidr, aRange("kubernetes", [serviceClusterIpRange], { finalizers: [] }));
  await client.create(service, aService("web"));
  await client.create(service, { ...aService("headless"), spec: { clusterIP: "None", ports: [{ port: 80 }] } });
  const shown = async () => (await all(ipAddress)).map(({ spec }) => spec?.parentRef?.name).join();
  await until(async () => (await shown()) === "web");
  const name = (await client.get(service, { namespace: "default", name: "web" })).spec?.clusterIP ?? "";
  expect((await all(ipAddress))[0]?.metadata).toMatchObject({ name, labels: managed });
  await client.delete(ipAddress, { name });
  await until(async () => (await shown()) === "web");

  const ready = async () => findCondition((await all(serviceCidr))[0]?.status?.conditions, "Ready")?.status;
  await until(async () => (await ready()) === "True");
  await client.delete(serviceCidr, { name: "kubernetes" });
  await until(async () => (await ready()) === "False");
  await client.delete(service, { namespace: "default", name: "web" });
  await until(async () => (await shown()) === "");
  expect(await all(serviceCidr)).toHaveLength(1);
  await until(async () => (await all(serviceCidr)).length === 0, { stepMs: 1000 });
});
