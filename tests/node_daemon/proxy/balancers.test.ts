import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { clientIpAffinity } from "../../../node_daemon/proxy/affinity.ts";
import { balancers } from "../../../node_daemon/proxy/balancers/mod.ts";
import { roundRobin } from "../../../node_daemon/proxy/balancers/round_robin.ts";

const three = ["a", "b", "c"].map((ip) => ({ ip, port: 1 }));

describe.each([...balancers])("balancer %s", (_name, factory) => {
  it("picks undefined only from nothing", () => {
    const balancer = factory({ random: seededRandom(1) });
    expect(balancer.pick([], "x")).toBeUndefined();
    for (let i = 0; i < 100; i++) expect(three).toContain(balancer.pick(three, "x"));
  });

  it("uses every endpoint about equally", () => {
    const balancer = factory({ random: seededRandom(7) });
    const counts = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const ip = balancer.pick(three, "x")?.ip ?? "";
      counts.set(ip, (counts.get(ip) ?? 0) + 1);
    }
    for (const ip of ["a", "b", "c"]) expect(counts.get(ip)).toBeGreaterThan(850);
  });
});

describe("roundRobin()", () => {
  it("gives twelve picks over three endpoints four each, in order", () => {
    const balancer = roundRobin();
    const picks = Array.from({ length: 12 }, () => balancer.pick(three, "x")?.ip);
    expect(picks.join("")).toBe("abcabcabcabc");
  });
});

describe("clientIpAffinity()", () => {
  it("keeps a client on its endpoint until it was quiet for the time-out", async () => {
    const clock = new FakeClock();
    const balancer = clientIpAffinity(roundRobin(), { timeoutMs: 1000, clock });
    expect([1, 2, 3].map(() => balancer.pick(three, "client")?.ip)).toEqual(["a", "a", "a"]);
    await clock.advance(900);
    expect(balancer.pick(three, "client")?.ip).toBe("a");
    await clock.advance(1001);
    expect(balancer.pick(three, "client")?.ip).toBe("b");
  });

  it("moves a client whose endpoint went", () => {
    const balancer = clientIpAffinity(roundRobin(), { timeoutMs: 1000, clock: new FakeClock() });
    expect(balancer.pick(three, "client")?.ip).toBe("a");
    expect(balancer.pick(three.slice(1), "client")?.ip).not.toBe("a");
  });

  it("remembers no more clients than it may", () => {
    const balancer = clientIpAffinity(roundRobin(), { timeoutMs: 1000, clock: new FakeClock(), maxClients: 2 });
    for (const client of ["1", "2", "3"]) balancer.pick(three, client);
    // Client 1 was forgotten, so it takes the next turn instead of its old endpoint.
    expect(balancer.pick(three, "2")?.ip).toBe("b");
    expect(balancer.pick(three, "3")?.ip).toBe("c");
  });
});
