import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Random, seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openLogStore } from "../../../master_daemon/store/log.ts";
import { type Store, type StoreEvent, StoreWriteError } from "../../../master_daemon/store/store.ts";
import { bytes, eventsOf, text } from "../../suites/store_suite.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

const folder = "/data/store";
const historyEvents = 40;
const options = { segmentBytes: 400, snapshotBytes: 700, historyEvents, historyMs: 0 };

/** A write, and what became of it. */
interface Attempt {
  readonly key: string;
  /** Null deletes. */
  readonly value: string | null;
  /** Undefined: nobody was told. */
  answer: "acknowledged" | "refused" | undefined;
}

/** What the users of a store know: what was acknowledged, by revision, and what they never heard of. */
class Users {
  readonly random: Random;
  /** At `revision - 1`. */
  readonly acknowledged: Attempt[] = [];
  unanswered: Attempt[] = [];
  #number = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** Others who know the same. */
  copy(seed: number): Users {
    const copy = new Users(seededRandom(seed));
    copy.acknowledged.push(...this.acknowledged);
    copy.unanswered = [...this.unanswered];
    copy.#number = this.#number;
    return copy;
  }

  /** Asks for some writes at once; resolves when all were answered. */
  async write(store: Store, disk: SimulatedDisk, count: number): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const key = `key/${Math.floor(this.random() * 6)}`;
        const { kv } = await store.get(key);
        const value = kv && this.random() < 0.2 ? null : `${this.#number++} ${"x".repeat(this.random() * 90)}`;
        const attempt: Attempt = { key, value, answer: undefined };
        const wanted = value === null ? null : bytes(value);
        this.unanswered.push(attempt);
        try {
          const result = await store.commit(key, wanted, { expected: kv?.revision ?? 0 });
          if (disk.isOff) return;
          attempt.answer = result.ok ? "acknowledged" : "refused";
          if (result.ok) this.#note(result.revision, attempt);
        } catch (error) {
          // After any other failure of the disk nobody knows what it holds.
          if (disk.isOff || !(error instanceof StoreWriteError && error.temporary)) return;
          attempt.answer = "refused";
        }
      }),
    );
    if (!disk.isOff) this.unanswered = this.unanswered.filter(({ answer }) => answer === undefined);
  }

  #note(revision: number, attempt: Attempt): void {
    expect(this.acknowledged[revision - 1], `revision ${revision} was given twice`).toBeUndefined();
    this.acknowledged[revision - 1] = attempt;
  }

  /** Holds a store that was opened again against what is known; takes what was never answered, but is there, as known. */
  async check(store: Store): Promise<void> {
    const { revision } = await store.get("");
    const known = this.acknowledged.length;
    expect(revision, "the revision went back").toBeGreaterThanOrEqual(known);
    // What nobody was told of is there in the order in which it was asked for, or not at all from some point on.
    const waiting = this.unanswered.filter(({ answer }) => answer === undefined);
    for (const event of await eventsOf(store, "", known)) {
      const { key, value } = contentOf(event);
      let attempt = waiting.shift();
      while (attempt && (attempt.key !== key || attempt.value !== value)) attempt = waiting.shift();
      expect(attempt, `revision ${event.revision} is of nobody: ${key}=${value}`).toBeDefined();
      if (attempt) this.#note(event.revision, attempt);
    }
    this.unanswered = [];
    const state = new Map<string, string>();
    for (const { key, value } of this.acknowledged) {
      if (value === null) state.delete(key);
      else state.set(key, value);
    }
    const found = (await store.list("")).items.map((kv) => [kv.key, text(kv)] as const);
    expect(found).toEqual([...state].sort(([a], [b]) => (a < b ? -1 : 1)));
    const from = Math.max(0, revision - Math.floor(this.random() * historyEvents));
    const history = (await eventsOf(store, "", from)).map(contentOf);
    expect(history).toEqual(this.acknowledged.slice(from).map(({ key, value }) => ({ key, value })));
  }
}

function contentOf(event: StoreEvent): { readonly key: string; readonly value: string | null } {
  return event.type === "put" ? { key: event.kv.key, value: text(event.kv) ?? null } : { key: event.key, value: null };
}

/** One life of a store: from opening it until the power is cut, or it is closed. */
async function live(disk: SimulatedDisk, users: Users, steps: number): Promise<void> {
  const { random } = users;
  const clock = new FakeClock();
  let store: Store | undefined;
  try {
    store = await openLogStore(folder, { ...options, clock, log: silentLogger, files: disk });
    await users.check(store);
    for (let step = 0; step < steps && !disk.isOff; step++) {
      const kind = random();
      if (kind < 0.7) await users.write(store, disk, 1 + Math.floor(random() * 5));
      else if (kind < 0.8) await clock.advance(60);
      else if (kind < 0.85) await compact(store);
      else if (kind < 0.9) disk.capacity = disk.used + Math.floor(random() * 200);
      else disk.capacity = Number.POSITIVE_INFINITY;
    }
  } catch (error) {
    // Whatever a program says after the power was cut, nobody hears it.
    if (!disk.isOff) throw error;
  } finally {
    disk.capacity = Number.POSITIVE_INFINITY;
    if (store) await Promise.allSettled([store[Symbol.asyncDispose]()]);
  }
}

async function compact(store: Store): Promise<void> {
  await store.compact((await store.get("")).revision - historyEvents).catch((error: unknown) => {
    if (!(error instanceof StoreWriteError)) throw error;
  });
}

describe("openLogStore() when the power is cut, or the process killed", () => {
  it("keeps every acknowledged commit, nothing refused, and one order, whatever was not synced", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom(16, 64, 512, 4096), async (seed, pageBytes) => {
        const users = new Users(seededRandom(seed));
        let disk = new SimulatedDisk({ pageBytes });
        for (let life = 0; life < 6; life++) {
          disk.cutAt = disk.operations + Math.floor(users.random() * 160);
          await live(disk, users, 60);
          disk = users.random() < 0.3 ? disk.copy() : disk.afterPowerCut(users.random);
        }
        await live(disk, users, 0);
      }),
      { numRuns: 120, endOnFailure: true },
    );
  });

  it("the same before every single operation of a store that rotates, makes snapshots and compacts", async () => {
    const run = async (cutAt: number, seed: number): Promise<SimulatedDisk> => {
      // What is written is the same each time; only where the power goes, and what is left then, differs.
      const users = new Users(seededRandom(7));
      const disk = new SimulatedDisk({ pageBytes: 64 });
      disk.cutAt = cutAt;
      await live(disk, users, 20);
      const found = seed === 0 ? disk.copy() : disk.afterPowerCut(seededRandom(seed));
      // And again while it recovers, at every operation, for some.
      for (let at = (cutAt + seed) % 5 === 0 ? 0 : 1_000; ; at++) {
        const again = found.copy();
        again.cutAt = at;
        const lives = (async () => {
          const others = users.copy(seed + at);
          await live(again, others, 0);
          await live(again.afterPowerCut(others.random), others, 1);
        })();
        await lives.catch((cause: unknown) => {
          throw new Error(`Cannot recover: power cut at ${cutAt}, seed ${seed}, then at ${at}`, { cause });
        });
        if (!again.isOff) return disk;
      }
    };
    const { operations, paths } = await run(Number.POSITIVE_INFINITY, 0);
    expect(operations).toBeGreaterThan(100);
    expect(paths.some((path) => path.endsWith(".snapshot"))).toBe(true);
    for (let cutAt = 0; cutAt <= operations; cutAt++) for (let seed = 0; seed < 3; seed++) await run(cutAt, seed);
  });
});
