import { expect, it } from "vitest";
import { kinds } from "../../core/kinds/mod.ts";
import { seededRandom } from "../../core/platform/random.ts";
import { FakeClock } from "../../core/util/fake_clock.ts";
import { silentLogger } from "../../core/util/log.ts";
import { reconcileBootstrapPolicy } from "../../master_daemon/authorization/bootstrap/reconcile.ts";
import { rbacTypes } from "../../master_daemon/authorization/policy.ts";
import { openRegistries } from "../../master_daemon/registry/registries.ts";
import { openMemoryStore } from "../../master_daemon/store/memory.ts";
import { type Store, StoreUnavailable } from "../../master_daemon/store/store.ts";
import { untilWritten } from "../../master_daemon/until_written.ts";

/** Sleeps no time, and tells how long it was to. */
class NotingClock extends FakeClock {
  readonly slept: number[] = [];
  override async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
  }
}

/** A memory store of whose commits the first `failures` fail. */
function failingStore(clock: FakeClock, failures: number): Store {
  const store = openMemoryStore({ clock });
  let left = failures;
  const commit: Store["commit"] = (...args) =>
    left-- > 0 ? Promise.reject(new StoreUnavailable("no leader")) : store.commit(...args);
  return new Proxy(store, {
    get: (target, name) => {
      if (name === "commit") return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const { signal } = new AbortController();

it("untilWritten() writes every default role, though the store cannot be written to at first", async () => {
  const clock = new NotingClock();
  await using store = failingStore(clock, 20);
  const log = silentLogger;
  await using registries = await openRegistries({ store, kinds, clock, random: seededRandom(1), log, localRanges: [] });
  const user = { username: "system:apiserver", groups: ["system:masters"] };
  await untilWritten(() => reconcileBootstrapPolicy({ registries, user, log, signal }), { clock, log, signal });
  const { items } = await registries.for(rbacTypes.clusterRole).list();
  expect(items.map(({ key }) => key.name)).toEqual(expect.arrayContaining(["admin", "cluster-admin", "view"]));
  expect(clock.slept).toEqual([500, 1_000, 2_000]);
});

it("untilWritten() gives up at once on what another try does not mend, and when it is to end", async () => {
  const clock = new NotingClock();
  const broken = () => Promise.reject(new RangeError("broken"));
  await expect(untilWritten(broken, { clock, log: silentLogger, signal })).rejects.toThrow("broken");
  await untilWritten(broken, { clock, log: silentLogger, signal: AbortSignal.abort() });
  expect(clock.slept).toEqual([]);
});
