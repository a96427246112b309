import { describe, expect, it } from "vitest";
import type { Service, ServiceSpec } from "../../../core/kinds/mod.ts";
import { service } from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf, serviceOf, updateErrorsOf } from "./fixtures.ts";

const defaultsOf = (spec: Partial<ServiceSpec>) => service.strategy.applyDefaults(serviceOf(spec)).spec;
const port = { port: 80, protocol: "TCP", targetPort: 80 };

describe("service", () => {
  it.each<[string, Partial<ServiceSpec>, object]>([
    [
      "ClusterIP",
      {},
      {
        type: "ClusterIP",
        sessionAffinity: "None",
        internalTrafficPolicy: "Cluster",
        ports: [port],
        selector: { app: "web" },
      },
    ],
    [
      "NodePort",
      { type: "NodePort", selector: {} },
      {
        type: "NodePort",
        sessionAffinity: "None",
        internalTrafficPolicy: "Cluster",
        externalTrafficPolicy: "Cluster",
        ports: [port],
        selector: {},
      },
    ],
  ])("applyDefaults() fills what Kubernetes documents for %s", (_, spec, expected) => {
    expect(defaultsOf(spec)).toEqual(expected);
  });

  it("applyDefaults() times ClientIP affinity and forgets its time without it", () => {
    expect(defaultsOf({ sessionAffinity: "ClientIP" })?.sessionAffinityConfig).toEqual({
      clientIP: { timeoutSeconds: 10_800 },
    });
    expect(
      defaultsOf({ sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } })?.sessionAffinityConfig,
    ).toBeUndefined();
  });

  it.each<[string, Partial<ServiceSpec>, string[]]>([
    ["no ports", { ports: [] }, ["spec.ports: Required value"]],
    ["nameless ports", { ports: [{ port: 80 }, { port: 81, name: "b" }] }, ["spec.ports[0].name: Required value"]],
    [
      "port 0",
      { ports: [{ port: 0, targetPort: 80 }] },
      ["spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
    ],
    [
      "a bad name of a target",
      { ports: [{ port: 80, targetPort: "a--b" }] },
      ['spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens'],
    ],
    [
      "one port twice",
      {
        ports: [
          { name: "a", port: 80 },
          { name: "b", port: 80 },
        ],
      },
      [
        'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
      ],
    ],
    [
      "a node port it has no use for",
      { ports: [{ port: 80, nodePort: 30_000 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      "an unknown type",
      { type: "Magic" as "ClusterIP" },
      [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    ["no external name", { type: "ExternalName" }, ["spec.externalName: Required value"]],
    [
      "an external address on the node itself",
      { externalIPs: ["127.0.0.1"] },
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      "no cluster IP",
      { clusterIP: "x" },
      ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [
      "too long an affinity",
      { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } },
      [
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400",
      ],
    ],
    [
      "a policy for traffic that cannot come",
      { externalTrafficPolicy: "Local" },
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    [
      "a port to ask for health that nobody asks",
      { healthCheckNodePort: 30_000 },
      [
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
    ],
    [
      "no port to ask for health",
      { type: "LoadBalancer", externalTrafficPolicy: "Local" },
      ["spec.healthCheckNodePort: Required value"],
    ],
    [
      "what is for balancers",
      { loadBalancerSourceRanges: ["10.0.0.0/8"], loadBalancerClass: "a/b", allocateLoadBalancerNodePorts: false },
      ["LoadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "loadBalancerClass"].map(
        (name) => `spec.${name}: Forbidden: may only be used when \`type\` is 'LoadBalancer'`,
      ),
    ],
    [
      "no range of sources",
      { type: "LoadBalancer", loadBalancerSourceRanges: [" 10.0.0.0/8 ", "10.0.0.0"] },
      [
        'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    [
      "addresses under an external name",
      { type: "ExternalName", externalName: "a.b.", clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"] },
      ["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
    ],
    [
      "families under an external name",
      { type: "ExternalName", externalName: "a.b", ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" },
      [
        "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
        "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
      ],
    ],
    [
      "an unknown family, twice",
      { ipFamilies: ["IPv5" as "IPv4", "IPv5" as "IPv4"], ipFamilyPolicy: "Any" as "SingleStack" },
      [
        'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
        'spec.ipFamilies[1]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
        'spec.ipFamilies[1]: Duplicate value: "IPv5"',
        'spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
      ],
    ],
    [
      "an address of the other family",
      { clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"], ipFamilies: ["IPv6"] },
      ['spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`'],
    ],
    [
      "two addresses of one family",
      { clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "10.0.0.2"] },
      ['spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family'],
    ],
    [
      "an unknown distribution",
      { trafficDistribution: "Far" },
      [
        'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
      ],
    ],
  ])("service names the field, when it has %s", (_, spec, errors) => {
    expect(errorsOf(service, serviceOf(spec))).toEqual(errors);
  });

  it("headless services need no ports", () => {
    expect(errorsOf(service, serviceOf({ clusterIP: "None", ports: [] }))).toEqual([]);
  });

  it("the cluster IP may not change once set", () => {
    const previous = serviceOf({ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"] });
    expect(updateErrorsOf(service, serviceOf({ clusterIP: "10.0.0.2", clusterIPs: ["10.0.0.2"] }), previous)).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    ]);
  });

  it.each<[string, Partial<ServiceSpec>, Partial<ServiceSpec>, string[]]>([
    [
      "the class of what balances it",
      { type: "LoadBalancer", loadBalancerClass: "a/b" },
      { type: "LoadBalancer", loadBalancerClass: "a/c" },
      ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'],
    ],
    [
      "the port asked for its health",
      { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 30_001 },
      { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 30_002 },
      ["spec.healthCheckNodePort: Forbidden: field is immutable"],
    ],
    [
      "its family",
      { clusterIP: "10.0.0.1", ipFamilies: ["IPv4"] },
      { clusterIP: "10.0.0.1", ipFamilies: ["IPv6"] },
      ['spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set'],
    ],
    [
      "its second address, while it is of both families",
      { clusterIPs: ["10.0.0.1", "fd00::1"], ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "PreferDualStack" },
      { clusterIPs: ["10.0.0.1"], ipFamilies: ["IPv4"], ipFamilyPolicy: "PreferDualStack" },
      [
        "spec.clusterIPs[0]: Invalid value: [\"10.0.0.1\"]: `ipFamilyPolicy` must be set to 'SingleStack' when releasing the secondary clusterIP",
        "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to 'SingleStack' when releasing the secondary ipFamily",
      ],
    ],
    [
      "nothing that it may not: its second address",
      { clusterIPs: ["10.0.0.1", "fd00::1"], ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "PreferDualStack" },
      { clusterIPs: ["10.0.0.1"], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" },
      [],
    ],
  ])("an update may not change %s", (_, previous, next, errors) => {
    expect(updateErrorsOf(service, serviceOf(next), serviceOf(previous))).toEqual(errors);
  });

  it("the status names addresses that traffic can be sent to, of balancers alone", () => {
    const statusErrors = (ingress: object[], spec: Partial<ServiceSpec> = { type: "LoadBalancer" }) => {
      const object: Service = service.strategy.applyDefaults({
        ...serviceOf(spec),
        status: { loadBalancer: { ingress } },
      });
      return service.strategy
        .validateStatusUpdate(object, object, { localRanges: [] })
        .map(({ field, message }) => `${field}: ${message}`);
    };
    expect(statusErrors([{ ip: "10.0.0.1" }, { hostname: "a.b" }])).toEqual([]);
    expect(statusErrors([{ ip: "10.0.0.1" }], {})).toEqual([
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    ]);
    expect(
      statusErrors([
        { ip: "x", ipMode: "Odd" },
        { hostname: "10.0.0.1", ipMode: "VIP" },
      ]),
    ).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[0].ipMode: Unsupported value: "Odd": supported values: "Proxy", "VIP"',
      "status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set",
      'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ]);
  });

  it("names are RFC 1035 labels", () => {
    expect(service.validateName("a1")).toBeUndefined();
    expect(service.validateName("1a")).toMatch(/^a DNS-1035 label must consist of lower case/);
  });

  it("prepareForUpdate() keeps addresses and node ports that an apply leaves out", () => {
    const previous: Service = {
      ...serviceOf({
        type: "NodePort",
        clusterIP: "10.0.0.1",
        clusterIPs: ["10.0.0.1"],
        ports: [{ port: 80, protocol: "TCP", nodePort: 30_001 }],
      }),
      status: { loadBalancer: {} },
    };
    const next = service.strategy.prepareForUpdate(
      serviceOf({
        type: "NodePort",
        ports: [
          { port: 80, protocol: "TCP" },
          { name: "b", port: 81, protocol: "TCP" },
        ],
      }),
      previous,
    );
    expect(next.spec).toMatchObject({ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"] });
    expect(next.spec?.ports?.map((p) => p.nodePort)).toEqual([30_001, undefined]);
    expect(next.status).toEqual({ loadBalancer: {} });
  });

  it("prepareForUpdate() drops node ports and addresses when the new type has no use for them", () => {
    const ports = [{ port: 80, protocol: "TCP", nodePort: 30_001 } as const];
    const previous = serviceOf({
      type: "NodePort",
      clusterIP: "10.0.0.1",
      clusterIPs: ["10.0.0.1"],
      ports,
      externalTrafficPolicy: "Cluster",
    });
    const toClusterIp = service.strategy.prepareForUpdate(
      { ...previous, spec: { ...previous.spec, type: "ClusterIP" } },
      previous,
    );
    expect(toClusterIp.spec?.ports).toEqual([{ port: 80, protocol: "TCP" }]);
    expect(toClusterIp.spec?.externalTrafficPolicy).toBeUndefined();
    expect(toClusterIp.spec?.clusterIP).toBe("10.0.0.1");
    const toName = service.strategy.prepareForUpdate(
      { ...previous, spec: { ...previous.spec, type: "ExternalName", externalName: "a.b" } },
      previous,
    );
    expect(toName.spec?.clusterIP).toBeUndefined();
  });

  it.each<[string, Partial<ServiceSpec>, object]>([
    [
      "ClusterIP",
      { type: "ClusterIP", clusterIP: "10.0.0.1" },
      { "Cluster-IP": "10.0.0.1", "External-IP": "<none>", "Port(s)": "80/TCP", Selector: "app=web" },
    ],
    [
      "NodePort",
      { type: "NodePort", ports: [{ ...port, protocol: "TCP", nodePort: 30_001 }] },
      { "Cluster-IP": "<none>", "Port(s)": "80:30001/TCP" },
    ],
    ["LoadBalancer", { type: "LoadBalancer" }, { "External-IP": "<pending>" }],
    [
      "ExternalName",
      { type: "ExternalName", externalName: "a.b", ports: [] },
      { "External-IP": "a.b", "Port(s)": "<none>" },
    ],
  ])("columns of %s are kubectl's", (type, spec, cells) => {
    expect(cellsOf(service, service.strategy.applyDefaults(serviceOf(spec)))).toMatchObject({
      Type: type,
      Age: "60m",
      ...cells,
    });
  });
});
