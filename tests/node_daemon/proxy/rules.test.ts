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
