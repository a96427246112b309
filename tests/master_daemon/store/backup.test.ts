import { chmod, cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { defaultBump, exportStore, readStore, restoreStore } from "../../../master_daemon/store/backup.ts";
import { openLogStore } from "../../../master_daemon/store/log.ts";
import { Compacted, type Store } from "../../../master_daemon/store/store.ts";
import { eventsOf, put, text } from "../../suites/store_suite.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

let root = "";
let paths = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wherry-backup-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const newPath = () => join(root, String(paths++));
const small = { segmentBytes: 2_000, snapshotBytes: 4_000, historyEvents: 50, historyMs: 0 };
const open = (folder: string): Promise<Store> =>
  openLogStore(folder, { ...small, clock: systemClock, log: silentLogger });
const valuesOf = async (store: Store) =>
  (await store.list("")).items.map((kv) => `${kv.key}=${text(kv)}@${kv.revision}`);

describe("exportStore() and restoreStore()", () => {
  it("bring back every value, at a later revision, in one private file and a private folder", async () => {
    const folder = newPath();
    const store = await open(folder);
    for (let index = 0; index < 300; index++)
      await put(store, `/k${index % 40}`, index % 7 || index < 40 ? `value ${index}` : null);
    const before = await valuesOf(store);
    const file = newPath();
    // While it is open, as a master has it.
    const exported = await exportStore(folder, file);
    expect(exported.revision).toBe((await store.get("")).revision);
    await store[Symbol.asyncDispose]();
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const restored = newPath();
    await restoreStore(file, restored);
    expect((await stat(restored)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(restored)) expect((await stat(join(restored, name))).mode & 0o777).toBe(0o600);
    await using again = await open(restored);
    expect(await valuesOf(again)).toEqual(before);
    const { revision } = await again.get("");
    expect(revision).toBe(exported.revision + defaultBump);
    // Whoever watched the old store may have seen what this one never had.
    await expect(eventsOf(again, "", exported.revision)).rejects.toThrow(Compacted);
    await expect(eventsOf(again, "", revision - 1)).rejects.toThrow(Compacted);
    expect(await put(again, "/new", "1")).toBe(revision + 1);
    expect(await eventsOf(again, "", revision)).toHaveLength(1);
  });

  it("take a store as it is while it rotates, makes snapshots and drops segments: what was answered before is there", async () => {
    const folder = newPath();
    await using store = await open(folder);
    const stop = new AbortController();
    const answered = new Map<string, number>();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let number = 0; !stop.signal.aborted; number++) {
        await put(store, `/w${writer}`, `${number} ${"x".repeat(number % 200)}`);
        answered.set(`/w${writer}`, number);
      }
    });
    for (let round = 0; round < 15; round++) {
      await systemClock.sleep(10);
      const before = new Map(answered);
      const file = newPath();
      await exportStore(folder, file);
      const { items } = await readStore(file);
      const found = new Map(items.map((kv) => [kv.key, Number(text(kv)?.split(" ")[0])]));
      for (const [key, number] of before) expect(found.get(key)).toBeGreaterThanOrEqual(number);
    }
    stop.abort();
    await Promise.all(writers);
    expect((await readStore(folder)).revision).toBe((await store.get("")).revision);
  });

  it("refuse a folder that is not empty, a file that is damaged anywhere, and a revision that is too large", async () => {
    const folder = newPath();
    {
      await using store = await open(folder);
      for (let index = 0; index < 5; index++) await put(store, `/k${index}`, `value ${index}`);
    }
    const file = newPath();
    await exportStore(folder, file);
    await expect(restoreStore(file, folder)).rejects.toThrow(`${folder} is not empty`);
    await expect(restoreStore(file, newPath(), { bump: 2 ** 48 })).rejects.toThrow(RangeError);
    const whole = await readFile(file);
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await writeFile(file, flipped);
      await expect(readStore(file)).rejects.toThrow(`${file} is damaged at offset `);
    }
    await writeFile(file, whole.subarray(0, -1));
    await expect(restoreStore(file, newPath())).rejects.toThrow(`${file} is damaged at offset `);
    await expect(readStore(newPath())).rejects.toThrow("Cannot find a store");
  });

  it("leave a store or nothing that passes for one when the power is cut while they write", async () => {
    const disk = new SimulatedDisk({ pageBytes: 64 });
    const options = { clock: new FakeClock(), log: silentLogger };
    const store = await openLogStore("/data/store", { ...options, files: disk });
    for (let index = 0; index < 20; index++) await put(store, `/k${index}`, `value ${index}`);
    await exportStore("/data", "/backup/file", { files: disk });
    await store[Symbol.asyncDispose]();
    const expected = (await readStore("/backup/file", { files: disk })).items;
    for (let cutAt = 0, isOff = true; isOff; cutAt++) {
      const copy = disk.copy();
      copy.cutAt = copy.operations + cutAt;
      await restoreStore("/backup/file", "/restored/store", { files: copy }).catch(() => {});
      isOff = copy.isOff;
      for (let seed = 0; seed < 5; seed++) {
        const found = copy.afterPowerCut(seededRandom(seed));
        const outcome = await openLogStore("/restored/store", { ...options, files: found }).catch(
          (error: Error) => error,
        );
        if (outcome instanceof Error) expect(outcome.message).toMatch(/is damaged at offset/);
        else {
          const { items } = await outcome.list("");
          // Before anything of it is there the folder is empty, as is the store that is made in it.
          if (items.length > 0 || !isOff) expect(items).toEqual(expected);
          await outcome[Symbol.asyncDispose]();
        }
      }
    }
  });
});

describe("readStore()", () => {
  it("names the file and the offset of what is damaged, also while a master has it open, and changes nothing", async () => {
    const folder = newPath();
    // On a clock that stands still it does not mark its end.
    await using store = await openLogStore(folder, { ...small, clock: new FakeClock(), log: silentLogger });
    for (let index = 0; index < 100; index++) await put(store, `/k${index}`, `value ${index}`);
    const [name = ""] = (await readdir(folder)).filter((file) => file.endsWith(".log")).sort();
    const path = join(folder, name);
    const data = await readFile(path);
    const copy = newPath();
    await cp(folder, copy, { recursive: true });
    data[200] = (data[200] ?? 0) ^ 4;
    await writeFile(path, data);
    await expect(readStore(folder)).rejects.toThrow(new RegExp(`${path} is damaged at offset \\d+`));
    // A tail that was never finished is told, and stays.
    const logs = (await readdir(copy)).filter((file) => file.endsWith(".log")).sort();
    const last = join(copy, logs[logs.length - 1] ?? "");
    const { size } = await stat(last);
    await truncate(last, size - 3);
    const { unfinishedBytes, items } = await readStore(copy);
    expect([unfinishedBytes > 0, items.length]).toEqual([true, 99]);
    expect((await stat(last)).size).toBe(size - 3);
  });
});

describe("openLogStore() on a folder that it may not use", () => {
  const isRoot = process.geteuid?.() === 0;

  it.skipIf(isRoot)("says which, and what helps", async () => {
    const folder = newPath();
    await (await open(folder))[Symbol.asyncDispose]();
    await chmod(folder, 0o500);
    await expect(open(folder)).rejects.toThrow(
      /Cannot open the store: .*: EACCES: the folder and its files must belong to the user/,
    );
    await chmod(folder, 0o700);
  });

  it("says so when something on its path is a file", async () => {
    const file = newPath();
    await writeFile(file, "");
    await expect(open(join(file, "store"))).rejects.toThrow(
      /Cannot open the store: .*: ENOTDIR: something on the way is not a folder/,
    );
  });
});
