import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/platform/clock.ts";
import { silentLogger } from "../core/util/log.ts";
import { openLogStore } from "../master_daemon/store/log.ts";
import type { Store } from "../master_daemon/store/store.ts";
import { type Bench, type Figure, rate, timed } from "./figure.ts";

const valueBytes = 2_048;
/** What compaction is measured with: objects, their bytes, and how many write at once. */
const compacted = { objects: 100_000, bytes: 64, writers: 16, ms: 3_000 };
const options = { clock: systemClock, log: silentLogger };

/** Durable commits of distinct values, by how many wait at once; what compaction does to them; the time to open a store. */
export const bench: Bench = {
  about: `durable commits of ${valueBytes} bytes; beside one write with fdatasync after the other`,
  async *run(): AsyncGenerator<Figure> {
    const root = await mkdtemp(join(tmpdir(), "wherry-bench-store-"));
    try {
      const file = await open(join(root, "floor"), "a");
      const value = new Uint8Array(valueBytes);
      const append = async () => {
        await file.appendFile(value);
        await file.datasync();
      };
      const floor = (await rate(append, { clients: 1 })).perSecond;
      await file.close();
      for (const writers of [1, 16, 256]) {
        await using store = await openLogStore(join(root, String(writers)), options);
        const commit = (turn: number) =>
          store.commit(`/bench/${turn}`, new Uint8Array(valueBytes).fill(turn % 251), { expected: 0 });
        const beside = writers === 1 ? { floor } : {};
        const { perSecond } = await rate(commit, { clients: writers });
        yield { what: `commits, ${writers} at once`, value: perSecond, unit: "per s", beside };
      }
      const quiet = await latencies(join(root, "quiet"), Number.POSITIVE_INFINITY);
      const busy = await latencies(join(root, "busy"), 1);
      const what = `commit while ${compacted.objects} objects are compacted`;
      yield { what: `${what}, p99`, value: busy.p99, unit: "ms", beside: { "without compaction": quiet.p99 } };
      yield { what: `${what}, slowest`, value: busy.max, unit: "ms", beside: { "without compaction": quiet.max } };
      const ms = await timed(async () => {
        await using store = await openLogStore(join(root, "busy"), options);
        await store.list("/");
      });
      yield { what: `open and list ${compacted.objects} objects`, value: ms, unit: "ms" };
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};

/** How long commits take in a store of many objects that makes a snapshot after so many bytes. */
async function latencies(
  folder: string,
  snapshotBytes: number,
): Promise<{ readonly p99: number; readonly max: number }> {
  const history = { historyEvents: 1_000, historyMs: 0, segmentBytes: 2 ** 20 };
  await using store = await openLogStore(folder, { ...options, ...history, snapshotBytes });
  const revisions = new Map<number, number>();
  for (let first = 0; first < compacted.objects; first += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => commit(store, first + index, revisions)));
  }
  const taken: number[] = [];
  const measured = async (turn: number) => {
    const startedAt = performance.now();
    await commit(store, (turn * 7) % compacted.objects, revisions);
    taken.push(performance.now() - startedAt);
  };
  await rate(measured, { clients: compacted.writers, ms: compacted.ms });
  taken.sort((a, b) => a - b);
  return { p99: taken[Math.floor(taken.length * 0.99)] ?? Number.NaN, max: taken[taken.length - 1] ?? Number.NaN };
}

async function commit(store: Store, index: number, revisions: Map<number, number>): Promise<void> {
  const value = new Uint8Array(compacted.bytes).fill(index % 251);
  const result = await store.commit(`/bench/${index}`, value, { expected: revisions.get(index) ?? 0 });
  if (result.ok) revisions.set(index, result.revision);
}
