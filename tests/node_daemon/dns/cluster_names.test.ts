import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { createResponder } from "../../../node_daemon/dns/responder.ts";
import { lines, question, read, serviceOf, sliceOf, viewOf } from "./_world.ts";

const http = { name: "http", port: 80 };
const udp = { name: "dns", port: 53, protocol: "UDP" as const };

const view = viewOf(
  [
    serviceOf("web", {
      clusterIP: "10.96.0.20",
      clusterIPs: ["10.96.0.20", "fd00::20"],
      ports: [http, udp, { port: 9 }],
    }),
    serviceOf("plain", { clusterIP: "10.96.0.21", ports: [{ port: 80 }] }),
    serviceOf("db", { clusterIP: "None", ports: [http] }),
    serviceOf("slow", { clusterIP: "None", publishNotReadyAddresses: true }),
    serviceOf("empty", { clusterIP: "None", ports: [http] }),
    serviceOf("away", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" }),
    serviceOf("lost", { type: "ExternalName", externalName: "nobody.shop.svc.cluster.local" }),
    serviceOf("round", { type: "ExternalName", externalName: "round.shop.svc.cluster.local" }),
    serviceOf("number", { type: "ExternalName", externalName: "192.0.2.7" }),
  ],
  [
    sliceOf("db", {
      endpoints: [
        { addresses: ["10.1.0.1"], hostname: "db-0", conditions: { ready: true } },
        { addresses: ["10.1.0.2"] },
        { addresses: ["10.1.0.3"], hostname: "db-2", conditions: { ready: false } },
      ],
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    }),
    sliceOf("db", {
      addressType: "IPv6",
      endpoints: [{ addresses: ["fd00:1::1"], hostname: "db-0", conditions: { ready: true } }],
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    }),
    sliceOf("slow", { endpoints: [{ addresses: ["10.1.0.9"], conditions: { ready: false } }], ports: [] }),
    sliceOf("empty", { endpoints: [{ addresses: ["10.1.0.4"], conditions: { ready: false } }], ports: [] }),
    sliceOf("web", { endpoints: [{ addresses: ["10.1.0.5"] }], ports: [{ name: "http", port: 8080 }] }),
    // Of a service that is not there.
    sliceOf("gone", { endpoints: [{ addresses: ["10.1.0.6"] }], ports: [] }),
  ],
);

const respond = createResponder({
  view,
  domain: ["cluster", "local"],
  servers: () => ["10.96.0.10"],
  forwarder: { forward: async () => undefined },
  clock: new FakeClock(),
  random: () => 0.5,
});

const ask = async (name: string, type: string) => read(await respond(question(name, type), "UDP"));

/** What `dig` would print, and `NXDOMAIN` or `NODATA`. */
async function answer(name: string, type: string): Promise<readonly string[]> {
  const { rcode, answers = [], authorities = [] } = await ask(name, type);
  const found = lines(answers);
  if (rcode === "NOERROR" && found.length > 0) return found;
  expect(lines(authorities)).toEqual(rcode === "SERVFAIL" ? [] : ["cluster.local SOA ns.dns.cluster.local 5"]);
  return [...found, rcode === "NOERROR" ? "NODATA" : rcode];
}

const below = "shop.svc.cluster.local";

describe("names of the cluster", () => {
  it.each<readonly [name: string, type: string, ...answer: string[]]>([
    // 2.2
    ["dns-version.cluster.local", "TXT", "dns-version.cluster.local TXT 1.1.0"],
    ["dns-version.cluster.local", "A", "NODATA"],
    // 2.3.1
    [`web.${below}`, "A", `web.${below} A 10.96.0.20`],
    [`web.${below}`, "AAAA", `web.${below} AAAA fd00::20`],
    [`plain.${below}`, "AAAA", "NODATA"],
    [`plain.${below}`, "MX", "NODATA"],
    [`plain.${below}`, "ANY", `plain.${below} A 10.96.0.21`],
    [`nobody.${below}`, "A", "NXDOMAIN"],
    ["web.market.svc.cluster.local", "A", "NXDOMAIN"],
    [`constructor.${below}`, "A", "NXDOMAIN"],
    ["web.__proto__.svc.cluster.local", "A", "NXDOMAIN"],
    // Names of names: they are there, without records.
    ["svc.cluster.local", "A", "NODATA"],
    [below, "A", "NODATA"],
    ["market.svc.cluster.local", "A", "NXDOMAIN"],
    ["else.cluster.local", "A", "NXDOMAIN"],
    // 2.3.2
    [`_http._tcp.web.${below}`, "SRV", `_http._tcp.web.${below} SRV 0 100 80 web.${below}`],
    [`_dns._udp.web.${below}`, "SRV", `_dns._udp.web.${below} SRV 0 100 53 web.${below}`],
    [`_dns._tcp.web.${below}`, "SRV", "NXDOMAIN"],
    [`_http._tcp.web.${below}`, "A", "NODATA"],
    [`_tcp.web.${below}`, "SRV", "NODATA"],
    [`_sctp.web.${below}`, "SRV", "NXDOMAIN"],
    [`_http._tcp.plain.${below}`, "SRV", "NXDOMAIN"],
    [`a._http._tcp.web.${below}`, "SRV", "NXDOMAIN"],
    // 2.3.3
    ["20.0.96.10.in-addr.arpa", "PTR", `20.0.96.10.in-addr.arpa PTR web.${below}`],
    [`0.2.${"0.".repeat(26)}0.0.d.f.ip6.arpa`, "PTR", `0.2.${"0.".repeat(26)}0.0.d.f.ip6.arpa PTR web.${below}`],
    // 2.4.1
    [`db.${below}`, "A", `db.${below} A 10.1.0.1`, `db.${below} A 10.1.0.2`],
    [`db.${below}`, "AAAA", `db.${below} AAAA fd00:1::1`],
    [`db-0.db.${below}`, "A", `db-0.db.${below} A 10.1.0.1`],
    [`db-0.db.${below}`, "AAAA", `db-0.db.${below} AAAA fd00:1::1`],
    [`10-1-0-2.db.${below}`, "A", `10-1-0-2.db.${below} A 10.1.0.2`],
    [`db-2.db.${below}`, "A", "NXDOMAIN"],
    [`slow.${below}`, "A", `slow.${below} A 10.1.0.9`],
    [`empty.${below}`, "A", "NXDOMAIN"],
    // 2.4.2
    [
      `_http._tcp.db.${below}`,
      "SRV",
      `_http._tcp.db.${below} SRV 0 100 8080 10-1-0-2.db.${below}`,
      `_http._tcp.db.${below} SRV 0 100 8080 db-0.db.${below}`,
    ],
    // 2.4.3
    ["1.0.1.10.in-addr.arpa", "PTR", `1.0.1.10.in-addr.arpa PTR db-0.db.${below}`],
    ["5.0.1.10.in-addr.arpa", "PTR", `5.0.1.10.in-addr.arpa PTR 10-1-0-5.web.${below}`],
    // Not ours: whoever knows other names was asked, and is silent here.
    ["6.0.1.10.in-addr.arpa", "PTR", "SERVFAIL"],
    ["1.0.10.in-addr.arpa", "PTR", "SERVFAIL"],
    ["example.org", "A", "SERVFAIL"],
    // 2.5
    [`away.${below}`, "CNAME", `away.${below} CNAME web.${below}`],
    [`away.${below}`, "A", `away.${below} CNAME web.${below}`, `web.${below} A 10.96.0.20`],
    [`lost.${below}`, "A", `lost.${below} CNAME nobody.${below}`, "NXDOMAIN"],
    [`away.${below}`, "SRV", `away.${below} CNAME web.${below}`],
    [`round.${below}`, "A", "SERVFAIL"],
    [`number.${below}`, "A", `number.${below} A 192.0.2.7`],
    [`x.away.${below}`, "A", "NXDOMAIN"],
    // Pods.
    ["10-1-0-1.shop.pod.cluster.local", "A", "10-1-0-1.shop.pod.cluster.local A 10.1.0.1"],
    ["fd00--1.shop.pod.cluster.local", "AAAA", "fd00--1.shop.pod.cluster.local AAAA fd00::1"],
    ["10-1-0-1.shop.pod.cluster.local", "AAAA", "NODATA"],
    ["10-1-0-1.market.pod.cluster.local", "A", "10-1-0-1.market.pod.cluster.local A 10.1.0.1"],
    ["x.10-1-0-1.shop.pod.cluster.local", "A", "NXDOMAIN"],
    ["10-1-0-300.shop.pod.cluster.local", "A", "NXDOMAIN"],
    ["web.shop.pod.cluster.local", "A", "NXDOMAIN"],
    ["shop.pod.cluster.local", "A", "NODATA"],
    // The zone itself.
    ["cluster.local", "SOA", "cluster.local SOA ns.dns.cluster.local 5"],
    ["cluster.local", "NS", "cluster.local NS ns.dns.cluster.local"],
    ["ns.dns.cluster.local", "A", "ns.dns.cluster.local A 10.96.0.10"],
    ["cluster.local", "A", "NODATA"],
  ])("%s %s", async (name, type, ...expected) => {
    expect(await answer(name, type)).toEqual(expected);
  });

  it("are found whatever their case, and come back as they were asked for", async () => {
    const { questions, answers } = await ask("WeB.ShOp.SVC.cluster.LOCAL", "A");
    expect(questions?.[0]?.name).toBe("WeB.ShOp.SVC.cluster.LOCAL");
    expect(lines(answers)).toEqual(["WeB.ShOp.SVC.cluster.LOCAL A 10.96.0.20"]);
  });

  it("come with the addresses that SRV records lead to", async () => {
    const { additionals } = await ask(`_http._tcp.db.${below}`, "SRV");
    expect(lines(additionals)).toEqual([
      `10-1-0-2.db.${below} A 10.1.0.2`,
      `db-0.db.${below} A 10.1.0.1`,
      `db-0.db.${below} AAAA fd00:1::1`,
    ]);
  });

  it("come without the addresses of many SRV records: each would be looked for among all", async () => {
    const endpoints = Array.from({ length: 100 }, (_, at) => ({ addresses: [`10.1.0.${at}`] }));
    const crowd = createResponder({
      view: viewOf(
        [serviceOf("crowd", { clusterIP: "None", ports: [http] })],
        [sliceOf("crowd", { endpoints, ports: [{ ...http, protocol: "TCP" }] })],
      ),
      domain: ["cluster", "local"],
      servers: () => [],
      forwarder: { forward: async () => undefined },
      clock: new FakeClock(),
      random: () => 0.5,
    });
    const { answers, additionals } = read(await crowd(question(`_http._tcp.crowd.${below}`, "SRV"), "TCP"));
    expect([answers?.length, additionals?.length]).toEqual([100, 0]);
  });

  it("are any of an endpoint's many, as many as there is room for, and say so", async () => {
    const addresses = Array.from({ length: 10_000 }, (_, at) => `10.1.${at >> 8}.${at & 255}`);
    const endpoints = addresses.map((address) => ({ addresses: [address] }));
    const ports = [{ ...http, protocol: "TCP" as const }];
    const crowd = createResponder({
      view: viewOf(
        [serviceOf("crowd", { clusterIP: "None", ports: [http] })],
        [sliceOf("crowd", { endpoints, ports })],
      ),
      domain: ["cluster", "local"],
      servers: () => [],
      forwarder: { forward: async () => undefined },
      clock: new FakeClock(),
      random: seededRandom(7),
    });
    const asked = async (name: string, type: string, protocol: "UDP" | "TCP") => {
      const { answers = [], flag_tc } = read(await crowd(question(name, type), protocol));
      expect(flag_tc).toBe(true);
      return lines(answers);
    };
    const [first, second] = [await asked(`crowd.${below}`, "A", "UDP"), await asked(`crowd.${below}`, "A", "UDP")];
    expect([first.length, second.length]).toEqual([29, 29]);
    expect(first).not.toEqual(second);
    const all = new Set(addresses.map((address) => `crowd.${below} A ${address}`));
    const long = await asked(`crowd.${below}`, "A", "TCP");
    expect(new Set(long).size).toBe(4093);
    expect(long.every((line) => all.has(line))).toBe(true);
    expect((await asked(`_http._tcp.crowd.${below}`, "SRV", "UDP")).length).toBeGreaterThan(5);
  });

  it("are answered as who knows", async () => {
    expect(await ask(`web.${below}`, "A")).toMatchObject({
      type: "response",
      flag_aa: true,
      flag_ra: true,
      flag_rd: true,
      id: 4711,
    });
  });
});
