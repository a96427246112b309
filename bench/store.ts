import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/platform/clock.ts";
import { silentLogger } from "../core/util/log.ts";
import { openLogStore } from "../master_daemon/store/log.ts";
import type { Store } from "../master_daemon/store/store.ts";

const valueBytes = 2_048;
const durationMs = 2_000;

/** Durable commits of distinct 2 KiB values, by how many wait at once; then the time to open what they left. */
export async function run(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "wherry-bench-store-"));
  const options = { clock: systemClock, log: silentLogger };
  try {
    for (const writers of [1, 16, 256]) {
      const folder = join(root, String(writers));
      let commits = 0;
      {
        await using store = await openLogStore(folder, options);
        commits = await commitFor(store, { writers, ms: durationMs });
      }
      const start = systemClock.monotonic();
      await using store = await openLogStore(folder, options);
      const openMs = systemClock.monotonic() - start;
      const listStart = systemClock.monotonic();
      const { items } = await store.list("/");
      const listMs = systemClock.monotonic() - listStart;
      print({
        writers,
        perSecond: Math.round((commits * 1_000) / durationMs),
        commits,
        openMs,
        items: items.length,
        listMs,
      });
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Commits from `writers` loops for `ms`; returns how many were answered. */
async function commitFor(store: Store, { writers, ms }: { writers: number; ms: number }): Promise<number> {
  const until = systemClock.monotonic() + ms;
  let commits = 0;
  const write = async (writer: number) => {
    for (let index = 0; systemClock.monotonic() < until; index++) {
      const value = new Uint8Array(valueBytes).fill(index % 251);
      await store.commit(`/bench/${writer}/${index}`, value, { expected: 0 });
      commits++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return commits;
}

function print(figures: Readonly<Record<string, number>>): void {
  const parts = Object.entries(figures).map(
    ([name, value]) => `${name}=${Number.isInteger(value) ? value : value.toFixed(1)}`,
  );
  console.log(`store ${parts.join(" ")}`);
}
