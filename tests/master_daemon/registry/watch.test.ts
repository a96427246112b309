import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import type { RegistryEvent, Stored } from "../../../master_daemon/registry/registry.ts";
import { openLogStore } from "../../../master_daemon/store/log.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import type { Store } from "../../../master_daemon/store/store.ts";
import { aWidget, follow, openFixture, settle, user } from "./fixtures.ts";

const key = (name: string) => ({ namespace: "default", name });
const isRed = ({ object }: Stored) => object.metadata.labels?.["color"] === "red";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wherry-registry-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("Registry.watch()", () => {
  it("tells the present objects, then changes; deletions with the last state and a new revision", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a"), { user });
    const watch = follow(fixture.widgets);
    await settle();
    await fixture.widgets.create(aWidget("b"), { user });
    await fixture.widgets.update(key("a"), (current) => ({ ...current, spec: { size: 2 } }), { user });
    await fixture.plains.create({ apiVersion: "v1", kind: "Plain", metadata: { name: "p" } }, { user });
    await fixture.widgets.delete(key("a"), { user });
    await settle();
    watch.stop();
    await watch.ended;
    expect(watch.seen).toEqual(["ADDED a@1", "ADDED b@2", "MODIFIED a@3", "DELETED a@5"]);
  });

  it("resumes after a revision, and waits for the next change when there is none", async () => {
    await using fixture = await openFixture();
    for (const name of ["a", "b", "c"]) await fixture.widgets.create(aWidget(name), { user });
    const watch = follow(fixture.widgets, { resourceVersion: "1" });
    const late = follow(fixture.widgets, { resourceVersion: "3" });
    await settle();
    expect([watch.seen, late.seen]).toEqual([["ADDED b@2", "ADDED c@3"], []]);
    await fixture.widgets.delete(key("b"), { user });
    await settle();
    expect([watch.seen.at(-1), late.seen]).toEqual(["DELETED b@4", ["DELETED b@4"]]);
    watch.stop();
    late.stop();
  });

  it("of a selection sees what starts to match as ADDED and what stops as DELETED", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a", {}, { labels: { color: "blue" } }), { user });
    const color = (name: string, value: string) =>
      fixture.widgets.update(
        key(name),
        (current) => ({ ...current, metadata: { ...current.metadata, labels: { color: value } } }),
        { user },
      );
    const watch = follow(fixture.widgets, { matches: isRed });
    const other = follow(fixture.widgets, { namespace: "other" });
    await settle();
    await color("a", "red");
    await fixture.widgets.update(key("a"), (current) => ({ ...current, spec: { size: 4 } }), { user });
    await color("a", "green");
    await color("a", "red");
    await fixture.widgets.create(aWidget("x", {}, { namespace: "other" }), { user });
    await fixture.widgets.delete(key("a"), { user });
    await settle();
    expect(watch.seen).toEqual(["ADDED a@2", "MODIFIED a@3", "DELETED a@4", "ADDED a@5", "DELETED a@7"]);
    expect(other.seen).toEqual(["ADDED x@6"]);
    const resumed = follow(fixture.widgets, { matches: isRed, resourceVersion: "2" });
    await settle();
    expect(resumed.seen).toEqual(watch.seen.slice(1));
    for (const each of [watch, other, resumed]) each.stop();
  });

  it("shows what stopped matching as it last matched, at the revision of the change", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a", {}, { labels: { color: "red" } }), { user });
    await fixture.widgets.update(
      key("a"),
      (current) => ({ ...current, metadata: { ...current.metadata, labels: {} } }),
      { user },
    );
    for await (const [event] of fixture.widgets.watch({
      matches: isRed,
      resourceVersion: "1",
      signal: new AbortController().signal,
    })) {
      expect(event?.type === "DELETED" && JSON.parse(new TextDecoder().decode(event.stored.bytes))).toMatchObject({
        metadata: { resourceVersion: "2", labels: { color: "red" } },
      });
      break;
    }
  });

  it("shares an event among all watchers, and its object with lists", async () => {
    await using fixture = await openFixture();
    const controller = new AbortController();
    const watches = [1, 2].map(() => fixture.widgets.watch({ signal: controller.signal })[Symbol.asyncIterator]());
    const firsts = watches.map((watch) => watch.next());
    await settle();
    await fixture.widgets.create(aWidget("a"), { user });
    const events = (await Promise.all(firsts)).map(({ value }) => value?.[0] as RegistryEvent & { stored: Stored });
    expect(events[0]).toBe(events[1]);
    expect((await fixture.widgets.list()).items[0]).toBe(events[0]?.stored);
    controller.abort();
  });

  it("with sendInitialEvents tells the end of the present objects, even when there are none", async () => {
    await using fixture = await openFixture();
    const empty = follow(fixture.widgets, { sendInitialEvents: true });
    await settle();
    expect(empty.seen).toEqual(["BOOKMARK@0 end"]);
    await fixture.widgets.create(aWidget("a"), { user });
    const watch = follow(fixture.widgets, { sendInitialEvents: true, resourceVersion: "1" });
    const without = follow(fixture.widgets, { sendInitialEvents: false });
    await settle();
    expect([watch.seen, without.seen]).toEqual([["ADDED a@1", "BOOKMARK@1 end"], []]);
    for (const each of [empty, watch, without]) each.stop();
  });

  it("sends bookmarks every minute to those who asked, with the revision of the store", async () => {
    await using fixture = await openFixture();
    const asked = follow(fixture.widgets, { bookmarks: true });
    const silent = follow(fixture.widgets);
    await settle();
    await fixture.plains.create({ apiVersion: "v1", kind: "Plain", metadata: { name: "p" } }, { user });
    await fixture.clock.advance(60_000);
    await settle();
    expect([asked.seen, silent.seen]).toEqual([["BOOKMARK@1"], []]);
    asked.stop();
    silent.stop();
  });

  it("sends a last bookmark two seconds before the end that was asked for, to go on from", async () => {
    await using fixture = await openFixture();
    const [long, short] = [30_000, 2000].map((timeoutMs) => follow(fixture.widgets, { bookmarks: true, timeoutMs }));
    await settle();
    await fixture.plains.create({ apiVersion: "v1", kind: "Plain", metadata: { name: "p" } }, { user });
    await fixture.clock.advance(27_999);
    await settle();
    expect([long?.seen, short?.seen]).toEqual([[], []]);
    await fixture.clock.advance(1);
    await settle();
    expect([long?.seen, short?.seen]).toEqual([["BOOKMARK@1"], []]);
    for (const each of [long, short]) each?.stop();
  });

  it("answers Expired for a revision that is compacted, Timeout for one that does not come", async () => {
    const clock = new FakeClock();
    // A cache opened late knows nothing of what was before: only the store's history does.
    const store = openMemoryStore({ clock });
    {
      await using fixture = await openFixture({ clock, store });
      for (const name of ["a", "b", "c"]) await fixture.widgets.create(aWidget(name), { user });
    }
    await store.compact(2);
    await using fixture = await openFixture({ clock, store });
    expect(await follow(fixture.widgets, { resourceVersion: "1" }).ended).toMatchObject({
      code: 410,
      reason: "Expired",
      message: "too old resource version: 1 (2)",
    });
    const late = follow(fixture.widgets, { resourceVersion: "99" });
    await fixture.clock.advance(3_000);
    expect(await late.ended).toMatchObject({
      code: 504,
      message: "Timeout: Too large resource version: 99, current: 3",
    });
    expect(await follow(fixture.widgets, { resourceVersion: "x" }).ended).toMatchObject({ code: 400 });
  });

  it("cuts a watcher that reads too slowly, and only that one", async () => {
    await using fixture = await openFixture({ watcherBudgetBytes: 20_000 });
    const controller = new AbortController();
    const slow = fixture.widgets.watch({ resourceVersion: "0", signal: controller.signal })[Symbol.asyncIterator]();
    const first = slow.next();
    const quick = follow(fixture.widgets);
    await settle();
    for (let index = 0; index < 60; index++) {
      await fixture.widgets.create(aWidget(`w${index}`, { color: "x".repeat(500) }), { user });
      await settle();
    }
    expect((await first).value).toHaveLength(1);
    expect((await slow.next()).done).toBe(true);
    expect(quick.seen).toHaveLength(60);
    const resumed = follow(fixture.widgets, { resourceVersion: "1" });
    await settle();
    expect(resumed.seen).toHaveLength(59);
    quick.stop();
    resumed.stop();
  });

  it("a selection that throws fails its own watch only", async () => {
    await using fixture = await openFixture();
    const broken = follow(fixture.widgets, {
      matches: () => {
        throw new Error("broken selection");
      },
    });
    const healthy = follow(fixture.widgets);
    await settle();
    await fixture.widgets.create(aWidget("a"), { user });
    expect(await broken.ended).toMatchObject({ message: "broken selection" });
    await settle();
    expect(healthy.seen).toEqual(["ADDED a@1"]);
    healthy.stop();
  });

  it("ends when the registries are closed, and writes are then refused", async () => {
    const fixture = await openFixture();
    const watch = follow(fixture.widgets);
    await settle();
    await fixture[Symbol.asyncDispose]();
    expect(await watch.ended).toBeUndefined();
    await expect(fixture.widgets.create(aWidget("a"), { user })).rejects.toMatchObject({ code: 500 });
  });

  it("resumes without a gap across a restart on the log store", async () => {
    const folder = join(root, "restart");
    const options = { clock: new FakeClock(), log: silentLogger, segmentBytes: 2_000, snapshotBytes: 4_000 };
    {
      await using store = await openLogStore(folder, options);
      await using fixture = await openFixture({ store });
      for (let index = 0; index < 40; index++) await fixture.widgets.create(aWidget(`w${index}`), { user });
      for (let index = 0; index < 40; index += 2) await fixture.widgets.delete(key(`w${index}`), { user });
    }
    await using store = await openLogStore(folder, options);
    await using fixture = await openFixture({ store });
    expect(fixture.revision).toBe(60);
    const watch = follow(fixture.widgets, { resourceVersion: "5" });
    await fixture.widgets.create(aWidget("new"), { user });
    await expect.poll(() => watch.seen.length).toBe(56);
    expect(watch.seen.slice(0, 2)).toEqual(["ADDED w5@6", "ADDED w6@7"]);
    expect(watch.seen.slice(-2)).toEqual(["DELETED w38@60", "ADDED new@61"]);
    watch.stop();
    const page = await fixture.widgets.list({ resourceVersion: "50", resourceVersionMatch: "Exact" });
    expect(page.items).toHaveLength(30);
  });
});

describe("every watcher's replay equals the final list", () => {
  const step = fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    namespace: fc.constantFrom("n", "m"),
    action: fc.constantFrom("create", "update", "label", "delete", "connect", "leave", "resume", "restart"),
    number: fc.nat(100),
  });
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

  /** A client that keeps what it has seen, and where it is. */
  class Replica {
    readonly objects = new Map<string, number>();
    revision: string | undefined;
    readonly selection: { namespace?: string; matches?: (stored: Stored) => boolean };
    #stop = new AbortController();
    ended: Promise<void> = Promise.resolve();
    isConnected = false;

    constructor(number: number) {
      this.selection =
        [{}, { namespace: "n" }, { matches: isRed }, { namespace: "m", matches: isRed }][number % 4] ?? {};
    }

    connect(fixture: Awaited<ReturnType<typeof openFixture>>): void {
      this.isConnected = true;
      this.#stop = new AbortController();
      const options = { ...this.selection, resourceVersion: this.revision, bookmarks: true, signal: this.#stop.signal };
      const isInitial = this.revision === undefined;
      if (isInitial) this.objects.clear();
      this.ended = (async () => {
        for await (const batch of fixture.widgets.watch({
          ...options,
          ...(isInitial ? { sendInitialEvents: true } : {}),
        })) {
          for (const event of batch) this.#see(event);
        }
      })();
    }

    #see(event: RegistryEvent): void {
      if (event.type === "BOOKMARK") {
        // Version 0 is "whatever is there": a watch of an empty store has nothing to resume from.
        this.revision = event.revision === 0 ? undefined : String(event.revision);
        return;
      }
      const { stored, type } = event;
      const name = `${stored.key.namespace}/${stored.key.name}`;
      // Beyond the present objects, which come sorted by name, revisions only grow.
      if (this.revision !== undefined) {
        expect(stored.revision).toBeGreaterThan(Number(this.revision));
        this.revision = String(stored.revision);
      }
      expect(this.objects.has(name)).toBe(type !== "ADDED");
      if (type === "DELETED") this.objects.delete(name);
      else this.objects.set(name, stored.revision);
    }

    async disconnect(): Promise<void> {
      this.isConnected = false;
      this.#stop.abort();
      await this.ended;
      // Cut off among the present objects: nothing to resume from.
      if (this.revision === undefined) this.objects.clear();
    }
  }

  async function run(steps: readonly Step[], openStore: () => Promise<Store>, canRestart: boolean): Promise<void> {
    let store = await openStore();
    let fixture = await openFixture({ store });
    const replicas: Replica[] = [];
    for (const { name, namespace, action, number } of steps) {
      const at = { namespace, name };
      const ignore = () => {};
      if (action === "create") {
        const labels = { color: number % 2 ? "red" : "blue" };
        await fixture.widgets.create(aWidget(name, { size: number }, { namespace, labels }), { user }).catch(ignore);
      } else if (action === "update") {
        await fixture.widgets.update(at, (current) => ({ ...current, spec: { size: number } }), { user }).catch(ignore);
      } else if (action === "label") {
        const labels = { color: number % 3 ? "red" : "green" };
        await fixture.widgets
          .update(at, (current) => ({ ...current, metadata: { ...current.metadata, labels } }), { user })
          .catch(ignore);
      } else if (action === "delete") {
        await fixture.widgets.delete(at, { user }).catch(ignore);
      } else if (action === "connect") {
        const replica = new Replica(number);
        replicas.push(replica);
        replica.connect(fixture);
      } else if (action === "leave") {
        await replicas[number % Math.max(1, replicas.length)]?.disconnect();
      } else if (action === "resume") {
        const replica = replicas[number % Math.max(1, replicas.length)];
        if (!replica?.isConnected) replica?.connect(fixture);
      } else if (canRestart) {
        for (const replica of replicas) await replica.disconnect();
        await fixture[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
        store = await openStore();
        fixture = await openFixture({ store });
      }
      if (number % 3 === 0) await settle();
    }
    for (const replica of replicas) {
      if (!replica.isConnected) replica.connect(fixture);
      const { items } = await fixture.widgets.list(replica.selection);
      const expected = items.map(({ key: { namespace, name }, revision }) => [`${namespace}/${name}`, revision]);
      await expect.poll(() => [...replica.objects].sort(), { interval: 2 }).toEqual(expected.sort());
      await replica.disconnect();
    }
    await fixture[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  }

  it("on the memory store", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        await run(steps, async () => openMemoryStore({ clock: new FakeClock() }), false);
      }),
      { numRuns: 300 },
    );
  });

  it("on the log store, across restarts", async () => {
    let folders = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const folder = join(root, `property-${folders++}`);
        const options = { clock: new FakeClock(), log: silentLogger, segmentBytes: 1_500, snapshotBytes: 3_000 };
        await run(steps, () => openLogStore(folder, options), true);
      }),
      { numRuns: 40 },
    );
  });
});

it("the watch cache reads a store that failed anew, and cuts watchers so that they resume", async () => {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  let isBroken = false;
  const flaky: Store = {
    get: (...args) => store.get(...args),
    list: (...args) => store.list(...args),
    commit: (...args) => store.commit(...args),
    compact: (revision) => store.compact(revision),
    async *watch(prefix, options) {
      for await (const batch of store.watch(prefix, options)) {
        if (isBroken) throw new Error("connection lost");
        yield batch;
      }
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  await using fixture = await openFixture({ clock, store: flaky });
  const watch = follow(fixture.widgets);
  await fixture.widgets.create(aWidget("a"), { user });
  isBroken = true;
  const writing = fixture.widgets.create(aWidget("b"), { user });
  expect(await watch.ended).toBeUndefined();
  isBroken = false;
  await clock.advance(1_000);
  expect((await writing).revision).toBe(2);
  expect((await fixture.widgets.list()).items).toHaveLength(2);
  const resumed = follow(fixture.widgets, { resourceVersion: "1" });
  await settle();
  expect(resumed.seen).toEqual(["ADDED b@2"]);
  resumed.stop();
});
