import { describe, expect, it } from "vitest";
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from "../../../core/kinds/mod.ts";
import { serviceRules } from "../../../node_daemon/proxy/rules.ts";

const options = { nodeName: "node-a", nodePortAddresses: ["127.0.0.1"] };

function web(spec: Partial<ServiceSpec> = {}, annotations: Record<string, string> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default", annotations },
    spec: { type: "ClusterIP", clusterIP: "127.96.0.9", ports: [{ name: "http", port: 80, protocol: "TCP" }], ...spec },
  };
}

function slice(endpoints: readonly Endpoint[], port = 8080): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-abcde", namespace: "default" },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "http", port, protocol: "TCP" }],
  };
}

const ready = (ip: string, nodeName = "node-a"): Endpoint => ({
  addresses: [ip],
  nodeName,
  conditions: { ready: true, serving: true, terminating: false },
});
const notReady = (ip: string): Endpoint => ({
  addresses: [ip],
  conditions: { ready: false, serving: false, terminating: false },
});
const terminating = (ip: string, serving: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready: false, serving, terminating: true },
});

describe("serviceRules()", () => {
  it.each<{
    readonly what: string;
    readonly service: Service;
    readonly slices: EndpointSlice[];
    readonly wanted: Record<string, string[]>;
  }>([
    {
      what: "sends a cluster IP to the ready endpoints, sorted",
      service: web(),
      slices: [slice([ready("127.1.0.3"), notReady("127.1.0.4"), ready("127.1.0.2")])],
      wanted: { "127.96.0.9:80": ["127.1.0.2:8080", "127.1.0.3:8080"] },
    },
    {
      what: "joins slices and counts an endpoint once",
      service: web(),
      slices: [slice([ready("127.1.0.2")]), slice([ready("127.1.0.2"), ready("127.1.0.5")])],
      wanted: { "127.96.0.9:80": ["127.1.0.2:8080", "127.1.0.5:8080"] },
    },
    {
      what: "falls back to terminating endpoints that still serve",
      service: web(),
      slices: [slice([terminating("127.1.0.2", true), terminating("127.1.0.3", false), notReady("127.1.0.4")])],
      wanted: { "127.96.0.9:80": ["127.1.0.2:8080"] },
    },
    { what: "keeps a rule without endpoints, to refuse", service: web(), slices: [], wanted: { "127.96.0.9:80": [] } },
    {
      what: "serves node ports on the node's addresses",
      service: web({ type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080 }] }),
      slices: [slice([ready("127.1.0.2")])],
      wanted: { "127.96.0.9:80": ["127.1.0.2:8080"], "127.0.0.1:30080": ["127.1.0.2:8080"] },
    },
    {
      what: "keeps node-port traffic on the node for externalTrafficPolicy Local",
      service: web({
        type: "NodePort",
        externalTrafficPolicy: "Local",
        ports: [{ name: "http", port: 80, nodePort: 30080 }],
      }),
      slices: [slice([ready("127.1.0.2"), ready("127.2.0.2", "node-b")])],
      wanted: { "127.96.0.9:80": ["127.1.0.2:8080", "127.2.0.2:8080"], "127.0.0.1:30080": ["127.1.0.2:8080"] },
    },
    {
      what: "keeps cluster traffic on the node for internalTrafficPolicy Local",
      service: web({ internalTrafficPolicy: "Local" }),
      slices: [slice([ready("127.2.0.2", "node-b")])],
      wanted: { "127.96.0.9:80": [] },
    },
    {
      what: "serves nothing for a headless service",
      service: web({ clusterIP: "None" }),
      slices: [slice([ready("127.1.0.2")])],
      wanted: {},
    },
    {
      what: "serves nothing for an ExternalName",
      service: web({ type: "ExternalName", clusterIP: "" }),
      slices: [],
      wanted: {},
    },
  ])("$what", ({ service, slices, wanted }) => {
    const rules = serviceRules(service, slices, options);
    const found = Object.fromEntries(
      rules.map((rule) => [`${rule.address}:${rule.port}`, rule.endpoints.map(({ ip, port }) => `${ip}:${port}`)]),
    );
    expect(found).toEqual(wanted);
  });

  it("carries session affinity and the balancer that the annotation names", () => {
    const [rule] = serviceRules(web({ sessionAffinity: "ClientIP" }, { "wherry.dev/balancer": "random" }), [], options);
    expect(rule).toMatchObject({ service: "default/web:http", affinityTimeoutMs: 10_800_000, balancer: "random" });
  });
});

describe("serviceRules() with traffic that is to stay near", () => {
  const meant = (ip: string, hints: Endpoint["hints"]): Endpoint => ({ ...ready(ip), ...(hints ? { hints } : {}) });
  const zone = (name: string) => ({ forZones: [{ name }] });
  const node = (name: string, of = "z1") => ({ forNodes: [{ name }], ...zone(of) });
  const both = ["10.1.0.1:8080", "10.1.0.2:8080"];

  it.each<[string, Endpoint[], string | undefined, string[]]>([
    ["to its own zone", [meant("10.1.0.1", zone("z1")), meant("10.1.0.2", zone("z2"))], "z1", ["10.1.0.1:8080"]],
    ["anywhere, when one does not say", [meant("10.1.0.1", zone("z1")), meant("10.1.0.2", undefined)], "z1", both],
    ["anywhere, when none is in its zone", [meant("10.1.0.1", zone("z2")), meant("10.1.0.2", zone("z3"))], "z1", both],
    [
      "anywhere, when it knows no zone",
      [meant("10.1.0.1", zone("z1")), meant("10.1.0.2", zone("z2"))],
      undefined,
      both,
    ],
    [
      "to its own node",
      [meant("10.1.0.1", node("node-a")), meant("10.1.0.2", node("node-b"))],
      "z1",
      ["10.1.0.1:8080"],
    ],
    [
      "to its zone, when none is on its node",
      [meant("10.1.0.1", node("x")), meant("10.1.0.2", node("y", "z2"))],
      "z1",
      ["10.1.0.1:8080"],
    ],
    ["whatever the unready ones say", [meant("10.1.0.1", zone("z1")), notReady("10.1.0.2")], "z1", ["10.1.0.1:8080"]],
  ])("sends it %s", (_, endpoints, own, wanted) => {
    const [rule] = serviceRules(web(), [slice(endpoints)], { ...options, zone: own });
    expect(rule?.endpoints.map(({ ip, port }) => `${ip}:${port}`)).toEqual(wanted);
  });

  it("takes what is on other nodes that it serves for near, and local", () => {
    const endpoints = ["node-a", "node-b", "node-c"].map((name, at) => ({
      ...meant(`10.1.0.${at + 1}`, node(name)),
      nodeName: name,
    }));
    for (const service of [web(), web({ internalTrafficPolicy: "Local" })]) {
      const [rule] = serviceRules(service, [slice(endpoints)], { ...options, neighbours: new Set(["node-b"]) });
      expect(rule?.endpoints.map(({ ip }) => ip)).toEqual(["10.1.0.1", "10.1.0.2"]);
    }
  });

  it("leaves what is to stay on the node where it is", () => {
    const endpoints = [meant("10.1.0.1", zone("z2")), { ...meant("10.1.0.2", zone("z1")), nodeName: "node-b" }];
    const [rule] = serviceRules(web({ internalTrafficPolicy: "Local" }), [slice(endpoints)], {
      ...options,
      zone: "z1",
    });
    expect(rule?.endpoints.map(({ ip }) => ip)).toEqual(["10.1.0.1"]);
  });
});
