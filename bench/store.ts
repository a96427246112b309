import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/platform/clock.ts";
import { silentLogger } from "../core/util/log.ts";
import { openLogStore } from "../master_daemon/store/log.ts";
import { type Bench, type Figure, rate, timed } from "./figure.ts";

const valueBytes = 2_048;

/** Durable commits of distinct values, by how many wait at once; then the time to open what they left. */
export const bench: Bench = {
  about: `durable commits of ${valueBytes} bytes; beside one write with fdatasync after the other`,
  async *run(): AsyncGenerator<Figure> {
    const root = await mkdtemp(join(tmpdir(), "wherry-bench-store-"));
    const options = { clock: systemClock, log: silentLogger };
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
        const folder = join(root, String(writers));
        {
          await using store = await openLogStore(folder, options);
          const commit = (turn: number) =>
            store.commit(`/bench/${turn}`, new Uint8Array(valueBytes).fill(turn % 251), { expected: 0 });
          const beside = writers === 1 ? { floor } : {};
          yield {
            what: `commits, ${writers} at once`,
            value: (await rate(commit, { clients: writers })).perSecond,
            unit: "per s",
            beside,
          };
        }
        if (writers !== 256) continue;
        const opened: { count: number } = { count: 0 };
        const ms = await timed(async () => {
          await using store = await openLogStore(folder, options);
          opened.count = (await store.list("/")).items.length;
        });
        yield { what: `open and list ${opened.count} objects`, value: ms, unit: "ms" };
      }
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};
