import { describe, expect, it } from "vitest";
import type { Client } from "../../../core/client/client.ts";
import { type LeaderElectionOptions, runLeaderElection, whileLeading } from "../../../core/client/leader_election.ts";
import type { Transport } from "../../../core/client/transport.ts";
import { lease } from "../../../core/kinds/lease.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type Master, startMaster } from "../../../master_daemon/master.ts";

const key = { namespace: "default", name: "work" };

/** A candidate, with what it did as a leader. */
interface TestCandidate {
  readonly identity: string;
  readonly client: Client;
  isLeading: boolean;
  isHeld: () => boolean;
  terms: number;
  /** The candidate's connection: false fails every request. */
  isConnected: boolean;
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** Candidates at one API, on a clock of their own. */
async function setUp(): Promise<{
  readonly master: Master;
  readonly clock: FakeClock;
  candidate(identity: string, options?: Partial<LeaderElectionOptions>): TestCandidate;
  /** Lets time pass in small steps, holding at each that nobody leads beside another. */
  pass(ms: number): Promise<void>;
  leaders(): readonly string[];
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}> {
  const clock = new FakeClock();
  const random = seededRandom(1);
  const master = await startMaster({ clock, random, log: silentLogger });
  const all: TestCandidate[] = [];
  const leaders = () => all.filter(({ isHeld, isLeading }) => isLeading && isHeld()).map(({ identity }) => identity);
  return {
    master,
    clock,
    leaders,
    candidate(identity, options = {}) {
      const client = master.clientFor({ username: identity, groups: ["system:masters"] });
      const self: TestCandidate = {
        identity,
        client,
        isLeading: false,
        isHeld: () => false,
        terms: 0,
        isConnected: true,
        stop: new AbortController(),
        ended: Promise.resolve(),
      };
      const connected: Client = new Proxy(client, {
        get(target, name) {
          const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
          return (...args: unknown[]) => {
            if (!self.isConnected) return Promise.reject(new Error("disconnected"));
            return method.apply(target, args);
          };
        },
      });
      self.ended = runLeaderElection({
        client: connected,
        ...key,
        identity,
        clock,
        random,
        log: silentLogger,
        signal: self.stop.signal,
        async run({ signal, isHeld }) {
          self.isLeading = true;
          self.terms++;
          self.isHeld = isHeld;
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          self.isLeading = false;
        },
        ...options,
      });
      all.push(self);
      return self;
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 100) {
        await clock.advance(100);
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(leaders().length).toBeLessThanOrEqual(1);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const { stop } of all) stop.abort();
      await Promise.allSettled(all.map(({ ended }) => ended));
      await master[Symbol.asyncDispose]();
    },
  };
}

describe("runLeaderElection()", () => {
  it("lets one of several candidates lead, and writes the Lease as client-go does", async () => {
    await using test = await setUp();
    for (const identity of ["a", "b", "c"]) test.candidate(identity);
    await test.pass(3_000);
    expect(test.leaders()).toHaveLength(1);
    const { spec } = await test.master.client.get(lease, key);
    expect(spec).toMatchObject({ holderIdentity: test.leaders()[0], leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(spec?.renewTime).toMatch(/^2026-01-01T00:00:0\d\.\d{6}Z$/);
    await test.pass(60_000);
    const later = await test.master.client.get(lease, key);
    expect(later.spec).toMatchObject({ holderIdentity: spec?.holderIdentity, acquireTime: spec?.acquireTime });
    expect(Date.parse(later.spec?.renewTime ?? "")).toBeGreaterThan(test.clock.now() - 2_500);
  });

  it("another takes over within 16 s of a leader that vanishes, and not before its lease has run out", async () => {
    await using test = await setUp();
    const first = test.candidate("a");
    await test.pass(3_000);
    const second = test.candidate("b");
    await test.pass(5_000);
    first.isConnected = false;
    await test.pass(12_500);
    expect(second.isLeading).toBe(false);
    await test.pass(3_500);
    expect([first.isLeading, second.isLeading]).toEqual([false, true]);
    expect((await test.master.client.get(lease, key)).spec?.leaseTransitions).toBe(1);
    // The one that comes back sees who leads, and waits.
    first.isConnected = true;
    await test.pass(20_000);
    expect([first.isLeading, second.isLeading, second.terms]).toEqual([false, true, 1]);
  });

  it("another takes over at once from a leader that is told to stop", async () => {
    await using test = await setUp();
    const first = test.candidate("a");
    await test.pass(3_000);
    const second = test.candidate("b");
    await test.pass(3_000);
    first.stop.abort();
    await test.pass(500);
    expect([first.isLeading, second.isLeading]).toEqual([false, true]);
    await first.ended;
  });

  it("gives back also what it renewed without hearing of it, and nobody else's", async () => {
    await using test = await setUp();
    const first = test.candidate("a");
    await test.pass(3_000);
    const { client } = test.master;
    const { spec, ...present } = await client.get(lease, key);
    await client.update(lease, { ...present, spec: { ...spec, renewTime: "2026-01-01T00:00:03.000000Z" } });
    first.stop.abort();
    await first.ended;
    expect((await client.get(lease, key)).spec?.holderIdentity).toBeFalsy();

    const second = test.candidate("b");
    await test.pass(3_000);
    expect(second.isLeading).toBe(true);
    const held = await client.get(lease, key);
    await client.update(lease, { ...held, spec: { ...held.spec, holderIdentity: "c" } });
    second.stop.abort();
    await second.ended;
    expect((await client.get(lease, key)).spec?.holderIdentity).toBe("c");
  });

  it("a leader that cannot renew stops before anybody else may begin, and leads again when it can", async () => {
    await using test = await setUp();
    const only = test.candidate("a");
    await test.pass(3_000);
    only.isConnected = false;
    await test.pass(13_000);
    expect(only.isLeading).toBe(false);
    only.isConnected = true;
    await test.pass(5_000);
    expect([only.isLeading, only.terms]).toEqual([true, 2]);
  });

  it("a leader whose Lease is taken by hand, or deleted, notices with its next renewal", async () => {
    await using test = await setUp();
    const only = test.candidate("a");
    await test.pass(3_000);
    const present = await test.master.client.get(lease, key);
    await test.master.client.update(lease, {
      ...present,
      spec: { ...present.spec, holderIdentity: "somebody", leaseDurationSeconds: 15 },
    });
    await test.pass(2_500);
    expect(only.isLeading).toBe(false);
    await test.master.client.delete(lease, key);
    await test.pass(3_000);
    expect(only.isLeading).toBe(true);
  });

  it("ends when what the leader does ends, with its failure", async () => {
    await using test = await setUp();
    const failing = test.candidate("a", {
      run: async () => {
        throw new Error("no more work");
      },
    });
    const outcome = failing.ended.catch((error: Error) => error.message);
    await test.pass(3_000);
    expect(await outcome).toBe("no more work");
    expect((await test.master.client.get(lease, key)).spec?.holderIdentity).toBe("");
  });

  it.each([
    [{ leaseDurationMs: 5_000, renewDeadlineMs: 5_000 }, "leaseDuration must be greater than renewDeadline"],
    [{ renewDeadlineMs: 2_400, retryPeriodMs: 2_000 }, "renewDeadline must be greater than retryPeriod*JitterFactor"],
  ])("refuses durations that do not fit together: %j", async (durations, message) => {
    await using test = await setUp();
    await expect(test.candidate("a", durations).ended).rejects.toThrow(message);
  });
});

describe("whileLeading()", () => {
  it("sends nothing once the lease has run out", async () => {
    let sent = 0;
    const transport: Transport = {
      async request() {
        sent++;
        return { status: 200, headers: {}, body: new Uint8Array() };
      },
      async upgrade() {
        throw new Error("not here");
      },
      async [Symbol.asyncDispose]() {},
    };
    const leadership = { held: true, isHeld: () => leadership.held };
    const fenced = whileLeading(transport, leadership);
    const { signal } = new AbortController();
    await fenced.request({ method: "GET", path: "/", headers: {} }, { signal });
    leadership.held = false;
    await expect(fenced.request({ method: "GET", path: "/", headers: {} }, { signal })).rejects.toThrow("has run out");
    expect(sent).toBe(1);
  });
});
