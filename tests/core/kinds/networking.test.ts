import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import type { Ingress, IngressClass, NetworkPolicy, ServiceCIDR } from "../../../core/kinds/mod.ts";
import {
  ingress,
  ingressClass,
  ingressExtensions,
  ipAddress,
  networkPolicy,
  serviceCidr,
} from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf, updateErrorsOf } from "./fixtures.ts";

const apiVersion = "networking.k8s.io/v1";
const metadata = { name: "a", namespace: "default", creationTimestamp: "2026-01-31T11:59:00Z" };

describe("ingress", () => {
  const of = (spec: JsonObject) => ({ apiVersion, kind: "Ingress", metadata, spec }) as unknown as Ingress;
  const backend = { service: { name: "web", port: { number: 80 } } };
  const path = (more: JsonObject) =>
    of({ rules: [{ http: { paths: [{ path: "/", pathType: "Prefix", backend, ...more }] } }] });
  const at = "spec.rules[0].http.paths[0]";

  it.each<[string, Ingress, string[]]>([
    ["a path", path({}), []],
    ["nothing", of({}), ["spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"]],
    [
      "a path without a type",
      path({ pathType: null }),
      [`${at}.pathType: Unsupported value: null: supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    ["a relative path", path({ path: "x" }), [`${at}.path: Invalid value: "x": must be an absolute path`]],
    [
      "a path that climbs",
      path({ path: "/a/../b" }),
      [`${at}.path: Invalid value: "/a/../b": must not contain '/../'`],
    ],
    [
      "no backend",
      path({ backend: {} }),
      [`${at}.backend: Invalid value: "": resource or service backend is required`],
    ],
    [
      "a port by name and number",
      path({ backend: { service: { name: "web", port: { name: "x", number: 1 } } } }),
      [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [
      "an address as its host",
      of({ defaultBackend: backend, rules: [{ host: "10.0.0.1" }] }),
      ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ],
  ])("an ingress of %s is checked", (_, object, errors) => {
    expect(errorsOf(ingress, object)).toEqual(errors);
  });

  it("columns are kubectl's", () => {
    const rules = ["a.b", "c.d", "e.f", "g.h"].map((host) => ({ host }));
    const object = {
      ...of({ ingressClassName: "n", rules, tls: [{}] }),
      status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } },
    };
    expect(cellsOf(ingress, object)).toEqual({
      Name: "a",
      Class: "n",
      Hosts: "a.b,c.d,e.f + 1 more...",
      Address: "1.2.3.4",
      Ports: "80, 443",
      Age: "60s",
    });
    expect(cellsOf(ingress, of({ defaultBackend: backend }))).toMatchObject({
      Class: "<none>",
      Hosts: "*",
      Address: "",
      Ports: "80",
    });
  });

  it("is the same object in the version of old", async () => {
    const { storedAs, strategy } = ingressExtensions;
    const old = {
      apiVersion: "extensions/v1beta1",
      kind: "Ingress",
      metadata,
      spec: {
        backend: { serviceName: "web", servicePort: "http" },
        rules: [{ host: "a.b", http: { paths: [{ path: "/", backend: { serviceName: "web", servicePort: 80 } }] } }],
      },
    };
    const filled = strategy.applyDefaults(old);
    const [stored] = (await storedAs?.toStored([filled])) ?? [];
    expect(stored).toMatchObject({
      apiVersion,
      spec: {
        defaultBackend: { service: { name: "web", port: { name: "http" } } },
        rules: [{ host: "a.b", http: { paths: [{ path: "/", pathType: "ImplementationSpecific", backend }] } }],
      },
    });
    expect(await storedAs?.fromStored(stored ? [stored] : [])).toEqual([filled]);
    expect(errorsOf(ingressExtensions, old)).toEqual([]);
  });
});

describe("ingress class", () => {
  const of = (spec: IngressClass["spec"] = {}): IngressClass => ({
    apiVersion,
    kind: "IngressClass",
    metadata: { name: "a" },
    spec,
  });

  it.each<[string, IngressClass["spec"], string[]]>([
    ["a controller", { controller: "acme.io/foo" }, []],
    ["none", {}, ["spec.controller: Required value"]],
    [
      "no domain",
      { controller: "foo" },
      ['spec.controller: Invalid value: "foo": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      "parameters in no namespace",
      { controller: "acme.io/foo", parameters: { kind: "K", name: "n", scope: "Namespace" } },
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
  ])("a class of %s is checked", (_, spec, errors) => {
    expect(errorsOf(ingressClass, of(spec))).toEqual(errors);
  });

  it("the controller stays; columns are kubectl's", () => {
    const object = of({ controller: "a.b/c", parameters: { apiGroup: "g", kind: "K", name: "n" } });
    expect(updateErrorsOf(ingressClass, of({ controller: "a.b/d" }), object)).toEqual([
      'spec.controller: Invalid value: "a.b/d": field is immutable',
    ]);
    expect(cellsOf(ingressClass, object)).toMatchObject({ Controller: "a.b/c", Parameters: "K.g/n" });
  });
});

describe("network policy", () => {
  const of = (spec: JsonObject) => ({ apiVersion, kind: "NetworkPolicy", metadata, spec }) as unknown as NetworkPolicy;

  it("applyDefaults() says what it is about, and TCP", () => {
    expect(networkPolicy.strategy.applyDefaults(of({ egress: [{ ports: [{ port: 53 }] }] })).spec).toEqual({
      podSelector: {},
      egress: [{ ports: [{ port: 53, protocol: "TCP" }] }],
      policyTypes: ["Ingress", "Egress"],
    });
  });

  it.each<[JsonObject, string[]]>([
    [{ ingress: [{ from: [{}] }] }, ["spec.ingress[0].from[0]: Required value: must specify a peer"]],
    [
      { ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/9"] } }] }] },
      ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/9": must be a strict subset of `cidr`'],
    ],
    [
      {
        egress: [
          {
            ports: [
              { port: 80, endPort: 79 },
              { port: "http", endPort: 80 },
            ],
          },
        ],
      },
      [
        "spec.egress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`",
        "spec.egress[0].ports[1].endPort: Invalid value: 80: may not be specified when `port` is non-numeric",
      ],
    ],
    [
      { policyTypes: ["Both"] },
      ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"'],
    ],
  ])("%j is checked", (spec, errors) => {
    expect(errorsOf(networkPolicy, of(spec))).toEqual(errors);
  });

  it("the column shows which pods it is about", () => {
    expect(cellsOf(networkPolicy, of({ podSelector: { matchLabels: { a: "b" } } }))["Pod-Selector"]).toBe("a=b");
    expect(cellsOf(networkPolicy, of({}))["Pod-Selector"]).toBe("<none>");
  });
});

describe("addresses and ranges of services", () => {
  const range = (...cidrs: string[]): ServiceCIDR => ({
    apiVersion,
    kind: "ServiceCIDR",
    metadata: { name: "a" },
    spec: { cidrs },
  });

  it.each<[string[], string[]]>([
    [["10.0.0.0/24", "fd00::/64"], []],
    [[], ["spec.cidrs: Required value: at least one CIDR required"]],
    [
      ["10.0.0.0/24", "10.1.0.0/24"],
      [
        'spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ],
    ],
  ])("the ranges %j are checked", (cidrs, errors) => {
    expect(errorsOf(serviceCidr, range(...cidrs))).toEqual(errors);
  });

  it("a range of the other family may be added, and nothing else", () => {
    expect(updateErrorsOf(serviceCidr, range("10.0.0.0/24", "fd00::/64"), range("10.0.0.0/24"))).toEqual([]);
    expect(updateErrorsOf(serviceCidr, range("10.1.0.0/24"), range("10.0.0.0/24"))).toEqual([
      'spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable',
    ]);
  });

  it("an address is its name, and says whose it is", () => {
    expect(ipAddress.validateName("10.0.0.1")).toBeUndefined();
    expect(ipAddress.validateName("ten")).toMatch(/^must be a valid IP address/);
    expect(ipAddress.validateName("fd00::1")).toBeUndefined();
    expect(ipAddress.validateName("FD00:0::1")).toBe('must be in canonical form ("fd00::1")');
    const object = { apiVersion, kind: "IPAddress", metadata: { name: "10.0.0.1" } };
    expect(errorsOf(ipAddress, object)).toEqual(["spec.parentRef: Required value"]);
    const spec = { parentRef: { resource: "services", namespace: "default", name: "web" } };
    expect(cellsOf(ipAddress, { ...object, spec })["ParentRef"]).toBe("services/default/web");
  });
});
