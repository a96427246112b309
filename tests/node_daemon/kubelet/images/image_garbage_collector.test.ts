import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { seededRandom } from "../../../../core/platform/random.ts";
import { FakeClock } from "../../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../../core/util/log.ts";
import {
  defaultImageGc,
  ImageGarbageCollector,
} from "../../../../node_daemon/kubelet/images/image_garbage_collector.ts";
import { fakeRuntime } from "../../../../node_daemon/runtime/fake.ts";
import type { ContainerRuntime, ImageService } from "../../../../node_daemon/runtime/runtime.ts";
import { containerConfig, never, sandboxConfig } from "../../../suites/runtime_suite.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wherry-images-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An engine with images of 100 bytes on a disk of 1,000, of which the developer's own are there from the start. */
function openEngine(own: readonly string[], { totalBytes = 1000 } = {}) {
  const clock = new FakeClock();
  const present = new Map<string, Set<string>>(own.map((name) => [`id-${name}`, new Set([name])]));
  const images: ImageService = {
    find: async (name) => [...present].find(([, names]) => names.has(name))?.[0],
    describe: async () => undefined,
    async pull(name) {
      const id = `id-${name}`;
      present.set(id, new Set([...(present.get(id) ?? []), name]));
      return id;
    },
    list: async () => [...present].map(([id, names]) => ({ id, names: [...names], sizeBytes: 100 })),
    folder: async () => "/images",
    async remove(name) {
      for (const [id, names] of present) if (names.delete(name) && names.size === 0) present.delete(id);
    },
  };
  const runtime: ContainerRuntime = Object.assign(fakeRuntime({ clock, random: seededRandom(1) }), { images });
  const failures: string[] = [];
  const world = {
    clock,
    runtime,
    present,
    failures,
    names: () => [...present.values()].flatMap((names) => [...names]).sort(),
    open: () =>
      new ImageGarbageCollector({
        policy: defaultImageGc,
        runtime,
        rootDir: folder,
        clock,
        log: silentLogger,
        onFailure: (reason, message) => failures.push(`${reason} ${message}`),
        diskUsage: async () => ({ totalBytes, freeBytes: Math.max(0, totalBytes - present.size * 100) }),
      }),
    pull: (collector: ImageGarbageCollector, name: string) =>
      collector.records.pulled(() => images.pull(name, { signal: never }), { signal: never }),
  };
  return world;
}

it("frees a disk down to the low threshold: the images it fetched itself, the one longest unused first", async () => {
  const engine = openEngine(["mine:1", "mine:2", "mine:3", "mine:4"]);
  await using collector = engine.open();
  collector.start();
  for (const name of ["a", "b", "c", "d"]) {
    await engine.pull(collector, name);
    await engine.clock.advance(1000);
  }
  await engine.clock.advance(200_000);
  expect(engine.names()).toHaveLength(8);
  // 90 % of the disk: one has to go for 80 %.
  engine.present.set("id-mine:5", new Set(["mine:5"]));
  await engine.clock.advance(300_000);
  await expect.poll(engine.names).toEqual(["b", "c", "d", "mine:1", "mine:2", "mine:3", "mine:4", "mine:5"]);
  expect(engine.failures).toEqual([]);
});

it("never touches images that were there before, nor what was pulled again by their name, and says that it could not free enough", async () => {
  const engine = openEngine(Array.from({ length: 9 }, (_, index) => `mine:${index}`));
  await using collector = engine.open();
  collector.start();
  await engine.pull(collector, "mine:0");
  await engine.clock.advance(600_000);
  await expect.poll(() => engine.failures.length).toBeGreaterThan(0);
  expect(engine.failures[0]).toBe(
    "FreeDiskSpaceFailed Failed to garbage collect required amount of images. Attempted to free 100 bytes, but only found 0 bytes eligible to free.",
  );
  expect(engine.names()).toHaveLength(9);
  await collector.removeUnused({ signal: never });
  expect(engine.names()).toHaveLength(9);
});

it("says so when the disk tells no size", async () => {
  const engine = openEngine(["mine:1"], { totalBytes: 0 });
  await using collector = engine.open();
  collector.start();
  await engine.clock.advance(300_000);
  await expect.poll(() => engine.failures.length).toBeGreaterThan(0);
  expect(engine.failures[0]).toBe("InvalidDiskCapacity invalid capacity 0 on image filesystem");
});

it("says so when it fails twice in a row", async () => {
  const engine = openEngine([]);
  let looks = 0;
  const folderOf = () => (++looks === 2 ? Promise.resolve("/images") : Promise.reject(new Error("the engine is away")));
  Object.assign(engine.runtime.images, { folder: folderOf });
  await using collector = engine.open();
  collector.start();
  for (const [look, told] of [0, 0, 0, 1].entries()) {
    await engine.clock.advance(300_000);
    await expect.poll(() => looks).toBe(look + 1);
    await expect.poll(() => engine.failures.length).toBe(told);
  }
  expect(engine.failures).toEqual(["ImageGCFailed the engine is away"]);
});

it("takes no image for its own that somebody builds or fetches while it fetches another", async () => {
  const engine = openEngine([]);
  await using collector = engine.open();
  const pull = async () => {
    engine.present.set("id-built", new Set(["built:1"]));
    return await engine.runtime.images.pull("a", { signal: never });
  };
  await collector.records.pulled(pull, { signal: never });
  await engine.clock.advance(600_000);
  await collector.removeUnused({ signal: never });
  expect(engine.names()).toEqual(["built:1"]);
});

it("knows its images again after a restart, and leaves those of containers", async () => {
  const engine = openEngine(["mine:1"]);
  {
    await using collector = engine.open();
    for (const name of ["img:1", "b"]) await engine.pull(collector, name);
  }
  const sandbox = await engine.runtime.runPodSandbox(sandboxConfig(), { signal: never });
  await engine.runtime.createContainer(sandbox, { ...containerConfig(""), image: "id-img:1" }, { signal: never });
  await engine.clock.advance(600_000);
  await using collector = engine.open();
  await collector.removeUnused({ signal: never });
  expect(engine.names()).toEqual(["img:1", "mine:1"]);
  expect(JSON.parse(await readFile(join(folder, "images.json"), "utf8")).images).toMatchObject([{ id: "id-img:1" }]);
});

it("takes no image for its own when its notes are damaged", async () => {
  const engine = openEngine(["a", "b"]);
  await writeFile(join(folder, "images.json"), '{"images":[{"id":"id-a","names":["a"],"pulledAt":"x"}, 7');
  await using collector = engine.open();
  await collector.removeUnused({ signal: never });
  expect(engine.names()).toEqual(["a", "b"]);
});
