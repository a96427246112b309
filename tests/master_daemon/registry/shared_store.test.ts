import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap } from "../../../core/kinds/configmap.ts";
import { namespace } from "../../../core/kinds/namespace.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { runCompactor } from "../../../master_daemon/registry/compactor.ts";
import { openRegistries } from "../../../master_daemon/registry/registries.ts";
import type { Registries } from "../../../master_daemon/registry/registry.ts";
import { openReservations } from "../../../master_daemon/registry/reservations.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import { openStore } from "../../../master_daemon/store/mod.ts";
import { Compacted, type Store } from "../../../master_daemon/store/store.ts";
import { missing } from "../../require.ts";
import { type EtcdProcess, etcd, startEtcd } from "../../suites/etcd_process.ts";
import { eventsOf, put } from "../../suites/store_suite.ts";

const user = { username: "test", groups: [] };
const kinds = [namespace, configMap];
const object = (name: string) => ({
  apiVersion: "v1" as const,
  kind: "ConfigMap" as const,
  metadata: { name, namespace: "default" },
});

describe.skipIf(missing("etcd", etcd))("registries over an etcd that others use, too", () => {
  let server: EtcdProcess;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  const open = (prefix: string): Promise<Store> =>
    openStore(`etcd:${server.url}`, { clock: systemClock, log: silentLogger, etcd: { prefix } });
  const over = (store: Store): Promise<Registries> =>
    openRegistries({ store, kinds, clock: systemClock, random: systemRandom, log: silentLogger, localRanges: [] });

  it("read the present also when the last that was written is nothing of theirs", async () => {
    await using stranger = await open("/stranger");
    await using store = await open("/own");
    await using registries = await over(store);
    const registry = registries.for(configMap);
    await registry.create(object("one"), { user });
    for (let round = 0; round < 3; round++) {
      await put(stranger, "/foreign", String(round));
      const startedAt = performance.now();
      expect((await registry.list({ namespace: "default" })).items).toHaveLength(1);
      await expect(registry.get({ namespace: "default", name: "none" })).rejects.toThrow("not found");
      expect(performance.now() - startedAt).toBeLessThan(3_000);
    }
    // A watch from before gets to its end, too.
    const { revision } = await store.get("");
    expect(await eventsOf(store, "/registry/core/configmaps/", revision - 1, revision)).toEqual([]);
  });

  it("show what another process wrote to whoever asks afterwards, many at once in few questions", async () => {
    await using one = await open("/both");
    await using other = await open("/both");
    await using writers = await over(one);
    await using readers = await over(other);
    for (let round = 0; round < 10; round++) {
      const name = `map-${round}`;
      const { revision } = await writers.for(configMap).create(object(name), { user });
      const found = await Promise.all(
        Array.from({ length: 50 }, () => readers.for(configMap).get({ namespace: "default", name })),
      );
      expect(found.map((stored) => stored.revision)).toEqual(Array.from({ length: 50 }, () => revision));
    }
    // A delete is shown as well.
    await writers.for(configMap).delete({ namespace: "default", name: "map-0" }, { user });
    await expect(readers.for(configMap).get({ namespace: "default", name: "map-0" })).rejects.toThrow("not found");
    // A page that one gave goes on at the other.
    const page = await writers.for(configMap).list({ namespace: "default", limit: 4 });
    const rest = await readers.for(configMap).list({ namespace: "default", continue: page.continue });
    expect([page.items.length, rest.items.length]).toEqual([4, 5]);
  });
});

describe("openReservations()", () => {
  it("gives a name to one at a time, all names or none, and forgets those of the dead", async () => {
    const clock = new FakeClock();
    await using store = openMemoryStore({ clock });
    const [one, other] = [openReservations({ store, clock }), openReservations({ store, clock })];
    expect(await one.reserve(["a", "b"])).toBe(true);
    expect(await other.reserve(["c", "b"])).toBe(false);
    expect(await other.reserve(["c"])).toBe(true);
    await one.release(["a", "b"]);
    expect(await other.reserve(["b"])).toBe(true);
    expect(await one.reserve(["b"])).toBe(false);
    await clock.advance(121_000);
    expect(await one.reserve(["b"])).toBe(true);
    // Who was too slow gives back nothing of the next one's.
    await other.release(["b"]);
    expect(await other.reserve(["b"])).toBe(false);
  });
});

describe("runCompactor()", () => {
  it("keeps the history of one interval at least, and of two at most", async () => {
    const clock = new FakeClock();
    await using store = openMemoryStore({ clock });
    await using _compactor = runCompactor({ store, clock, log: silentLogger });
    await put(store, "/a", "1");
    await clock.advance(299_000);
    expect(await eventsOf(store, "/", 0)).toHaveLength(1);
    await clock.advance(2_000);
    await put(store, "/a", "2");
    await clock.advance(300_000);
    await expect(eventsOf(store, "/", 0)).rejects.toThrow(Compacted);
    expect(await eventsOf(store, "/", 1)).toHaveLength(1);
  });
});
