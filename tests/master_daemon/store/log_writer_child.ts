import { systemClock } from "../../../core/platform/clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openLogStore } from "../../../master_daemon/store/log.ts";

// Writes without end from 16 writers and prints each acknowledged `key=number@revision`: run to be killed. A writer goes on once
// its line has left the process: when nobody reads, lines would gather in here, and be lost with it.
const [folder = "", small = ""] = process.argv.slice(2);
const store = await openLogStore(folder, {
  clock: systemClock,
  log: silentLogger,
  ...(small ? { segmentBytes: 20_000, snapshotBytes: 30_000, historyEvents: 50, historyMs: 0 } : {}),
});
async function write(key: string): Promise<void> {
  for (;;) {
    const { kv } = await store.get(key);
    const next = kv ? Number(new TextDecoder().decode(kv.value).split(" ")[0]) + 1 : 1;
    const value = new TextEncoder().encode(`${next} ${"x".repeat(next % 300)}`);
    const result = await store.commit(key, value, { expected: kv?.revision ?? 0 });
    if (!result.ok) throw new Error("somebody else writes");
    await new Promise<void>((resolve) => {
      process.stdout.write(`${key}=${next}@${result.revision}\n`, () => resolve());
    });
  }
}
process.stdout.write("ready\n");
await Promise.all(Array.from({ length: 16 }, (_, index) => write(`key/${index}`)));
