import { beforeAll, describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { createLogger, type Logger, silentLogger } from "../../../core/util/log.ts";
import { openLogStore } from "../../../master_daemon/store/log.ts";
import { DamagedFile } from "../../../master_daemon/store/log_reader.ts";
import type { Store } from "../../../master_daemon/store/store.ts";
import { eventsOf, put, short, text } from "../../suites/store_suite.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

const folder = "/data/store";
const options = { segmentBytes: 300, snapshotBytes: 600 };

const open = (files: SimulatedDisk, log: Logger = silentLogger): Promise<Store> =>
  openLogStore(folder, { ...options, clock: new FakeClock(), log, files });

/** Everything that a store can tell. */
async function told(store: Store): Promise<readonly string[]> {
  const { items } = await store.list("");
  return [...items.map((kv) => `${kv.key}=${text(kv)}`), ...(await eventsOf(store, "", 0)).map(short)];
}

/** A store of several segments and a snapshot, closed; `whole` is everything that it holds. */
const sample = { disk: new SimulatedDisk(), whole: [] as readonly string[] };
beforeAll(async () => {
  await using store = await open(sample.disk);
  for (let index = 0; index < 20; index++) await put(store, `k${index % 6}`, `value ${index}`);
  sample.whole = await told(store);
});

/** The sample's files, each with each change of its content that `changes` gives. */
function* damaged(
  changes: (content: Uint8Array) => Iterable<readonly [what: string, content: Uint8Array]>,
): Generator<{ readonly path: string; readonly what: string; readonly disk: SimulatedDisk }> {
  for (const path of sample.disk.paths) {
    for (const [what, content] of changes(sample.disk.content(path))) {
      const disk = sample.disk.copy();
      disk.put(path, content);
      yield { path, what, disk };
    }
  }
}

/** Opening fails and says where, naming the file that was damaged. Resolves with the offset. */
async function refused({ path, what, disk }: { path: string; what: string; disk: SimulatedDisk }): Promise<number> {
  const outcome = await open(disk).then(
    (store) => store[Symbol.asyncDispose]().then(() => undefined),
    (error: unknown) => error,
  );
  expect(outcome, `${path}: ${what}`).toBeInstanceOf(DamagedFile);
  expect((outcome as DamagedFile).path, what).toBe(path);
  expect((outcome as DamagedFile).message).toContain(`${path} is damaged at offset ${(outcome as DamagedFile).offset}`);
  return (outcome as DamagedFile).offset;
}

describe("openLogStore() on a store that was closed and then damaged", () => {
  it("refuses a bit that flipped, in whatever byte, at the record that it is in", async () => {
    let count = 0;
    for (const damage of damaged(function* (content) {
      for (let at = 0; at < content.length; at++) {
        const flipped = content.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        yield [String(at), flipped];
      }
    })) {
      expect(await refused(damage)).toBeLessThanOrEqual(Number(damage.what));
      count++;
    }
    expect(count).toBeGreaterThan(2_000);
  });

  it("refuses a page of zeroes anywhere", async () => {
    for (const damage of damaged(function* (content) {
      for (let at = 0; at < content.length; at += 16) {
        const zeroed = content.slice();
        zeroed.fill(0, at, at + 64);
        yield [`zeroes at ${at}`, zeroed];
      }
    })) {
      await refused(damage);
    }
  });

  it("refuses a file that was cut short, at whatever length, also at the end of a record", async () => {
    for (const damage of damaged(function* (content) {
      for (let length = 0; length < content.length; length++) yield [`cut to ${length}`, content.slice(0, length)];
    })) {
      await refused(damage);
    }
  });

  it("refuses a folder of which any file is missing", async () => {
    for (const path of sample.disk.paths) {
      const disk = sample.disk.copy();
      await disk.remove(path);
      expect(await refused({ path, what: "missing", disk })).toBe(0);
    }
  });

  it("refuses garbage at the end of a file, or cuts it off the log's and says so", async () => {
    for (const { path, what, disk } of damaged(function* (content) {
      for (const fill of [0, 7, 255]) {
        const longer = new Uint8Array(content.length + 40).fill(fill);
        longer.set(content);
        yield [`${fill}`, longer];
      }
    })) {
      const lines: string[] = [];
      const log = createLogger({ write: (line) => lines.push(line), clock: { now: () => 0 } });
      const outcome = await open(disk, log).catch((error: unknown) => error);
      if (outcome instanceof DamagedFile) {
        expect(outcome.path, what).toBe(path);
        continue;
      }
      await using store = outcome as Store;
      expect(await told(store)).toEqual(sample.whole);
      expect(lines.join()).toContain(`Cut the torn tail of the store's log file=${path} offset=`);
    }
  });

  it("refuses files of another store in place of its own", async () => {
    const other = new SimulatedDisk();
    {
      await using store = await open(other);
      for (let index = 0; index < 15; index++) await put(store, `other${index % 6}`, `longer value ${index}`);
    }
    for (const path of sample.disk.paths.filter((name) => /\.(log|snapshot)$/.test(name))) {
      if (!other.paths.includes(path)) continue;
      const disk = sample.disk.copy();
      disk.put(path, other.content(path));
      const outcome = await open(disk).catch((error: unknown) => error);
      expect(outcome, path).toBeInstanceOf(DamagedFile);
    }
  });
});
