import { expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import { Compacted } from "../../../master_daemon/store/store.ts";
import { eventsOf, put, storeSuite } from "../../suites/store_suite.ts";

storeSuite("memory", async (options) => openMemoryStore({ clock: new FakeClock(), ...options }));

it("openMemoryStore() forgets events only when they are old and many", async () => {
  const clock = new FakeClock();
  await using store = openMemoryStore({ clock, historyEvents: 3, historyMs: 1_000 });
  for (let index = 0; index < 6; index++) await put(store, "a", String(index));
  expect(await eventsOf(store, "", 0)).toHaveLength(6);
  await clock.advance(1_000);
  await put(store, "a", "last");
  await expect(eventsOf(store, "", 3)).rejects.toThrow(Compacted);
  expect(await eventsOf(store, "", 4)).toHaveLength(3);
});
