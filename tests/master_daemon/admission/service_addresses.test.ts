import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi } from "../apiserver/_api.ts";

const services = "/api/v1/namespaces/default/services";
const merge = { "content-type": "application/merge-patch+json" };

/** The API of these tests hands out 10.96.0.0/24 and 30000-30009. */
function serviceObject(name: string, spec: JsonObject = {}): JsonObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
}

describe("service addresses", () => {
  it("every service gets an address of its own, never the first of the range", async () => {
    const api = await openApi();
    const seen = new Set<string>();
    for (let n = 0; n < 40; n++) {
      const { json } = await api.create(services, serviceObject(`s${n}`));
      expect(json.spec.clusterIPs).toEqual([json.spec.clusterIP]);
      seen.add(json.spec.clusterIP);
    }
    expect(seen.size).toBe(40);
    expect([...seen].every((address) => /^10\.96\.0\.([2-9]|\d\d|1\d\d|2[0-4]\d|25[0-4])$/.test(address))).toBe(true);
    expect(seen.has("10.96.0.1")).toBe(false);
  });

  it("headless and external services get none", async () => {
    const api = await openApi();
    expect((await api.create(services, serviceObject("h", { clusterIP: "None" }))).json.spec).toMatchObject({
      clusterIP: "None",
      clusterIPs: ["None"],
    });
    const external = await api.create(
      services,
      serviceObject("e", { type: "ExternalName", externalName: "example.com" }),
    );
    expect(external.json.spec.clusterIP).toBeUndefined();
  });

  it.each([
    [
      { clusterIP: "10.96.0.7" },
      'spec.clusterIPs: Invalid value: ["10.96.0.7"]: failed to allocate IP 10.96.0.7: provided IP is already allocated',
    ],
    [
      { clusterIP: "10.96.0.1" },
      'spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    ],
    [
      { clusterIP: "10.97.0.7" },
      'spec.clusterIPs: Invalid value: ["10.97.0.7"]: failed to allocate IP 10.97.0.7: the provided IP (10.97.0.7) is not in the valid range. The range of valid IPs is 10.96.0.0/24',
    ],
    [
      { type: "NodePort", ports: [{ port: 80, nodePort: 30005 }] },
      "spec.ports[0].nodePort: Invalid value: 30005: provided port is already allocated",
    ],
    [
      { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] },
      "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30009",
    ],
  ])("refuses %j", async (spec, message) => {
    const api = await openApi();
    await api.create(
      services,
      serviceObject("first", { clusterIP: "10.96.0.7", type: "NodePort", ports: [{ port: 80, nodePort: 30005 }] }),
    );
    const { json } = await api.create(services, serviceObject("second", spec));
    expect([json.code, json.message]).toEqual([422, `Service "second" is invalid: ${message}`]);
  });

  it.each<[JsonObject, string]>([
    [
      { clusterIPs: ["10.96.0.7"] },
      'spec.clusterIPs: Invalid value: ["10.96.0.7"]: must be empty when `clusterIP` is not specified',
    ],
    [
      { clusterIP: "10.96.0.8", clusterIPs: ["10.96.0.7"] },
      'spec.clusterIPs: Invalid value: ["10.96.0.7"]: first value must match `clusterIP`',
    ],
    [
      { clusterIP: "x", type: "NodePort", ports: [{ port: 0, nodePort: 80 }] },
      'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [{ ipFamilies: ["IPv5"] }, 'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
    [
      { clusterIP: "None", clusterIPs: ["None", "x"] },
      `[spec.clusterIPs: Invalid value: ["None","x"]: 'None' must be the first and only value, spec.clusterIPs[1]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)]`,
    ],
  ])("looks for nothing where %j makes no sense", async (spec, message) => {
    const api = await openApi();
    const { json } = await api.create(services, serviceObject("s", spec));
    expect([json.code, json.message]).toEqual([422, `Service "s" is invalid: ${message}`]);
  });

  it.each<[JsonObject, unknown]>([
    [{ clusterIP: "" }, "10.96.0.7"],
    [{ clusterIP: null, clusterIPs: null }, "10.96.0.7"],
    [
      { clusterIP: "10.96.0.8" },
      'Service "s" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set',
    ],
    [
      { clusterIP: "10.96.0.8", clusterIPs: null },
      'Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.7"]: first value must match `clusterIP`',
    ],
    [
      { clusterIPs: ["10.96.0.8"] },
      'Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.8"]: first value must match `clusterIP`',
    ],
  ])("a patch of %j is answered with %j", async (spec, expected) => {
    const api = await openApi();
    await api.create(services, serviceObject("s", { clusterIP: "10.96.0.7" }));
    const { json } = await api.call("PATCH", `${services}/s`, { spec }, merge);
    expect(json.message ?? json.spec.clusterIP).toBe(expected);
  });

  it.each<[JsonObject, readonly string[], string]>([
    [{}, ["IPv4"], "SingleStack"],
    [{ ipFamilyPolicy: "PreferDualStack" }, ["IPv4"], "PreferDualStack"],
    [{ clusterIP: "None", selector: { app: "a" } }, ["IPv4"], "SingleStack"],
    [{ clusterIP: "None" }, ["IPv4", "IPv6"], "RequireDualStack"],
    [{ clusterIP: "None", ipFamilyPolicy: "SingleStack" }, ["IPv4"], "SingleStack"],
  ])("%j is of the families %j by the policy %s", async (spec, ipFamilies, ipFamilyPolicy) => {
    const api = await openApi();
    expect((await api.create(services, serviceObject("s", spec))).json.spec).toMatchObject({
      ipFamilies,
      ipFamilyPolicy,
    });
  });

  it.each<[JsonObject, string]>([
    [
      { ipFamilyPolicy: "RequireDualStack" },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    [{ ipFamilies: ["IPv6"] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
  ])("refuses the families of %j", async (spec, message) => {
    const api = await openApi();
    const { json } = await api.create(services, serviceObject("s", spec));
    expect([json.code, json.message]).toEqual([422, `Service "s" is invalid: ${message}`]);
  });

  describe("with a range of each family", () => {
    const openBoth = () => openApi({ clusterIpRange: "10.96.0.0/24,fd00:10::/120" });
    const v4 = expect.stringMatching(/^10\.96\.0\.\d+$/);
    const v6 = expect.stringMatching(/^fd00:10::[0-9a-f]{1,2}$/);

    it.each<[JsonObject, readonly string[], readonly unknown[]]>([
      [{}, ["IPv4"], [v4]],
      [{ ipFamilies: ["IPv6"] }, ["IPv6"], [v6]],
      [{ ipFamilyPolicy: "PreferDualStack" }, ["IPv4", "IPv6"], [v4, v6]],
      [{ ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6"] }, ["IPv6", "IPv4"], [v6, v4]],
      [{ ipFamilyPolicy: "RequireDualStack", clusterIP: "fd00:10::77" }, ["IPv6", "IPv4"], ["fd00:10::77", v4]],
      [{ clusterIP: "fd00:10::77" }, ["IPv6"], ["fd00:10::77"]],
      [{ clusterIP: "None", selector: { a: "b" }, ipFamilyPolicy: "PreferDualStack" }, ["IPv4", "IPv6"], ["None"]],
    ])("%j is of the families %j", async (spec, ipFamilies, clusterIPs) => {
      const api = await openBoth();
      const { json } = await api.create(services, serviceObject("s", spec));
      expect(json.spec).toMatchObject({ ipFamilies, clusterIPs, clusterIP: clusterIPs[0] });
    });

    it.each<[JsonObject, string]>([
      [
        { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4", "IPv6"] },
        `spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified`,
      ],
      [
        { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9", "fd00:10::9"] },
        `spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified`,
      ],
      [
        { clusterIP: "fd00:11::1" },
        'spec.clusterIPs: Invalid value: ["fd00:11::1"]: failed to allocate IP fd00:11::1: the provided IP (fd00:11::1) is not in the valid range. The range of valid IPs is fd00:10::/120',
      ],
      [
        { clusterIP: "fd00:10:0::7" },
        'spec.clusterIPs: Invalid value: ["fd00:10:0::7"]: failed to allocate IP fd00:10:0::7: provided IP is already allocated',
      ],
    ])("refuses %j", async (spec, message) => {
      const api = await openBoth();
      await api.create(services, serviceObject("first", { clusterIP: "fd00:10::7" }));
      const { json } = await api.create(services, serviceObject("s", spec));
      expect([json.code, json.message]).toEqual([422, `Service "s" is invalid: ${message}`]);
    });

    it("a service gets its second address later, and gives it back, but never its first", async () => {
      const api = await openBoth();
      const { json: made } = await api.create(services, serviceObject("s"));
      const [first] = made.spec.clusterIPs;
      const patch = (spec: JsonObject) => api.call("PATCH", `${services}/s`, { spec }, merge);
      const { json: both } = await patch({ ipFamilyPolicy: "RequireDualStack" });
      expect(both.spec).toMatchObject({ clusterIPs: [first, v6], ipFamilies: ["IPv4", "IPv6"] });
      const second = both.spec.clusterIPs[1];
      const other = serviceObject("other", { clusterIP: second });
      expect((await api.create(services, other)).status).toBe(422);
      expect((await patch({ clusterIPs: [first] })).json.message).toContain(
        "must be 'SingleStack' to release the secondary cluster IP",
      );
      const { json: single } = await patch({ ipFamilyPolicy: "SingleStack" });
      expect(single.spec).toMatchObject({ clusterIPs: [first], ipFamilies: ["IPv4"] });
      expect((await api.create(services, other)).status).toBe(201);
    });

    it("every service gets addresses of its own", async () => {
      const api = await openBoth();
      const seen = new Set<string>();
      for (let n = 0; n < 40; n++) {
        const { json } = await api.create(services, serviceObject(`s${n}`, { ipFamilyPolicy: "RequireDualStack" }));
        for (const address of json.spec.clusterIPs) seen.add(address);
      }
      expect(seen.size).toBe(80);
    });

    it.each([
      ["fd00::/112", "the first must be an IPv4 range"],
      ["10.96.0.0/24,10.97.0.0/24", "must be of different IP families"],
      ["10.96.0.0/24,fd00::/64", "an IPv6 range of prefix 84 to 125"],
      ["10.96.0.0/24,fd00::/112,fd01::/112", "there may be two ranges"],
    ])("the ranges %s are refused", async (clusterIpRange, message) => {
      await expect(openApi({ clusterIpRange })).rejects.toThrow(message);
    });
  });

  it("a balancer that keeps client addresses gets a port to ask for health, for as long as it does", async () => {
    const api = await openApi();
    const local = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
    const { json } = await api.create(services, serviceObject("lb", local));
    const port = json.spec.healthCheckNodePort;
    expect(port).toBeGreaterThanOrEqual(30000);
    expect(port).not.toBe(json.spec.ports[0].nodePort);
    const taken = await api.create(services, serviceObject("other", { ...local, healthCheckNodePort: port }));
    expect(taken.json).toMatchObject({
      code: 500,
      message: expect.stringContaining(
        `failed to allocate requested HealthCheck NodePort ${port}: provided port is already allocated`,
      ),
    });
    const kept = await api.call("PUT", `${services}/lb`, {
      ...serviceObject("lb", local),
      metadata: { name: "lb", resourceVersion: json.metadata.resourceVersion },
    });
    expect(kept.json.spec.healthCheckNodePort).toBe(port);
    const cluster = { spec: { externalTrafficPolicy: "Cluster" } };
    const dropped = await api.call("PATCH", `${services}/lb`, cluster, merge);
    expect(dropped.json.spec.healthCheckNodePort).toBeUndefined();
  });

  it("TCP and UDP of one service may share a node port", async () => {
    const api = await openApi();
    const ports = [
      { name: "t", port: 53, protocol: "TCP", nodePort: 30003 },
      { name: "u", port: 53, protocol: "UDP", nodePort: 30003 },
    ];
    expect((await api.create(services, serviceObject("dns", { type: "NodePort", ports }))).status).toBe(201);
  });

  it("a type change allocates and frees node ports; what an update leaves out stays", async () => {
    const api = await openApi();
    const { json: created } = await api.create(services, serviceObject("s"));
    const { json: nodePort } = await api.call("PATCH", `${services}/s`, { spec: { type: "NodePort" } }, merge);
    const [port] = nodePort.spec.ports;
    expect(port.nodePort).toBeGreaterThanOrEqual(30000);
    const put = await api.call("PUT", `${services}/s`, serviceObject("s", { type: "NodePort" }));
    expect([put.json.spec.clusterIP, put.json.spec.ports[0].nodePort]).toEqual([created.spec.clusterIP, port.nodePort]);
    const back = await api.call("PATCH", `${services}/s`, { spec: { type: "ClusterIP" } }, merge);
    expect(back.json.spec.ports[0].nodePort).toBeUndefined();
    const taken = serviceObject("t", { type: "NodePort", ports: [{ port: 80, nodePort: port.nodePort }] });
    expect((await api.create(services, taken)).status).toBe(201);
  });

  it.each<[string, JsonObject, JsonObject]>([
    ["as it was read", {}, {}],
    ["with its address cleared", {}, { clusterIP: "" }],
    ["of no address", { clusterIP: "None" }, {}],
    ["with ports of nodes", { type: "NodePort" }, {}],
  ])("a service %s becomes a name outside, and gives back what it had", async (_, spec, change) => {
    const api = await openApi();
    const { json: created } = await api.create(services, serviceObject("s", spec));
    const external = { ...created.spec, ...change, type: "ExternalName", externalName: "example.com" };
    const { status, json } = await api.call("PUT", `${services}/s`, { ...created, spec: external });
    expect([status, json.message]).toEqual([200, undefined]);
    expect(Object.keys(json.spec).filter((name) => /clusterIP|ipFamil/.test(name))).toEqual([]);
    expect(json.spec.ports[0].nodePort).toBeUndefined();
    const address = created.spec.clusterIP;
    expect((await api.create(services, serviceObject("t", { clusterIP: address }))).status).toBe(201);
    const back = await api.call("PATCH", `${services}/s`, { spec: { type: "ClusterIP", externalName: null } }, merge);
    expect(back.json.spec).toMatchObject({ ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
  });

  it("a service that becomes a name outside may not be given another address", async () => {
    const api = await openApi();
    const { json: created } = await api.create(services, serviceObject("s"));
    const spec = { ...created.spec, type: "ExternalName", externalName: "a.b", ipFamilies: ["IPv6"] };
    const { status, json } = await api.call("PUT", `${services}/s`, { ...created, spec });
    expect([status, json.details?.causes.map(({ field }: { field: string }) => field)]).toEqual([
      422,
      ["spec.ipFamilies"],
    ]);
  });

  it("gives back what a deleted, failed or dry-run service had", async () => {
    const api = await openApi();
    const all = Array.from({ length: 10 }, (_, n) => 30000 + n);
    const ask = (name: string) => api.create(services, serviceObject(name, { type: "NodePort" }));
    for (let round = 0; round < 12; round++) {
      // Refused by validation, after the allocation: the name is no DNS label.
      expect((await ask("Not_A_Name")).status).toBe(422);
      const dry = await api.call("POST", `${services}?dryRun=All`, serviceObject("d", { type: "NodePort" }));
      expect(dry.json.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30000);
    }
    const got = [];
    for (const port of all) got.push((await ask(`s${port}`)).json.spec.ports[0].nodePort);
    expect(got.sort()).toEqual(all);
    expect((await ask("more")).json).toMatchObject({ code: 500, message: expect.stringContaining("range is full") });
    await api.call("DELETE", `${services}/s30004`);
    await expect.poll(async () => (await ask("more")).status).toBe(201);
  });

  it("hands nothing out twice to requests at the same time", async () => {
    const api = await openApi();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => api.create(services, serviceObject(`s${n}`, { type: "NodePort" }))),
    );
    expect(new Set(answers.map(({ json }) => json.spec.ports[0].nodePort)).size).toBe(10);
    expect(new Set(answers.map(({ json }) => json.spec.clusterIP)).size).toBe(10);
    const racing = await Promise.all(
      ["a", "b", "c"].map((name) => api.create(services, serviceObject(name, { clusterIP: "10.96.0.9" }))),
    );
    expect(racing.map(({ status }) => status).sort()).toEqual([201, 422, 422]);
  });

  it("a service that exists already is refused for its name", async () => {
    const api = await openApi();
    await api.create(services, serviceObject("s", { clusterIP: "10.96.0.7" }));
    expect((await api.create(services, serviceObject("s", { clusterIP: "10.96.0.7" }))).json.reason).toBe(
      "AlreadyExists",
    );
  });
});

describe("default tolerations", () => {
  const pods = "/api/v1/namespaces/default/pods";
  const lost = (key: string, seconds: number) => ({
    key,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: seconds,
  });

  it.each([
    [[], [lost("node.kubernetes.io/not-ready", 300), lost("node.kubernetes.io/unreachable", 300)]],
    [
      [lost("node.kubernetes.io/not-ready", 5)],
      [lost("node.kubernetes.io/not-ready", 5), lost("node.kubernetes.io/unreachable", 300)],
    ],
    [[{ operator: "Exists" }], [{ operator: "Exists" }]],
  ])("%j", async (tolerations, wanted) => {
    const api = await openApi();
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { tolerations, containers: [{ name: "c", image: "i" }] },
    };
    expect((await api.create(pods, pod)).json.spec.tolerations).toEqual(wanted);
  });
});
