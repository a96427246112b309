import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deferred } from "../../../core/util/deferred.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openLogStore } from "../../../master_daemon/store/log.ts";
import { faultFiles, systemError } from "../store/fault_files.ts";
import { aWidget, openFixture, user, type Widget } from "./fixtures.ts";

const key = { namespace: "default", name: "a" };
let root = "";
let folders = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wherry-writers-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Registries over a log whose next sync waits until it is told what becomes of it. */
async function openSlow() {
  const clock = new FakeClock();
  const disk = { syncs: 0, held: undefined as Promise<void> | undefined };
  const files = faultFiles(async (operation) => {
    if (operation !== "sync") return;
    disk.syncs++;
    await disk.held;
  });
  const store = await openLogStore(join(root, String(folders++)), { clock, log: silentLogger, files });
  const fixture = await openFixture({ clock, store });
  await fixture.widgets.create(aWidget("a", { size: 1 }), { user });
  let changes = 0;
  return {
    widgets: fixture.widgets,
    disk,
    /** Holds the next syncs back; gives back how to let them go on, or fail. */
    hold() {
      const { promise, resolve, reject } = deferred();
      const before = disk.syncs;
      disk.held = promise;
      promise.catch(() => {});
      return {
        go: () => resolve(),
        /** Once a sync is there to fail: what is changed has yet to be written. */
        async fail() {
          await expect.poll(() => disk.syncs).toBeGreaterThan(before);
          disk.held = undefined;
          reject(systemError("ENOSPC"));
        },
      };
    },
    write(change: (size: number) => number) {
      return fixture.widgets.update(
        key,
        (widget: Widget) => {
          changes++;
          return { ...widget, spec: { ...widget.spec, size: change(widget.spec.size ?? 0) } };
        },
        { user },
      );
    },
    /** Resolves once so many changes were made of what was there. */
    changed: (count: number) => expect.poll(() => changes).toBeGreaterThanOrEqual(count),
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

describe("Registry.update() by many writers of one object", () => {
  it("lets each go on from the one before, and one sync serve all that came meanwhile", async () => {
    await using fixture = await openSlow();
    const { disk, widgets } = fixture;
    const before = disk.syncs;
    const { go } = fixture.hold();
    const writes = Array.from({ length: 10 }, () => fixture.write((size) => size + 1));
    await fixture.changed(10);
    expect((await widgets.get(key)).object.spec.size).toBe(1);
    go();
    const answers = await Promise.all(writes);
    expect(answers.map(({ object }) => object.spec.size)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(answers.map(({ revision }) => revision)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect((await widgets.get(key)).object.spec.size).toBe(11);
    expect(disk.syncs - before).toBeLessThanOrEqual(2);
  });

  it("keeps nothing of a write that failed in those that went on from it", async () => {
    await using fixture = await openSlow();
    const { fail } = fixture.hold();
    const writes = [fixture.write(() => 100), fixture.write((size) => size + 1)];
    await fixture.changed(2);
    await fail();
    const [first, second] = await Promise.allSettled(writes);
    expect(first?.status).toBe("rejected");
    // It fails as well if it was waiting for the same disk already.
    const size = second?.status === "fulfilled" ? 2 : 1;
    expect((await fixture.widgets.get(key)).object.spec.size).toBe(size);
    expect((await fixture.write((present) => present + 1)).object.spec.size).toBe(size + 1);
  });

  it("takes nothing for unchanged that is not there yet", async () => {
    await using fixture = await openSlow();
    const { fail } = fixture.hold();
    const first = fixture.write(() => 5);
    await fixture.changed(1);
    let isAnswered = false;
    const second = fixture
      .write(() => 5)
      .finally(() => {
        isAnswered = true;
      });
    await fixture.changed(2);
    expect(isAnswered).toBe(false);
    await fail();
    await expect(first).rejects.toMatchObject({ message: expect.stringContaining("ENOSPC") });
    const { object, revision } = await second;
    expect([object.spec.size, revision]).toEqual([5, 2]);
  });

  it("refuses nothing by what is not there yet", async () => {
    await using fixture = await openSlow();
    const { fail } = fixture.hold();
    const first = fixture.write(() => 5);
    await fixture.changed(1);
    // More than one that was 5 would be refused.
    const second = fixture.write((size) => (size === 5 ? -1 : 7));
    await fixture.changed(2);
    await fail();
    await expect(first).rejects.toThrow();
    expect((await second).object.spec.size).toBe(7);
  });

  it("deletes after what is on its way", async () => {
    await using fixture = await openSlow();
    const { go } = fixture.hold();
    const write = fixture.write(() => 5);
    await fixture.changed(1);
    const removal = fixture.widgets.delete(key, { user });
    go();
    expect((await write).revision).toBe(2);
    const { gone, stored } = await removal;
    expect([gone, stored.object.spec.size, stored.revision]).toEqual([true, 5, 3]);
  });
});
