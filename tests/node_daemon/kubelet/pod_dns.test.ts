import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Pod, PodSpec } from "../../../core/kinds/pod.ts";
import { formatResolverConfig, parseResolverConfig } from "../../../core/platform/resolver_config.ts";
import { podDns } from "../../../node_daemon/kubelet/pod_dns.ts";
import { openTestNode } from "./cluster.ts";

const node = { nameservers: ["192.0.2.53"], searches: ["example.org"], options: ["timeout:1"] };

function podOf(spec: Partial<PodSpec>): Pod {
  const metadata = { name: "web", namespace: "shop", uid: "u1" };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [], ...spec } };
}

const plan = (spec: Partial<PodSpec>, options: Partial<Parameters<typeof podDns>[1]> = {}) =>
  podDns(podOf(spec), { servers: ["10.96.0.10"], domain: "cluster.local", node, ...options });

const cluster = [
  "search shop.svc.cluster.local svc.cluster.local cluster.local example.org",
  "nameserver 10.96.0.10",
  "options ndots:5",
];
const host = ["search example.org", "nameserver 192.0.2.53", "options timeout:1"];

describe("podDns()", () => {
  it.each<readonly [what: string, spec: Partial<PodSpec>, lines: readonly string[]]>([
    ["ClusterFirst", { dnsPolicy: "ClusterFirst" }, cluster],
    ["ClusterFirst in the node's network", { dnsPolicy: "ClusterFirst", hostNetwork: true }, host],
    ["ClusterFirstWithHostNet", { dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true }, cluster],
    ["Default", { dnsPolicy: "Default" }, host],
    [
      "None",
      {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["1.2.3.4"],
          searches: ["a.b"],
          options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
        },
      },
      ["search a.b", "nameserver 1.2.3.4", "options ndots:2 edns0"],
    ],
    [
      "ClusterFirst with a word of the pod's own, which goes before",
      {
        dnsPolicy: "ClusterFirst",
        dnsConfig: {
          nameservers: ["10.96.0.10", "1.2.3.4"],
          searches: ["svc.cluster.local", "a.b"],
          options: [{ name: "ndots", value: "1" }],
        },
      },
      [`${cluster[0]} a.b`, "nameserver 10.96.0.10", "nameserver 1.2.3.4", "options ndots:1"],
    ],
  ])("%s", (_, spec, lines) => {
    const { config, warnings } = plan(spec);
    expect(formatResolverConfig(config)).toBe(`${lines.join("\n")}\n`);
    expect(warnings).toEqual([]);
  });

  it("falls back to the node's resolvers where nobody answers, and says so in Kubernetes' words", () => {
    const { config, warnings } = plan({}, { servers: [] });
    expect(config).toEqual(node);
    expect(warnings).toEqual([
      {
        reason: "MissingClusterDNS",
        message:
          'pod: "web_shop(u1)". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.',
      },
    ]);
  });

  it("asks the pod's own machine where pods are to use nothing of the node", () => {
    expect(plan({ dnsPolicy: "Default" }, { node: undefined }).config).toEqual({
      nameservers: ["127.0.0.1"],
      searches: ["."],
      options: [],
    });
  });

  it("leaves out what is more than programs read, and says what is left", () => {
    const nameservers = ["1.1.1.1", "2.2.2.2", "3.3.3.3"];
    const searches = Array.from({ length: 32 }, (_, at) => `s${at}`);
    const { config, warnings } = plan({ dnsConfig: { nameservers, searches } });
    expect(config.nameservers).toEqual(["10.96.0.10", "1.1.1.1", "2.2.2.2"]);
    expect(config.searches).toHaveLength(32);
    expect(warnings).toEqual([
      {
        reason: "DNSConfigForming",
        message:
          "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 1.1.1.1 2.2.2.2",
      },
      {
        reason: "DNSConfigForming",
        message: `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${config.searches.join(" ")}`,
      },
    ]);
    const long = plan({ dnsConfig: { searches: Array.from({ length: 20 }, (_, at) => `${at}.${"x".repeat(200)}`) } });
    expect(long.config.searches.join(" ").length).toBeLessThanOrEqual(2048);
  });
});

describe("resolv.conf", () => {
  it("is read as resolvers read it", () => {
    const text =
      "# by hand\nnameserver 1.2.3.4 \n;nameserver 9.9.9.9\nsearch a.b\n\tsearch c.d. e.f .\nnameserver\noptions a\noptions ndots:2 b\n";
    expect(parseResolverConfig(text)).toEqual({
      nameservers: ["1.2.3.4"],
      searches: ["c.d", "e.f", "."],
      options: ["ndots:2", "b"],
    });
  });

  it("is given to every container but one that mounts its own", async () => {
    await using world = await openTestNode();
    const app = { name: "app", image: "img:1", command: ["run"] };
    await world.run({
      volumes: [{ name: "own", emptyDir: {} }],
      containers: [app, { ...app, name: "own", volumeMounts: [{ name: "own", mountPath: "/etc/resolv.conf" }] }],
    });
    await world.soon(async () => world.started.length === 2);
    const [given, own] = [...world.started]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ mounts }) => mounts.filter(({ containerPath }) => containerPath === "/etc/resolv.conf"));
    expect(await readFile(given?.[0]?.hostPath ?? "", "utf8")).toBe(
      "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
    );
    expect(own).toHaveLength(1);
    expect(own?.[0]?.hostPath).toMatch(/emptyDir\/own$/);
  });
});
