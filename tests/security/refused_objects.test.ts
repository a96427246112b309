import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/api/meta.ts";
import { configMap, configMaps, openMaster, podObject, pods, type Target } from "./_master.ts";

const inDefault = "/api/v1/namespaces/default";
let target: Target;

beforeAll(async () => {
  target = await openMaster({}, () => {});
  await target.ask("POST", configMaps, { body: configMap("subject") });
});
afterAll(() => target.close());

function endpoints(ip: string): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "x" },
    subsets: [{ addresses: [{ ip }], ports: [{ port: 80 }] }],
  };
}

function slice(ip: string): JsonObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "x" },
    addressType: ip.includes(":") ? "IPv6" : "IPv4",
    endpoints: [{ addresses: [ip] }],
    ports: [{ port: 80 }],
  };
}

function service(spec: JsonObject): JsonObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name: "x" }, spec: { ports: [{ port: 80 }], ...spec } };
}

const volume = (source: JsonObject, mount: JsonObject = { mountPath: "/v" }): JsonObject =>
  podObject("x", {
    containers: [{ name: "a", image: "b", volumeMounts: [{ name: "v", ...mount }] }],
    volumes: [{ name: "v", ...source }],
  });

/** Where, in the master's default ranges, another service's own address is. */
const otherService = "127.96.0.1";

describe("an object that reaches out of its place is refused", () => {
  const forbiddenAddresses = ["127.0.0.1", "127.76.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1", "fe80::1"];
  const notAddresses = ["", "x", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "10.0.0.256", "10.0.0.1/8"];
  it.each([...forbiddenAddresses, ...notAddresses])("endpoints at %j", async (ip) => {
    expect((await target.ask("POST", `${inDefault}/endpoints`, { body: endpoints(ip) })).status).toBe(422);
    const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    expect((await target.ask("POST", slices, { body: slice(ip) })).status).toBe(422);
  });

  it("but endpoints in the cluster's own ranges are taken", async () => {
    expect((await target.ask("POST", `${inDefault}/endpoints`, { body: endpoints("127.64.1.2") })).status).toBe(201);
  });

  it.each<[string, JsonObject]>([
    ["external IP of the machine itself", { externalIPs: ["127.0.0.1"] }],
    ["external IP of another service", { externalIPs: [otherService] }],
    ["external IP that tells clouds' secrets", { externalIPs: ["169.254.169.254"] }],
    ["external IP that is none", { externalIPs: ["example.com"] }],
    ["cluster IP outside of the range", { clusterIP: "8.8.8.8" }],
    ["cluster IP that is none", { clusterIP: "127.1" }],
    ["node port outside of the range", { type: "NodePort", ports: [{ port: 80, nodePort: 22 }] }],
    ["source range that is none", { type: "LoadBalancer", loadBalancerSourceRanges: ["x"] }],
  ])("a service with an %s", async (_name, spec) => {
    expect((await target.ask("POST", `${inDefault}/services`, { body: service(spec) })).status).toBe(422);
  });

  it.each<[string, JsonObject]>([
    ["hostPath with ..", volume({ hostPath: { path: "/tmp/../etc" } })],
    ["hostPath that ends in ..", volume({ hostPath: { path: "/tmp/.." } })],
    ["subPath with ..", volume({ emptyDir: {} }, { mountPath: "/v", subPath: "a/../../b" })],
    ["subPath that is absolute", volume({ emptyDir: {} }, { mountPath: "/v", subPath: "/etc" })],
    ["subPath that is ..", volume({ emptyDir: {} }, { mountPath: "/v", subPath: ".." })],
    ["item path with ..", volume({ configMap: { name: "c", items: [{ key: "a", path: "../a" }] } })],
    ["item path that is absolute", volume({ configMap: { name: "c", items: [{ key: "a", path: "/etc/passwd" }] } })],
    ["item path with .. inside", volume({ secret: { secretName: "c", items: [{ key: "a", path: "a/../../b" }] } })],
    [
      "projected path with ..",
      volume({ projected: { sources: [{ configMap: { name: "c", items: [{ key: "a", path: "../a" }] } }] } }),
    ],
    [
      "downward path with ..",
      volume({ downwardAPI: { items: [{ path: "../a", fieldRef: { fieldPath: "metadata.name" } }] } }),
    ],
    ["mountPath with :", volume({ emptyDir: {} }, { mountPath: "/m:/etc" })],
    [
      "mountPath twice",
      podObject("x", {
        containers: [
          {
            name: "a",
            image: "b",
            volumeMounts: [
              { name: "v", mountPath: "/a" },
              { name: "v", mountPath: "/a" },
            ],
          },
        ],
        volumes: [{ name: "v", emptyDir: {} }],
      }),
    ],
    [
      "volume that is not there",
      podObject("x", { containers: [{ name: "a", image: "b", volumeMounts: [{ name: "other", mountPath: "/a" }] }] }),
    ],
    ["container named ..", podObject("x", { containers: [{ name: "..", image: "b" }] })],
    ["container named a/b", podObject("x", { containers: [{ name: "a/b", image: "b" }] })],
    ["name with a slash", { ...podObject("x"), metadata: { name: "a/b" } }],
    ["name ..", { ...podObject("x"), metadata: { name: ".." } }],
    ["name of two lines", { ...podObject("x"), metadata: { name: "a\nb" } }],
    ["host alias that is no address", podObject("x", { hostAliases: [{ ip: "x\n1.2.3.4", hostnames: ["a"] }] })],
    ["host alias of two lines", podObject("x", { hostAliases: [{ ip: "10.0.0.1", hostnames: ["a\n10.0.0.2 b"] }] })],
    ["host name of two lines", podObject("x", { hostname: "a\nb" })],
    [
      "variable whose name has =",
      podObject("x", { containers: [{ name: "a", image: "b", env: [{ name: "A=B", value: "c" }] }] }),
    ],
  ])("a pod with a %s", async (_name, body) => {
    const { status, json } = await target.ask("POST", pods, { body });
    expect([status, json.reason]).toEqual([422, "Invalid"]);
  });

  it.each(["..", ".", "a/b", "../a", "a\0b", "-\n", "..data", ""])("a key of data named %j", async (key) => {
    expect((await target.ask("POST", configMaps, { body: configMap("keys", { [key]: "x" }) })).status).toBe(422);
  });
});

describe("parameters that are none are refused, never a failure of the server", () => {
  const lists: readonly string[] = [
    "resourceVersion=x",
    "resourceVersion=-1",
    "resourceVersion=1e9",
    "resourceVersion=0x10",
    "resourceVersion=99999999999999999999",
    "resourceVersion=__proto__",
    "watch=1&resourceVersion=x",
    "watch=1&resourceVersion=-1",
    "continue=x",
    "continue=%00",
    "continue=e30",
    "continue=eyJydiI6LTEsInN0YXJ0IjoiYSJ9",
    "continue=eyJydiI6OTk5OTk5LCJzdGFydCI6ImEifQ",
    "limit=x",
    "limit=1e9",
    "limit=99999999999999999",
    "watch=1&timeoutSeconds=x",
    "resourceVersionMatch=x",
    "resourceVersionMatch=Exact",
    "includeObject=x",
    "labelSelector=a=b=c",
    "labelSelector=((((",
    "labelSelector=a+in+(",
    `labelSelector=${"(".repeat(15_000)}`,
    `labelSelector=${"a".repeat(15_000)}`,
    "fieldSelector=x",
    "fieldSelector=spec.x=y",
    `fieldSelector=${"a=b,".repeat(3_000)}`,
    "sendInitialEvents=true",
  ];
  it.each(lists)("of a list: %s", async (query) => {
    const { status, json } = await target.ask("GET", `${configMaps}?${query}`);
    expect([400, 422]).toContain(status);
    expect(json).toMatchObject({ kind: "Status", status: "Failure", code: status });
  });

  it.each([
    "dryRun=x",
    "dryRun=All&dryRun=x",
    "fieldValidation=x",
    `fieldManager=${"a".repeat(200)}`,
    "fieldManager=%00",
    "fieldManager=%0d%0aX:y",
  ])("of a write: %s", async (query) => {
    const type = "application/merge-patch+json";
    const answers = await Promise.all([
      target.ask("POST", `${configMaps}?${query}`, { body: configMap("never") }),
      target.ask("PUT", `${configMaps}/subject?${query}`, { body: configMap("subject") }),
      target.ask("PATCH", `${configMaps}/subject?${query}`, { body: {}, type }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([422, 422, 422]);
    expect((await target.ask("GET", `${configMaps}/never`)).status).toBe(404);
  });

  it.each([
    "{",
    "[]",
    "1",
    '"x"',
    '{"propagationPolicy":"x"}',
    '{"propagationPolicy":1}',
    '{"gracePeriodSeconds":"x"}',
    '{"gracePeriodSeconds":1.5}',
    '{"gracePeriodSeconds":1e400}',
    '{"dryRun":"All"}',
    '{"dryRun":["x"]}',
    '{"preconditions":1}',
    '{"preconditions":{"uid":1}}',
    '{"preconditions":{"uid":"other"}}',
    '{"preconditions":{"resourceVersion":"x"}}',
    '{"kind":"Pod"}',
    '{"orphanDependents":1}',
    '{"orphanDependents":true,"propagationPolicy":"Orphan"}',
  ])("of a deletion: %s", async (body) => {
    expect([400, 409, 422]).toContain((await target.ask("DELETE", `${configMaps}/subject`, { body })).status);
    expect((await target.ask("GET", `${configMaps}/subject`)).status).toBe(200);
  });

  it.each(["gracePeriodSeconds=x", "propagationPolicy=x", "dryRun=x"])("of a deletion's query: %s", async (query) => {
    expect([400, 422]).toContain((await target.ask("DELETE", `${configMaps}/subject?${query}`)).status);
    expect((await target.ask("GET", `${configMaps}/subject`)).status).toBe(200);
  });

  const kinds: readonly [string, string, string][] = [
    ["/api/v1", "services", "Service"],
    ["/api/v1", "endpoints", "Endpoints"],
    ["/api/v1", "secrets", "Secret"],
    ["/api/v1", "events", "Event"],
    ["/api/v1", "pods", "Pod"],
    ["/api/v1", "serviceaccounts", "ServiceAccount"],
    ["/apis/apps/v1", "deployments", "Deployment"],
    ["/apis/apps/v1", "replicasets", "ReplicaSet"],
    ["/apis/discovery.k8s.io/v1", "endpointslices", "EndpointSlice"],
    ["/apis/coordination.k8s.io/v1", "leases", "Lease"],
  ];
  const members: readonly string[] = [
    "",
    ',"spec":{}',
    ',"spec":null',
    ',"spec":{"selector":{},"template":{}}',
    ',"spec":{"ports":[{}],"selector":{"a":"b"}}',
    ',"spec":{"containers":[{}],"volumes":[{}],"tolerations":[{}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}}',
    ',"spec":{"containers":[{"env":[{"valueFrom":{}}],"ports":[{}],"livenessProbe":{},"lifecycle":{"preStop":{}},"volumeMounts":[{}]}]}',
    ',"spec":{"selector":{"matchExpressions":[{}]},"template":{"spec":{"containers":[{}]}}}',
    ',"spec":{"replicas":-1,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"x%"}}}',
    ',"subsets":[{}]',
    ',"subsets":[{"addresses":[{}],"ports":[{}]}]',
    ',"endpoints":[{}],"ports":[{}]',
    ',"addressType":"IPv4","endpoints":[{"addresses":[]}],"ports":[null]',
    ',"data":{"a":null},"type":"kubernetes.io/tls"',
    ',"involvedObject":{},"metadata":{"managedFields":[{}],"ownerReferences":[{}],"finalizers":[""]}',
  ];
  it.each(kinds)("of an object: %s %s", async (root, plural, kind) => {
    const path = `${root}/namespaces/default/${plural}?dryRun=All`;
    for (const member of members) {
      const body = `{"kind":"${kind}","metadata":{"name":"n"}${member}}`;
      const { status } = await target.ask("POST", path, { body });
      expect([body, [200, 201, 400, 422].includes(status) ? "answered" : status]).toEqual([body, "answered"]);
    }
  });
});
