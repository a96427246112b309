import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { Informer, InformerFactory } from "../../../core/client/informer.ts";
import { createInformers } from "../../../core/client/informers.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { configMap, FakeWatch, fakeApi, listOf, type SeenRequest, settle, thing } from "./fake_api.ts";

interface Setup {
  readonly clock: FakeClock;
  readonly informers: InformerFactory;
  readonly informer: Informer;
  readonly watches: FakeWatch[];
  readonly lists: SeenRequest[];
  /** What happened, as `type name@version`. */
  readonly changes: string[];
  /** The newest watch. */
  watch(): FakeWatch;
}

let open: InformerFactory | undefined;
afterEach(() => open?.[Symbol.asyncDispose]());

/** @param list answers each list; `onWatch` may refuse a watch */
async function setUp(
  list: (request: SeenRequest, count: number) => ApiResponse,
  onWatch: (query: URLSearchParams, count: number) => ApiResponse | undefined = () => undefined,
): Promise<Setup> {
  const clock = new FakeClock();
  const watches: FakeWatch[] = [];
  const lists: SeenRequest[] = [];
  let asked = 0;
  const { client } = fakeApi((request, signal) => {
    if (!request.query.has("watch")) {
      lists.push(request);
      return list(request, lists.length);
    }
    const refusal = onWatch(request.query, ++asked);
    if (refusal) return refusal;
    const watch = new FakeWatch(request.query, signal);
    watches.push(watch);
    return watch.response;
  });
  const informers = createInformers({ client, clock, random: seededRandom(1), log: silentLogger });
  open = informers;
  const informer: Informer = informers.informer<KubeObject>(configMap);
  const changes: string[] = [];
  informer.onChange(({ type, object }) =>
    changes.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`),
  );
  await settle();
  const watch = () => {
    const last = watches.at(-1);
    if (!last) throw new Error("There is no watch");
    return last;
  };
  return { clock, informers, informer, watches, lists, changes, watch };
}

const names = (informer: Informer) =>
  informer.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);

describe("createInformers()", () => {
  it("lists, then watches from the list's version with bookmarks", async () => {
    const { informer, watch, changes, lists } = await setUp(() => listOf(10, [thing("a", 3)]));
    await informer.synced();
    expect(informer.resourceVersion).toBe(10n);
    expect(watch().query.get("resourceVersion")).toBe("10");
    expect(watch().query.get("allowWatchBookmarks")).toBe("true");
    expect(lists[0]?.query.get("limit")).toBe("500");
    watch().send("MODIFIED", thing("a", 11));
    watch().send("ADDED", thing("b", 12));
    watch().send("DELETED", thing("a", 13));
    await settle();
    expect(changes).toEqual(["added a@3", "updated a@11", "added b@12", "deleted a@13"]);
    expect(names(informer)).toEqual(["b@12"]);
    expect(informer.resourceVersion).toBe(13n);
  });

  it("reads every page of a list, and all at once when a page is forgotten", async () => {
    const pages = await setUp(({ query }) =>
      query.get("continue") === "2" ? listOf(10, [thing("b", 4)]) : listOf(10, [thing("a", 3)], { continue: "2" }),
    );
    expect(names(pages.informer)).toEqual(["a@3", "b@4"]);
    await pages.informers[Symbol.asyncDispose]();
    const forgotten = await setUp(({ query }) => {
      if (query.has("continue")) return refusal(StatusError.expired("The provided continue parameter is too old"));
      return query.has("limit") ? listOf(10, [thing("a", 3)], { continue: "2" }) : listOf(20, [thing("b", 4)]);
    });
    expect(names(forgotten.informer)).toEqual(["b@4"]);
    expect(forgotten.watch().query.get("resourceVersion")).toBe("20");
  });

  it("resumes where a connection ended, without listing again", async () => {
    const { clock, informer, watches, watch, lists, changes } = await setUp(() => listOf(10, []));
    watch().send("ADDED", thing("a", 11));
    await settle();
    watch().end();
    await settle();
    expect(watches.map(({ query }) => query.get("resourceVersion"))).toEqual(["10", "11"]);
    watch().end(new Error("The connection was lost"));
    await clock.advance(1000);
    expect(watch().query.get("resourceVersion")).toBe("11");
    watch().send("MODIFIED", thing("a", 15));
    await settle();
    expect(changes).toEqual(["added a@11", "updated a@15"]);
    expect(informer.resourceVersion).toBe(15n);
    expect(lists).toHaveLength(1);
  });

  it("advances with bookmarks, and resumes from the last one", async () => {
    const { clock, informer, watch } = await setUp(() => listOf(10, []));
    let reached = false;
    const waiting = informer.reached("500").then(() => {
      reached = true;
    });
    watch().send("BOOKMARK", thing("", 499));
    await settle();
    expect(reached).toBe(false);
    watch().send("BOOKMARK", thing("", 500));
    await waiting;
    expect(informer.resourceVersion).toBe(500n);
    watch().end();
    await clock.advance(1000);
    expect(watch().query.get("resourceVersion")).toBe("500");
  });

  it("lists again when told 410, at once, and tells what was deleted meanwhile", async () => {
    const { watch, lists, changes, informer, watches } = await setUp((_, count) =>
      count === 1 ? listOf(10, [thing("a", 3), thing("b", 4)]) : listOf(90, [thing("b", 80), thing("c", 81)]),
    );
    watch().send("ERROR", StatusError.expired("too old resource version: 10 (85)").status);
    await settle();
    // A FakeClock that stands still: no waiting was asked for.
    expect(lists).toHaveLength(2);
    expect(changes).toEqual(["added a@3", "added b@4", "deleted a@3", "updated b@80", "added c@81"]);
    expect(informer.resourceVersion).toBe(90n);
    expect(watches).toHaveLength(2);
  });

  it("never puts an older object over a newer one", async () => {
    const { watch, informer, changes, clock, lists } = await setUp((_, count) => {
      if (count === 1) return listOf(10, [thing("a", 3)]);
      // A server that lags behind, twice.
      return count < 4 ? listOf(15, [thing("a", 12)]) : listOf(40, [thing("a", 20)]);
    });
    watch().send("MODIFIED", thing("a", 20));
    watch().send("MODIFIED", thing("a", 15));
    watch().send("ADDED", thing("z", 14));
    await settle();
    expect(names(informer)).toEqual(["a@20"]);
    watch().send("ERROR", StatusError.expired("too old resource version").status);
    await clock.advance(5000);
    expect(lists).toHaveLength(4);
    expect(changes).toEqual(["added a@3", "updated a@20"]);
    expect(informer.resourceVersion).toBe(40n);
  });

  it("believes a server whose history began anew, after a few lists", async () => {
    const { watch, informer, changes, clock } = await setUp((_, count) =>
      count === 1 ? listOf(1000, [thing("a", 900), thing("b", 901)]) : listOf(5, [thing("a", 4, { uid: "new" })]),
    );
    watch().send("ERROR", StatusError.expired("too old resource version").status);
    await clock.advance(60_000);
    expect(changes).toEqual(["added a@900", "added b@901", "deleted b@901", "deleted a@900", "added a@4"]);
    expect(informer.resourceVersion).toBe(5n);
    expect(watch().query.get("resourceVersion")).toBe("5");
  });

  it("lists again when the server does not know our version yet", async () => {
    const tooLarge = StatusError.timeout("Too large resource version: 10, current: 5", 1, [
      { reason: "ResourceVersionTooLarge", message: "Too large resource version" },
    ]);
    const { lists, watches, clock } = await setUp(
      () => listOf(10, []),
      (_, count) => (count === 1 ? refusal(tooLarge) : undefined),
    );
    await clock.advance(2000);
    expect(lists).toHaveLength(2);
    expect(watches).toHaveLength(1);
  });

  it("waits longer after each failure, with jitter, and recovers", async () => {
    const attempts: number[] = [];
    const clock = new FakeClock();
    let down = true;
    const { client } = fakeApi((request, signal) => {
      if (request.query.has("watch")) return new FakeWatch(request.query, signal).response;
      attempts.push(clock.monotonic());
      if (down) throw new Error("The connection was refused");
      return listOf(1, []);
    });
    open = createInformers({ client, clock, random: () => 0.5, log: silentLogger });
    const informer = open.informer(configMap);
    await clock.advance(120_000);
    expect(attempts.slice(0, 6)).toEqual([0, 100, 300, 700, 1500, 3100]);
    const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    expect(Math.max(...gaps)).toBe(10_000);
    down = false;
    await clock.advance(10_000);
    await informer.synced();
  });

  it("tells an object that was made anew as deleted and added", async () => {
    const { watch, changes } = await setUp(() => listOf(10, [thing("a", 3)]));
    watch().send("MODIFIED", thing("a", 12, { uid: "other" }));
    await settle();
    expect(changes).toEqual(["added a@3", "deleted a@3", "added a@12"]);
  });

  it("finds objects by namespace, owner and the indexes asked for", async () => {
    const owner = { apiVersion: "v1", kind: "X", name: "x", uid: "owner-1", controller: true };
    const { informers, informer, watch } = await setUp(() =>
      listOf(10, [thing("a", 3, { ownerReferences: [owner] }), thing("b", 4, { namespace: "other" })]),
    );
    const byColour = ({ metadata }: KubeObject) => (metadata.labels?.["colour"] ? [metadata.labels["colour"]] : []);
    informers.informer<KubeObject>(configMap, { indexes: { byColour } });
    watch().send("ADDED", thing("c", 11, { labels: { colour: "red" } }));
    await settle();
    const found = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name);
    expect(found(informer.list("other"))).toEqual(["b"]);
    expect(found(informer.list("constructor"))).toEqual([]);
    expect(found(informer.ownedBy({ metadata: { uid: "owner-1" } }))).toEqual(["a"]);
    expect(found(informer.ownedBy({ metadata: {} }))).toEqual([]);
    expect(found(informer.byIndex("byColour", "red"))).toEqual(["c"]);
    watch().send("MODIFIED", thing("c", 12, { labels: { colour: "blue" } }));
    await settle();
    expect(found(informer.byIndex("byColour", "red"))).toEqual([]);
    expect(found(informer.byIndex("byColour", "blue"))).toEqual(["c"]);
    expect(() => informer.byIndex("missing", "x")).toThrow(RangeError);
    const other = { byColour: () => [] };
    expect(() => informers.informer<KubeObject>(configMap, { indexes: other })).toThrow("another function");
  });

  it("shares one informer per resource and selection", async () => {
    const { informers, informer, lists } = await setUp(() => listOf(10, []));
    expect(informers.informer<KubeObject>(configMap)).toBe(informer);
    expect(informers.informer<KubeObject>(configMap, { namespace: "a" })).not.toBe(informer);
    await settle();
    expect(lists.map(({ path }) => path)).toEqual(["/api/v1/configmaps", "/api/v1/namespaces/a/configmaps"]);
  });

  it("keeps of each object what it is asked to, and refuses to share with who wants other parts", async () => {
    const { informers, watch } = await setUp(() => listOf(10, [thing("a", 3, { namespace: "n", uid: "u" })]));
    const keep = ({ apiVersion, kind, metadata }: KubeObject) => {
      const { name, namespace, resourceVersion } = metadata;
      return { apiVersion, kind, metadata: { name, namespace, resourceVersion } } as KubeObject;
    };
    const lean = informers.informer<KubeObject>(configMap, { namespace: "n", keep });
    const told: KubeObject["metadata"][] = [];
    lean.onChange(({ object }) => told.push(object.metadata));
    await settle();
    watch().send("MODIFIED", thing("a", 11, { namespace: "n", labels: { colour: "red" } }));
    await settle();
    watch().send("DELETED", thing("a", 12, { namespace: "n", labels: { colour: "red" } }));
    await settle();
    expect(told).toEqual(["3", "11", "12"].map((resourceVersion) => ({ name: "a", namespace: "n", resourceVersion })));
    expect(informers.informer<KubeObject>(configMap, { namespace: "n", keep })).toBe(lean);
    expect(() => informers.informer<KubeObject>(configMap, { namespace: "n" })).toThrow(
      "Cannot share an informer: another keeps other parts of configmaps",
    );
  });

  it("tells a late listener what is there, survives one that throws, and forgets one that left", async () => {
    const { informer, watch } = await setUp(() => listOf(10, [thing("a", 3)]));
    const late: string[] = [];
    informer.onChange(() => {
      throw new Error("broken");
    });
    const leave = informer.onChange(({ object }) => late.push(object.metadata.name ?? ""));
    watch().send("ADDED", thing("b", 11));
    await settle();
    leave();
    watch().send("ADDED", thing("c", 12));
    await settle();
    expect(late).toEqual(["a", "b"]);
    expect(names(informer)).toEqual(["a@3", "b@11", "c@12"]);
  });

  it("lists anew when asked to, once for all who ask, and goes on from there", async () => {
    const listed = [listOf(10, [thing("a", 3), thing("b", 4)]), listOf(20, [thing("b", 4), thing("c", 15)])];
    const { informer, changes, lists, watches, watch } = await setUp((_, count) => listed[count - 1] ?? listOf(30, []));
    await Promise.all([informer.relist(), informer.relist()]);
    expect(lists).toHaveLength(2);
    expect(changes.slice(2)).toEqual(["deleted a@3", "added c@15"]);
    await settle();
    expect(watches.map(({ query }) => query.get("resourceVersion"))).toEqual(["10", "20"]);
    watch().send("DELETED", thing("c", 21));
    await settle();
    expect(names(informer)).toEqual(["b@4"]);
  });

  it("lists anew for who asks while it lists, and after a list that failed", async () => {
    const { clock, informer, lists } = await setUp((_, count) => {
      if (count === 2) throw new Error("connection lost");
      return listOf(count, []);
    });
    const first = informer.relist();
    await settle();
    expect(lists).toHaveLength(2);
    await clock.advance(1000);
    await first;
    expect(lists).toHaveLength(3);
    const second = informer.relist();
    await Promise.resolve();
    const third = informer.relist();
    await Promise.all([second, third]);
    expect(informer.resourceVersion).toBe(BigInt(lists.length));
  });

  it("rejects who waits when it is aborted or closed", async () => {
    const { informers, informer } = await setUp(() => listOf(10, []));
    const controller = new AbortController();
    const aborted = informer.reached("99", { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    const closed = [informer.reached("99"), informer.relist()].map((waits) => waits.catch((error: unknown) => error));
    await informers[Symbol.asyncDispose]();
    closed.push(informer.relist().catch((error: unknown) => error));
    expect(await Promise.all(closed)).toEqual(Array(3).fill(expect.objectContaining({ name: "AbortError" })));
  });

  it("ends with the server's state whatever is lost, repeated or forgotten on the way", async () => {
    const step = fc.record({
      write: fc.option(fc.record({ name: fc.constantFrom("a", "b", "c"), remove: fc.boolean() })),
      fault: fc.constantFrom("none", "none", "end", "error", "gone", "repeat", "bookmark"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const log: { type: string; object: KubeObject }[] = [];
        const state = new Map<string, KubeObject>();
        let revision = 1;
        const { clock, informer, watches, informers } = await setUp(
          () => listOf(revision, [...state.values()]),
          (query) => {
            void query;
            return undefined;
          },
        );
        const replayed = new Set<FakeWatch>();
        // A watch begins with what its client missed.
        const replay = () => {
          const last = watches.at(-1);
          if (!last || replayed.has(last)) return last;
          replayed.add(last);
          const from = Number(last.query.get("resourceVersion"));
          for (const event of log)
            if (Number(event.object.metadata.resourceVersion) > from) last.send(event.type, event.object);
          return last;
        };
        for (const { write, fault } of steps) {
          replay();
          if (write) {
            revision++;
            const present = state.has(write.name);
            const object = thing(write.name, revision);
            if (write.remove && !present) revision--;
            else {
              const type = write.remove ? "DELETED" : present ? "MODIFIED" : "ADDED";
              if (write.remove) state.delete(write.name);
              else state.set(write.name, object);
              log.push({ type, object });
              watches.at(-1)?.send(type, object);
            }
          }
          await settle();
          const last = watches.at(-1);
          const repeated = log[0];
          if (fault === "end") last?.end();
          else if (fault === "error") last?.end(new Error("lost"));
          else if (fault === "gone") last?.send("ERROR", StatusError.expired("too old").status);
          else if (fault === "repeat" && repeated) last?.send(repeated.type, repeated.object);
          else if (fault === "bookmark") last?.send("BOOKMARK", thing("", revision));
          await clock.advance(20_000);
        }
        replay();
        await settle();
        expect(names(informer).sort()).toEqual(
          [...state.values()].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort(),
        );
        await informers[Symbol.asyncDispose]();
      }),
      { numRuns: 40 },
    );
  });
});

function refusal(error: StatusError): ApiResponse {
  return {
    status: error.code,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(error.status)),
  };
}
