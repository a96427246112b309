import { describe, expect, it } from "vitest";
import type {
  ConfigMap,
  EndpointSlice,
  Endpoints,
  Event,
  Lease,
  Namespace,
  Node,
  Secret,
  ServiceAccount,
} from "../../../core/kinds/mod.ts";
import {
  configMap,
  endpointSlice,
  endpoints,
  event,
  lease,
  namespace,
  node,
  secret,
  serviceAccount,
} from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf, updateErrorsOf } from "./fixtures.ts";

const metadata = { name: "a", namespace: "default", creationTimestamp: "2026-01-31T11:59:00Z" };
const keyRule = `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`;

describe("config map", () => {
  const of = (more: Partial<ConfigMap>): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata, ...more });

  it("keys, their uniqueness and the size are checked", () => {
    expect(errorsOf(configMap, of({ data: { "a b": "" } }))).toEqual([`data[a b]: Invalid value: "a b": ${keyRule}`]);
    expect(errorsOf(configMap, of({ data: { a: "" }, binaryData: { a: "" } }))).toEqual([
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ]);
    expect(errorsOf(configMap, of({ data: { a: "x".repeat(1024 * 1024) } }))).toEqual([]);
    expect(errorsOf(configMap, of({ data: { a: "é".repeat(512 * 1024), b: "x" } }))).toEqual([
      "[]: Too long: may not be more than 1048576 bytes",
    ]);
  });

  it("an immutable one stays as it is", () => {
    const previous = of({ data: { a: "1" }, immutable: true });
    expect(updateErrorsOf(configMap, of({ data: { a: "2" } }), previous)).toEqual([
      "immutable: Forbidden: field is immutable when `immutable` is set",
      "data: Forbidden: field is immutable when `immutable` is set",
    ]);
    expect(updateErrorsOf(configMap, of({ data: { a: "2" }, immutable: true }), of({ data: {} }))).toEqual([]);
  });

  it("columns are kubectl's", () => {
    expect(cellsOf(configMap, of({ data: { a: "" }, binaryData: { b: "" } }))).toEqual({
      Name: "a",
      Data: "2",
      Age: "60s",
    });
  });
});

describe("secret", () => {
  const of = (more: Partial<Secret>): Secret => ({ apiVersion: "v1", kind: "Secret", metadata, ...more });

  it("stringData is merged into data, and wins", () => {
    const object = of({ data: { a: "YQ==", b: "Yg==" }, stringData: { a: "é", __proto__x: "1" } });
    expect(secret.strategy.applyDefaults(object)).toEqual(
      of({ type: "Opaque", data: { a: "w6k=", b: "Yg==", __proto__x: "MQ==" } }),
    );
  });

  it("a key called __proto__ is a key like any other", () => {
    const object = JSON.parse(
      '{"apiVersion":"v1","kind":"Secret","metadata":{},"stringData":{"__proto__":"a"}}',
    ) as Secret;
    expect(Object.entries(secret.strategy.applyDefaults(object).data ?? {})).toEqual([["__proto__", "YQ=="]]);
  });

  it.each<[string, Partial<Secret>, string[]]>([
    ["kubernetes.io/tls", { data: { "tls.crt": "" } }, ["data[tls.key]: Required value"]],
    ["kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]: Required value"]],
    ["kubernetes.io/basic-auth", { data: { username: "" } }, []],
    [
      "kubernetes.io/service-account-token",
      {},
      ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    ],
    ["Opaque", { data: { "a/b": "" } }, [`data[a/b]: Invalid value: "a/b": ${keyRule}`]],
  ])("a secret of type %s is checked", (type, more, errors) => {
    expect(errorsOf(secret, of({ type, ...more }))).toEqual(errors);
  });

  it("the type is immutable, and kept when left out", () => {
    expect(updateErrorsOf(secret, of({ type: "a" }), of({ type: "b" }))).toEqual([
      'type: Invalid value: "a": field is immutable',
    ]);
    expect(secret.strategy.prepareForUpdate(of({}), of({ type: "b" })).type).toBe("b");
  });

  it("columns and fields are kubectl's, and show no data", () => {
    const object = of({ type: "Opaque", data: { a: "YQ==" } });
    expect(cellsOf(secret, object)).toEqual({ Name: "a", Type: "Opaque", Data: "1", Age: "60s" });
    expect(secret.strategy.fields(object)).toEqual({ type: "Opaque" });
  });
});

describe("endpoints", () => {
  const of = (ip: string): Endpoints => ({
    apiVersion: "v1",
    kind: "Endpoints",
    metadata,
    subsets: [{ addresses: [{ ip }], ports: [{ port: 80 }] }],
  });

  it.each([
    ["127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["::ffff:127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["fe80::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["0.0.0.0", "may not be unspecified (0.0.0.0)"],
    ["10.0.0.256", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)", "must be a valid IP address"],
    ["010.0.0.1", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)", "must be a valid IP address"],
  ])("the address %s is refused", (ip, ...reasons) => {
    expect(errorsOf(endpoints, of(ip))).toEqual(
      reasons.map((reason) => `subsets[0].addresses[0].ip: Invalid value: ${JSON.stringify(ip)}: ${reason}`),
    );
  });

  it("loopback addresses of the cluster's own ranges are fine, others still are not", () => {
    expect(errorsOf(endpoints, of("127.64.3.1"), ["127.64.0.0/12"])).toEqual([]);
    expect(errorsOf(endpoints, of("127.0.0.1"), ["127.64.0.0/12"])).toHaveLength(1);
    expect(errorsOf(endpoints, of("10.0.0.1"))).toEqual([]);
    expect(errorsOf(endpoints, of("2001:db8::1"))).toEqual([]);
  });

  it("an empty subset is refused", () => {
    expect(errorsOf(endpoints, { ...of("10.0.0.1"), subsets: [{}] })).toEqual([
      "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
    ]);
  });

  it("the column shows three addresses and counts the rest", () => {
    const addresses = [1, 2, 3, 4].map((n) => ({ ip: `10.0.0.${n}` }));
    const object = { ...of("10.0.0.1"), subsets: [{ addresses, ports: [{ port: 80 }] }] };
    expect(cellsOf(endpoints, object)["Endpoints"]).toBe("10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...");
    expect(cellsOf(endpoints, { ...object, subsets: [] })["Endpoints"]).toBe("<none>");
  });
});

describe("endpoint slice", () => {
  const of = (more: Partial<EndpointSlice> = {}): EndpointSlice => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata,
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"] }],
    ports: [{ port: 80 }],
    ...more,
  });

  it("applyDefaults() names ports and gives them a protocol", () => {
    expect(endpointSlice.strategy.applyDefaults(of()).ports).toEqual([{ port: 80, name: "", protocol: "TCP" }]);
  });

  it.each<[string, Partial<EndpointSlice>, string[]]>([
    [
      "an unknown type",
      { addressType: "X" as "IPv4" },
      ['addressType: Unsupported value: "X": supported values: "FQDN", "IPv4", "IPv6"'],
    ],
    [
      "no addresses",
      { endpoints: [{ addresses: [] }] },
      ["endpoints[0].addresses: Required value: must contain at least 1 address"],
    ],
    [
      "another family",
      { endpoints: [{ addresses: ["::1"] }] },
      [
        'endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
        'endpoints[0].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [
      "names that are no domains",
      { addressType: "FQDN", endpoints: [{ addresses: ["", "a"] }] },
      [
        "endpoints[0].addresses[0]: Required value",
        'endpoints[0].addresses[1]: Invalid value: "a": should be a domain with at least two segments separated by dots',
      ],
    ],
    [
      "loopback",
      { endpoints: [{ addresses: ["127.0.0.1"] }] },
      [
        'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    ["two ports of one name", { ports: [{ port: 1 }, { port: 2 }] }, ['ports[1].name: Duplicate value: ""']],
  ])("endpoint slice names the field, when it has %s", (_, more, errors) => {
    expect(errorsOf(endpointSlice, of(more))).toEqual(errors);
  });

  it("the address type is immutable; columns are kubectl's", () => {
    expect(updateErrorsOf(endpointSlice, of({ addressType: "IPv6" }), of())).toEqual([
      'addressType: Invalid value: "IPv6": field is immutable',
    ]);
    expect(cellsOf(endpointSlice, of())).toEqual({
      Name: "a",
      AddressType: "IPv4",
      Ports: "80",
      Endpoints: "10.0.0.1",
      Age: "60s",
    });
    expect(cellsOf(endpointSlice, of({ endpoints: [], ports: [] }))).toMatchObject({
      Ports: "<unset>",
      Endpoints: "<unset>",
    });
  });
});

describe("node", () => {
  const of = (more: Partial<Node> = {}): Node => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1" },
    ...more,
  });

  it("applyDefaults() aligns the pod ranges and copies capacity to allocatable", () => {
    const object = of({ spec: { podCIDR: "10.1.0.0/24" }, status: { capacity: { cpu: 4, memory: "8192Mi" } } });
    expect(node.strategy.applyDefaults(object)).toMatchObject({
      spec: { podCIDRs: ["10.1.0.0/24"] },
      status: { allocatable: { cpu: "4", memory: "8Gi" } },
    });
  });

  it("taints are checked", () => {
    const taint = { key: "a", effect: "NoSchedule" } as const;
    expect(errorsOf(node, of({ spec: { taints: [taint, taint, { key: "b", effect: "X" as "NoSchedule" }] } }))).toEqual(
      [
        'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
        'metadata.taints[2].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      ],
    );
  });

  it("what it has is counted in amounts that can be, and each address stands once", () => {
    const object = of({
      spec: { podCIDRs: ["10.1.0.0/24", "10.1.0.0/24"] },
      status: {
        capacity: { cpu: "-1", pods: "1500m" },
        allocatable: {},
        addresses: [
          { type: "InternalIP", address: "10.0.0.1" },
          { type: "InternalIP", address: "10.0.0.1" },
        ],
      },
    });
    const amounts = [
      'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
      'status.capacity.pods: Invalid value: "1500m": must be an integer',
    ];
    const twice = 'status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"10.0.0.1"}';
    expect(errorsOf(node, object)).toEqual([
      ...amounts,
      'spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
      'spec.podCIDRs[1]: Duplicate value: "10.1.0.0/24"',
    ]);
    expect(
      node.strategy
        .validateStatusUpdate(object, object, { localRanges: [] })
        .map(({ field, message }) => `${field}: ${message}`),
    ).toEqual([...amounts, twice]);
  });

  it("applyDefaults() believes the one range where it is not the first of all", () => {
    const object = of({ spec: { podCIDR: "10.2.0.0/24", podCIDRs: ["10.1.0.0/24", "fd00::/64"] } });
    expect(node.strategy.applyDefaults(object).spec).toEqual({ podCIDR: "10.2.0.0/24", podCIDRs: ["10.2.0.0/24"] });
  });

  it("pod ranges may not change once set", () => {
    expect(
      updateErrorsOf(node, of({ spec: { podCIDR: "10.2.0.0/24" } }), of({ spec: { podCIDR: "10.1.0.0/24" } })),
    ).toEqual(['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid']);
    expect(updateErrorsOf(node, of({ spec: { podCIDR: "10.2.0.0/24" } }), of())).toEqual([]);
  });

  it("columns are kubectl's", () => {
    const object = of({
      metadata: { name: "n1", labels: { "node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge" } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
      },
    });
    expect(cellsOf(node, object)).toMatchObject({
      Name: "n1",
      Status: "Ready,SchedulingDisabled",
      Roles: "edge,worker",
      Age: "<unknown>",
      "Internal-IP": "10.0.0.1",
      "External-IP": "<none>",
    });
    expect(cellsOf(node, of())).toMatchObject({ Status: "Unknown", Roles: "<none>" });
    expect(node.strategy.fields(object)).toEqual({ "spec.unschedulable": "true" });
  });
});

describe("namespace", () => {
  const of = (more: Partial<Namespace> = {}): Namespace => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "a" },
    ...more,
  });

  it("is created active, with its finalizer and its name as a label", () => {
    const { applyDefaults, prepareForCreate } = namespace.strategy;
    expect(prepareForCreate(applyDefaults(of({ status: { phase: "Terminating" } })))).toEqual({
      ...of(),
      metadata: { name: "a", labels: { "kubernetes.io/metadata.name": "a" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  });

  it("finalizers are qualified names, or Kubernetes' own", () => {
    expect(errorsOf(namespace, of({ spec: { finalizers: ["kubernetes", "example.com/a", "mine"] } }))).toEqual([
      'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
  });

  it.each([
    [undefined, "Active", []],
    [undefined, "Terminating", ["\"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"]],
    ["2026-01-31T12:00:00Z", "Terminating", []],
    ["2026-01-31T12:00:00Z", "Active", ["\"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"]],
  ] as const)("deleted at %s it is not otherwise than %s", (deletionTimestamp, phase, reasons) => {
    const metadata = deletionTimestamp ? { name: "a", deletionTimestamp } : { name: "a" };
    const object = of({ metadata, status: { phase } });
    const errors = namespace.strategy.validateStatusUpdate(object, object, { localRanges: [] });
    expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual(
      reasons.map((reason) => `status.Phase: Invalid value: ${reason}`),
    );
  });

  it("an update keeps finalizers and status", () => {
    const previous = of({ spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } });
    expect(namespace.strategy.prepareForUpdate(of({ spec: { finalizers: [] } }), previous)).toEqual(previous);
  });

  it("names are labels, without dots", () => {
    expect(namespace.validateName("a-1")).toBeUndefined();
    expect(namespace.validateName("a.b")).toMatch(/^a lowercase RFC 1123 label/);
  });

  it("columns are kubectl's", () => {
    expect(cellsOf(namespace, of({ status: { phase: "Active" } }))).toEqual({
      Name: "a",
      Status: "Active",
      Age: "<unknown>",
    });
  });
});

describe("event", () => {
  const of = (more: Partial<Event> = {}): Event => ({
    apiVersion: "v1",
    kind: "Event",
    metadata,
    involvedObject: { kind: "Pod", namespace: "default", name: "web", fieldPath: "spec.containers{a}" },
    ...more,
  });

  it("stands in the namespace of what it is about", () => {
    expect(errorsOf(event, of({ involvedObject: { kind: "Pod", namespace: "b" } }))).toEqual([
      'involvedObject.namespace: Invalid value: "b": does not match event.namespace',
    ]);
    expect(errorsOf(event, of({ involvedObject: { kind: "Node", name: "n1" } }))).toEqual([]);
  });

  it("columns are kubectl's", () => {
    const object = of({
      type: "Normal",
      reason: "Pulled",
      message: "Done\n",
      source: { component: "kubelet", host: "n1" },
      firstTimestamp: "2026-01-31T11:50:00Z",
      lastTimestamp: "2026-01-31T11:59:30Z",
      count: 3,
    });
    expect(cellsOf(event, object)).toEqual({
      "Last Seen": "30s",
      Type: "Normal",
      Reason: "Pulled",
      Object: "pod/web",
      Subobject: "spec.containers{a}",
      Source: "kubelet, n1",
      Message: "Done",
      "First Seen": "10m",
      Count: "3",
      Name: "a",
    });
    expect(event.strategy.fields(object)).toMatchObject({
      "involvedObject.name": "web",
      reason: "Pulled",
      source: "kubelet",
    });
  });
});

describe("lease and service account", () => {
  it("a lease lasts some time; its column shows the holder", () => {
    const object: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata,
      spec: { holderIdentity: "h", leaseDurationSeconds: 0 },
    };
    expect(errorsOf(lease, object)).toEqual(["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]);
    expect(cellsOf(lease, object)).toEqual({ Name: "a", Holder: "h", Age: "60s" });
  });

  it("a service account's column counts its secrets", () => {
    const object: ServiceAccount = { apiVersion: "v1", kind: "ServiceAccount", metadata, secrets: [{ name: "s" }] };
    expect(cellsOf(serviceAccount, object)).toEqual({ Name: "a", Secrets: "1", Age: "60s" });
  });
});
