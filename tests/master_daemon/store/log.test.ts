import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../core/platform/clock.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { createLogger, type Logger, silentLogger } from "../../../core/util/log.ts";
import { type LogStoreOptions, openLogStore } from "../../../master_daemon/store/log.ts";
import { openStore } from "../../../master_daemon/store/mod.ts";
import { Compacted, type Store, StoreWriteError } from "../../../master_daemon/store/store.ts";
import { bytes, eventsOf, put, short, storeSuite, text } from "../../suites/store_suite.ts";
import { faultFiles, systemError } from "./fault_files.ts";

let root = "";
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wherry-store-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const newFolder = () => join(root, String(folders++));
const open = (folder: string, options: Partial<LogStoreOptions> = {}): Promise<Store> =>
  openLogStore(folder, { clock: new FakeClock(), log: silentLogger, ...options });

/** A logger that keeps its lines. */
function keptLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createLogger({ write: (line) => lines.push(line), clock: { now: () => 0 } }) };
}

/** Everything in a store, in short. */
async function contents(store: Store): Promise<string[]> {
  const { items } = await store.list("");
  return items.map((kv) => `${kv.key}=${text(kv)}@${kv.createRevision},${kv.revision}`);
}

/** The last file of a kind in a folder. */
async function lastFile(folder: string, ending: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending)).sort();
  return join(folder, names[names.length - 1] ?? "");
}

storeSuite("log", () => open(newFolder()));
storeSuite("log in tiny segments", () => open(newFolder(), { segmentBytes: 200, snapshotBytes: 400 }));

describe("openLogStore() after a restart", () => {
  it("has every value and the whole history, and revisions go on", async () => {
    const folder = newFolder();
    const first = await open(folder);
    for (const [key, value] of [
      ["a", "1"],
      ["b", "1"],
      ["a", "22"],
      ["b", null],
      ["c", "x"],
    ] as const) {
      await put(first, key, value);
    }
    const before = await contents(first);
    const events = (await eventsOf(first, "", 0)).map(short);
    await first[Symbol.asyncDispose]();

    await using second = await open(folder);
    expect(await contents(second)).toEqual(before);
    expect((await eventsOf(second, "", 0)).map(short)).toEqual(events);
    expect((await second.list("", { revision: 3 })).items.map((kv) => text(kv))).toEqual(["22", "1"]);
    expect(await put(second, "b", "2")).toBe(6);
    expect((await eventsOf(second, "", 3)).map(short)).toEqual(["4 b=- was 1@2", "5 c=x was -@0", "6 b=2 was -@0"]);
  });

  it("watches that slept through snapshots and many segments miss nothing", async () => {
    const folder = newFolder();
    const options = { segmentBytes: 500, snapshotBytes: 1_000 };
    const first = await open(folder, options);
    for (let index = 0; index < 200; index++)
      await put(first, `k${index % 7}`, index % 5 === 0 ? `v${index}` : "x".repeat(index));
    await first[Symbol.asyncDispose]();
    expect(await lastFile(folder, ".snapshot")).toMatch(/\d{16}\.snapshot$/);
    await using second = await open(folder, options);
    const events = await eventsOf(second, "", 0);
    expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    const values = new Map<string, string | undefined>();
    for (const event of events) {
      if (event.type !== "put") continue;
      expect(text(event.previous)).toBe(values.get(event.kv.key));
      values.set(event.kv.key, text(event.kv));
    }
  });

  it("gives up segments that are old and covered, and says Compacted for what was in them", async () => {
    const folder = newFolder();
    const clock = new FakeClock();
    const options = { clock, segmentBytes: 300, snapshotBytes: 500, historyEvents: 10, historyMs: 1_000 };
    const store = await open(folder, options);
    for (let index = 0; index < 100; index++) await put(store, "a", `v${index}`);
    const all = (await readdir(folder)).length;
    await clock.advance(1_000);
    for (let index = 0; index < 20; index++) await put(store, "a", `w${index}`);
    await store[Symbol.asyncDispose]();
    expect((await readdir(folder)).length).toBeLessThan(all / 2);
    await using again = await open(folder, options);
    await expect(eventsOf(again, "", 5)).rejects.toThrow(Compacted);
    expect(await eventsOf(again, "", 110)).toHaveLength(10);
    expect(text((await again.get("a")).kv)).toBe("w19");
  });

  it("remembers what was compacted", async () => {
    const folder = newFolder();
    const first = await open(folder);
    for (let index = 0; index < 5; index++) await put(first, "a", `v${index}`);
    await first.compact(3);
    await first[Symbol.asyncDispose]();
    await using second = await open(folder);
    await expect(eventsOf(second, "", 2)).rejects.toThrow(Compacted);
    expect(await eventsOf(second, "", 3)).toHaveLength(2);
  });
});

describe("openLogStore() on a damaged folder", () => {
  /** A closed store of 20 keys, as files. */
  async function sample(options: Partial<LogStoreOptions> = {}): Promise<string> {
    const folder = newFolder();
    await using store = await open(folder, options);
    for (let index = 0; index < 20; index++) await put(store, `k${index % 6}`, `value ${index}`);
    return folder;
  }

  it("cuts a last record that is torn at any byte, says so, and goes on", async () => {
    const folder = newFolder();
    const store = await open(folder);
    await put(store, "a", "one");
    const file = await lastFile(folder, ".log");
    const start = (await stat(file)).size;
    await put(store, "a", "two");
    const end = (await stat(file)).size;
    const torn = newFolder();
    await cp(folder, torn, { recursive: true });
    await store[Symbol.asyncDispose]();
    for (let size = end - 1; size >= start; size--) {
      const copy = newFolder();
      await cp(torn, copy, { recursive: true });
      await removeLocks(copy);
      await truncate(await lastFile(copy, ".log"), size);
      const { log, lines } = keptLog();
      await using again = await open(copy, { log });
      expect(await contents(again)).toEqual(["a=one@1,1"]);
      expect(await put(again, "b", "1")).toBe(2);
      // A cut between two records leaves nothing torn behind: the batch began with a mark of 15 bytes.
      if (size > start && size !== start + 15)
        expect(lines.join()).toMatch(/Cut the torn tail of the store's log file=\S+\.log offset=\d+ bytes=\d+/);
    }
  });

  it("refuses when any of its files is missing or empty", async () => {
    const folder = await sample({ segmentBytes: 300, snapshotBytes: 600 });
    for (const name of await readdir(folder)) {
      const missing = await copyOf(folder);
      await rm(join(missing, name));
      await expect(open(missing)).rejects.toThrow(`${join(missing, name)} is damaged at offset 0`);
      const empty = await copyOf(folder);
      await truncate(join(empty, name), 0);
      await expect(open(empty)).rejects.toThrow(`${join(empty, name)} is damaged at offset 0`);
    }
  });

  it("refuses a damaged last record once the file said that it was on disk, also after kill -9", async () => {
    const folder = newFolder();
    const clock = new FakeClock();
    const store = await open(folder, { clock });
    await put(store, "a", "one");
    await clock.advance(100);
    // The mark is written through the event loop's own threads: wait until it is there.
    const file = await lastFile(folder, ".log");
    await expect.poll(async () => (await readFile(file)).subarray(-7)[0]).toBe(4);
    const copy = await copyOf(folder);
    await removeLocks(copy);
    await store[Symbol.asyncDispose]();
    const path = await lastFile(copy, ".log");
    const data = await readFile(path);
    data[data.indexOf("one")] = 0;
    await writeFile(path, data);
    await expect(open(copy)).rejects.toThrow(/is damaged at offset \d+: the checksum does not match/);
  });

  it("refuses damage before a later batch, also after kill -9", async () => {
    const folder = newFolder();
    await using store = await open(folder);
    await put(store, "a", "one");
    await put(store, "b", "two");
    const copy = await copyOf(folder);
    await removeLocks(copy);
    const path = await lastFile(copy, ".log");
    const data = await readFile(path);
    data[data.indexOf("one")] = 0;
    await writeFile(path, data);
    await expect(open(copy)).rejects.toThrow(/is damaged at offset \d+: the checksum does not match/);
  });

  async function copyOf(folder: string): Promise<string> {
    const copy = newFolder();
    await cp(folder, copy, { recursive: true });
    return copy;
  }
});

async function removeLocks(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith("LOCK")) await rm(join(folder, name));
}

describe("openLogStore() when the disk fails", () => {
  it("refuses writes of a full disk, keeps reading, and writes again when there is room", async () => {
    const folder = newFolder();
    let isFull = false;
    const files = faultFiles((operation) => {
      if (isFull && ["write", "create"].includes(operation)) throw systemError("ENOSPC");
    });
    const store = await open(folder, { files });
    await put(store, "a", "1");
    isFull = true;
    const refused = await Promise.allSettled([
      store.commit("a", bytes("2"), { expected: 1 }),
      store.commit("a", bytes("3"), { expected: 2 }),
      store.commit("b", bytes("1"), { expected: 0 }),
    ]);
    for (const result of refused) {
      expect(result.status === "rejected" && result.reason).toBeInstanceOf(StoreWriteError);
      expect(result.status === "rejected" && result.reason.temporary).toBe(true);
    }
    expect(await contents(store)).toEqual(["a=1@1,1"]);
    isFull = false;
    expect(await put(store, "a", "2")).toBe(2);
    await store[Symbol.asyncDispose]();
    await using again = await open(folder);
    expect(await contents(again)).toEqual(["a=2@1,2"]);
  });

  it("answers and shows nothing before it is synced", async () => {
    const folder = newFolder();
    let release = (): void => {};
    let hold: Promise<void> | undefined;
    const files = faultFiles((operation) => (operation === "sync" ? hold : undefined));
    await using store = await open(folder, { files });
    await put(store, "a", "1");
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const watching = (async () => {
      for await (const batch of store.watch("", { after: 0, until: 2, signal: new AbortController().signal })) {
        seen.push(...batch.map(short));
      }
    })();
    let answered = false;
    const commits = Promise.all([
      store.commit("a", bytes("2"), { expected: 1 }),
      store.commit("a", bytes("3"), { expected: 1 }),
    ]).finally(() => {
      answered = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([answered, seen, await contents(store)]).toEqual([false, ["1 a=1 was -@0"], ["a=1@1,1"]]);
    release();
    const [won, lost] = await commits;
    expect(won).toEqual({ ok: true, revision: 2 });
    expect(lost && !lost.ok && text(lost.current)).toBe("2");
    await watching;
    expect(seen).toHaveLength(2);
  });

  it("writes no more after any other error, says why, and keeps reading and watching", async () => {
    const folder = newFolder();
    let isBroken = false;
    const files = faultFiles((operation) => {
      if (isBroken && operation === "sync") throw systemError("EIO");
    });
    await using store = await open(folder, { files });
    await put(store, "a", "1");
    isBroken = true;
    await expect(store.commit("a", bytes("2"), { expected: 1 })).rejects.toThrow(/Cannot write to the store: .*EIO/);
    isBroken = false;
    await expect(store.commit("a", bytes("2"), { expected: 1 })).rejects.toThrow(/until it is opened again/);
    expect(await contents(store)).toEqual(["a=1@1,1"]);
    expect(await eventsOf(store, "", 0)).toHaveLength(1);
  });
});

describe("openLogStore() and others", () => {
  it("keeps its folder 0700 and its files 0600", async () => {
    const folder = newFolder();
    {
      await using store = await open(folder, { segmentBytes: 300, snapshotBytes: 600 });
      for (let index = 0; index < 30; index++) await put(store, "a", `value ${index}`);
      const [lock = ""] = (await readdir(folder)).filter((name) => name.startsWith("LOCK"));
      expect((await stat(join(folder, lock))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  });

  it("refuses a second opener, saying who holds the folder, and lets it in afterwards", async () => {
    const folder = newFolder();
    const first = await open(folder);
    await expect(open(folder)).rejects.toThrow(
      `Cannot open the store: ${folder} is in use by this process (process ${process.pid})`,
    );
    expect(await put(first, "a", "1")).toBe(1);
    await first[Symbol.asyncDispose]();
    await using second = await open(folder);
    expect(await contents(second)).toEqual(["a=1@1,1"]);
  });

  it("lets at most one of many openers in at once", async () => {
    const folder = newFolder();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => open(folder)));
    const opened = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(opened).toHaveLength(1);
    for (const store of opened) await store[Symbol.asyncDispose]();
  });

  it("openStore() takes log:PATH, PATH and memory:, and refuses other schemes", async () => {
    const options = { clock: new FakeClock(), log: silentLogger };
    const folder = newFolder();
    {
      await using store = await openStore(`log:${folder}`, options);
      await put(store, "a", "1");
    }
    {
      await using store = await openStore(folder, options);
      expect(await contents(store)).toEqual(["a=1@1,1"]);
    }
    await using memory = await openStore("memory:", options);
    expect(await contents(memory)).toEqual([]);
    await expect(openStore("ftp://x", options)).rejects.toThrow("unknown scheme, known are memory, etcd, log: ftp://x");
    await expect(openStore("log:", options)).rejects.toThrow(RangeError);
  });
});

describe("kill -9", () => {
  let child = "";
  beforeAll(async () => {
    child = join(root, "child.mjs");
    await build({
      entryPoints: [join(import.meta.dirname, "log_writer_child.ts")],
      outfile: child,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      logLevel: "error",
    });
  });

  /** Runs the writer and kills it after `afterMs`; returns what it said was acknowledged, and its pid. */
  async function killedWriter(folder: string, afterMs: number, small: boolean): Promise<string[]> {
    const writer = spawn(process.execPath, [...nodeArguments, child, folder, ...(small ? ["small"] : [])], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    const ready = new Promise<void>((resolve) => {
      writer.stdout.on("data", (data: Buffer) => {
        output += data.toString();
        if (output.startsWith("ready")) resolve();
      });
    });
    const exited = new Promise<void>((resolve) => writer.on("close", () => resolve()));
    await Promise.race([ready, exited]);
    await systemClock.sleep(afterMs);
    writer.kill("SIGKILL");
    await exited;
    return output.slice(0, output.lastIndexOf("\n")).split("\n").slice(1);
  }

  const nodeArguments = "Deno" in globalThis ? ["run", "-A"] : [];

  it.each([
    ["with one segment", false],
    ["while segments rotate and snapshots are made", true],
  ])("under load loses no acknowledged write and leaves no lock, %s", async (_title, small) => {
    const folder = newFolder();
    const acknowledged = new Map<string, number>();
    let last = 0;
    for (const afterMs of [40, 150, 90]) {
      const lines = await killedWriter(folder, afterMs, small);
      for (const line of lines) {
        const [, key = "", number, revision] = /^(\S+)=(\d+)@(\d+)$/.exec(line) ?? [];
        expect(Number(revision)).toBeGreaterThan(last);
        acknowledged.set(key, Number(number));
      }
      last = Math.max(last, ...lines.map((line) => Number(line.split("@")[1])));
      await using store = await open(folder);
      const { items, revision } = await store.list("");
      expect(revision).toBeGreaterThanOrEqual(last);
      last = revision;
      const found = new Map(items.map((kv) => [kv.key, Number(text(kv)?.split(" ")[0])]));
      for (const [key, number] of acknowledged) {
        expect([number, number + 1]).toContain(found.get(key));
        acknowledged.set(key, found.get(key) ?? 0);
      }
    }
    expect(acknowledged.size).toBe(16);
  });

  it("a second process is refused within ten seconds while the first runs", async () => {
    const folder = newFolder();
    const writer = spawn(process.execPath, [...nodeArguments, child, folder], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = new Promise<void>((resolve) => writer.on("close", () => resolve()));
    try {
      await new Promise<void>((resolve) => writer.stdout.once("data", () => resolve()));
      const begin = systemClock.monotonic();
      await expect(open(folder)).rejects.toThrow(`${folder} is in use by another wherry (process ${writer.pid})`);
      expect(systemClock.monotonic() - begin).toBeLessThan(10_000);
    } finally {
      writer.kill("SIGKILL");
      await exited;
    }
    await using store = await open(folder);
    expect((await store.get("")).revision).toBeGreaterThanOrEqual(0);
  });
});
