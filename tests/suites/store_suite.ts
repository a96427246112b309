import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Compacted, type KeyValue, type Store, type StoreEvent } from "../../master_daemon/store/store.ts";

/** Opens an empty store that keeps history of at least `historyEvents` events (default: plenty). */
export type OpenEmptyStore = (options?: { readonly historyEvents?: number }) => Promise<Store>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text as a value. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A value as text; undefined for none. */
export function text(kv: KeyValue | undefined): string | undefined {
  return kv && decoder.decode(kv.value);
}

/** Puts or deletes a key whatever it holds; returns the revision. */
export async function put(store: Store, key: string, value: string | null): Promise<number> {
  const { kv } = await store.get(key);
  const result = await store.commit(key, value === null ? null : bytes(value), { expected: kv?.revision ?? 0 });
  if (!result.ok) throw new Error(`commit of ${key} was refused`);
  return result.revision;
}

/** An event in short: revision, key, what it holds now and what it held. */
export function short(event: StoreEvent): string {
  const [key, value] = event.type === "put" ? [event.kv.key, text(event.kv)] : [event.key, "-"];
  return `${event.revision} ${key}=${value} was ${text(event.previous) ?? "-"}@${event.previous?.revision ?? 0}`;
}

/** The events after `after` up to `until` (default: now). */
export async function eventsOf(store: Store, prefix: string, after: number, until?: number): Promise<StoreEvent[]> {
  const end = until ?? (await store.get("")).revision;
  const events: StoreEvent[] = [];
  for await (const batch of store.watch(prefix, { after, until: end, signal: new AbortController().signal })) {
    events.push(...batch);
  }
  return events;
}

/** What every store promises. Each implementation runs it whole. */
export function storeSuite(name: string, open: OpenEmptyStore): void {
  describe(`${name}: what every store promises`, () => {
    it("commit() creates, replaces and deletes under compare-and-set", async () => {
      await using store = await open();
      expect(await store.commit("a", bytes("1"), { expected: 0 })).toEqual({ ok: true, revision: 1 });
      const refused = await store.commit("a", bytes("2"), { expected: 0 });
      expect(refused.ok).toBe(false);
      expect(!refused.ok && text(refused.current)).toBe("1");
      expect(await store.commit("a", bytes("2"), { expected: 1 })).toEqual({ ok: true, revision: 2 });
      expect(await store.get("a")).toMatchObject({ revision: 2, kv: { createRevision: 1, revision: 2 } });
      expect((await store.commit("a", null, { expected: 1 })).ok).toBe(false);
      expect(await store.commit("a", null, { expected: 2 })).toEqual({ ok: true, revision: 3 });
      expect(await store.get("a")).toEqual({ revision: 3, kv: undefined });
      expect(await store.commit("a", null, { expected: 0 })).toEqual({ ok: false, current: undefined });
      expect(await store.commit("a", bytes("3"), { expected: 0 })).toEqual({ ok: true, revision: 4 });
      expect((await store.get("a")).kv?.createRevision).toBe(4);
    });

    it("commit() lets exactly one of many at once win, and answers the others with the winner", async () => {
      await using store = await open();
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => store.commit("a", bytes(String(index)), { expected: 0 })),
      );
      expect(results.filter((result) => result.ok)).toHaveLength(1);
      // Over a network it need not be the one that was sent first.
      const winner = results.findIndex((result) => result.ok);
      for (const result of results) if (!result.ok) expect(text(result.current)).toBe(String(winner));
      expect((await store.get("a")).revision).toBe(1);
    });

    it("commit() refuses keys and values of impossible size", async () => {
      await using store = await open();
      await expect(store.commit("", bytes("1"), { expected: 0 })).rejects.toThrow(RangeError);
      await expect(store.commit("k".repeat(5000), bytes("1"), { expected: 0 })).rejects.toThrow(RangeError);
    });

    it("list() pages through a prefix in key order", async () => {
      await using store = await open();
      for (const key of ["b/2", "a/9", "b/10", "c", "b", "b/1", "b0"]) await put(store, key, key);
      const keys = (items: readonly KeyValue[]) => items.map(({ key }) => key);
      expect(keys((await store.list("b/")).items)).toEqual(["b/1", "b/10", "b/2"]);
      const page = await store.list("b/", { limit: 2 });
      expect([keys(page.items), page.more, page.revision]).toEqual([["b/1", "b/10"], true, 7]);
      const rest = await store.list("b/", { after: "b/10", limit: 2 });
      expect([keys(rest.items), rest.more]).toEqual([["b/2"], false]);
      expect(keys((await store.list("")).items)).toHaveLength(7);
      expect((await store.list("x")).items).toEqual([]);
    });

    it("keys of any name, also those of Object.prototype, and empty values come back as they were", async () => {
      await using store = await open();
      const keys = ["__proto__", "constructor", "toString", "ключ", "a\u0000b", "😀"];
      for (const key of keys) await put(store, key, "");
      expect((await store.list("")).items.map(({ key }) => key).sort()).toEqual([...keys].sort());
      for (const key of keys) expect(text((await store.get(key)).kv)).toBe("");
    });

    it("get() and list() read any revision inside the history", async () => {
      await using store = await open();
      await put(store, "a", "1");
      await put(store, "b", "1");
      await put(store, "a", "2");
      await put(store, "b", null);
      await put(store, "c", "1");
      const at = async (revision: number) =>
        (await store.list("", { revision })).items.map((kv) => `${kv.key}=${text(kv)}@${kv.revision}`);
      expect(await at(1)).toEqual(["a=1@1"]);
      expect(await at(2)).toEqual(["a=1@1", "b=1@2"]);
      expect(await at(3)).toEqual(["a=2@3", "b=1@2"]);
      expect(await at(4)).toEqual(["a=2@3"]);
      expect(await at(5)).toEqual(["a=2@3", "c=1@5"]);
      expect(text((await store.get("b", { revision: 3 })).kv)).toBe("1");
      expect((await store.get("b", { revision: 1 })).kv).toBeUndefined();
      expect(await store.list("", { revision: 2, after: "a", limit: 1 })).toMatchObject({ revision: 2, more: false });
      await expect(store.list("", { revision: 6 })).rejects.toThrow(RangeError);
    });

    it("watch() tells what was and what comes, once each, with what was replaced", async () => {
      await using store = await open();
      await put(store, "a/1", "x");
      await put(store, "b/1", "x");
      const stop = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const batch of store.watch("a/", { after: 0, signal: stop.signal })) {
          seen.push(...batch.map(short));
          if (seen.length >= 4) stop.abort();
        }
      })();
      await put(store, "a/1", "yy");
      await put(store, "a/2", "z");
      await put(store, "b/1", "y");
      await put(store, "a/1", null);
      await watching;
      expect(seen).toEqual(["1 a/1=x was -@0", "3 a/1=yy was x@1", "4 a/2=z was -@0", "6 a/1=- was yy@3"]);
    });

    it("watch() ends when aborted, at its end revision, and when the store is closed", async () => {
      const store = await open();
      const stop = new AbortController();
      const collect = async (options: { after: number; until?: number; signal: AbortSignal }) => {
        const seen: number[] = [];
        for await (const batch of store.watch("", options)) seen.push(...batch.map(({ revision }) => revision));
        return seen;
      };
      const aborted = collect({ after: 0, signal: stop.signal });
      const bounded = collect({ after: 1, until: 2, signal: new AbortController().signal });
      const open_ = collect({ after: 2, signal: new AbortController().signal });
      for (const key of ["a", "b", "c"]) await put(store, key, "1");
      expect(await bounded).toEqual([2]);
      stop.abort();
      expect(await aborted).toEqual([1, 2, 3].slice(0, (await aborted).length));
      await store[Symbol.asyncDispose]();
      expect(await open_).toEqual([3].slice(0, (await open_).length));
      await expect(store.commit("d", bytes("1"), { expected: 0 })).rejects.toThrow("closed");
    });

    it("compact() forgets history but no value", async () => {
      await using store = await open();
      for (const value of ["1", "2", "3", "4"]) await put(store, "a", value);
      await store.compact(2);
      await expect(eventsOf(store, "", 1)).rejects.toThrow(Compacted);
      await expect(store.list("", { revision: 1 })).rejects.toThrow(Compacted);
      expect((await eventsOf(store, "", 2)).map(short)).toEqual(["3 a=3 was 2@2", "4 a=4 was 3@3"]);
      expect(text((await store.list("", { revision: 2 })).items[0])).toBe("2");
      expect(text((await store.get("a")).kv)).toBe("4");
    });

    it("a store equals a map and an array of events, whatever is committed", async () => {
      const write = fc.record({
        key: fc.constantFrom("a", "a/1", "a/2", "b", "b/1"),
        value: fc.option(fc.string({ maxLength: 8 }), { freq: 3 }),
        stale: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(write, { maxLength: 40 }), async (writes) => {
          await using store = await open();
          const states: ReadonlyMap<string, string>[] = [new Map()];
          for (const { key, value, stale } of writes) {
            const present = states[states.length - 1] ?? new Map<string, string>();
            const { kv } = await store.get(key);
            expect(text(kv)).toBe(present.get(key));
            const expected = (kv?.revision ?? 0) + (stale ? 1_000 : 0);
            const result = await store.commit(key, value === null ? null : bytes(value), { expected });
            expect(result.ok).toBe(!stale && !(value === null && !kv));
            if (!result.ok) continue;
            expect(result.revision).toBe(states.length);
            const next = new Map(present);
            if (value === null) next.delete(key);
            else next.set(key, value);
            states.push(next);
          }
          const replayed = new Map<string, string>();
          for (const event of await eventsOf(store, "a", 0)) {
            if (event.type === "put") replayed.set(event.kv.key, text(event.kv) ?? "");
            else replayed.delete(event.key);
          }
          for (const [revision, state] of states.entries()) {
            for (const prefix of ["", "a", "b/"]) {
              const { items } = await store.list(prefix, { revision });
              const expected = [...state]
                .filter(([key]) => key.startsWith(prefix))
                .sort(([a], [b]) => (a < b ? -1 : 1));
              expect(items.map((kv) => [kv.key, text(kv)])).toEqual(expected);
            }
          }
          const final = [...(states[states.length - 1] ?? [])].filter(([key]) => key.startsWith("a"));
          expect([...replayed].sort()).toEqual(final.sort());
        }),
        { numRuns: 25 },
      );
    });
  });
}
