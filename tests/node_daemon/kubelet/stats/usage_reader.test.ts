import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../core/platform/random.ts";
import { FakeClock } from "../../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../../core/util/log.ts";
import { UsageReader } from "../../../../node_daemon/kubelet/stats/usage_reader.ts";
import { fakeRuntime } from "../../../../node_daemon/runtime/fake.ts";
import { containerConfig, never, sandboxConfig } from "../../../suites/runtime_suite.ts";

/** A runtime with one container that uses half a processor, and a count of the looks at it. */
async function openReader() {
  const clock = new FakeClock();
  const usage = { milliCpu: 500, memoryBytes: 1000 };
  const runtime = fakeRuntime({ clock, random: seededRandom(1), behaviour: () => ({ usage }) });
  const sandbox = await runtime.runPodSandbox(sandboxConfig(), { signal: never });
  const id = await runtime.createContainer(sandbox, containerConfig(""), { signal: never });
  await runtime.startContainer(id, { signal: never });
  const world = { clock, looks: 0, broken: false };
  const counted = new Proxy(runtime, {
    get(target, member) {
      if (member === "stats")
        return async (...args: Parameters<typeof target.stats>) => {
          world.looks++;
          if (world.broken) throw new Error("no engine");
          return target.stats(...args);
        };
      const value: unknown = Reflect.get(target, member, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const options = { runtime: counted, rootDir: tmpdir(), clock, log: silentLogger };
  return Object.assign(world, { reader: new UsageReader(options, never) });
}

describe("UsageReader", () => {
  it("looks once for all who ask within a second", async () => {
    const world = await openReader();
    const samples = await Promise.all([world.reader.sample(), world.reader.sample()]);
    expect(samples[0]).toBe(samples[1]);
    expect(await world.reader.sample()).toBe(samples[0]);
    expect(world.looks).toBe(1);
    await world.clock.advance(1000);
    expect(await world.reader.sample()).not.toBe(samples[0]);
    expect(world.looks).toBe(2);
  });

  it("looks twice for the first pair, and goes by the look before afterwards", async () => {
    const world = await openReader();
    await world.reader.sample();
    const first = world.reader.pair();
    // It waits for time to pass between its looks.
    await expect.poll(() => world.clock.pending).toBeGreaterThan(0);
    await world.clock.advance(1000);
    const { before, now } = await first;
    const used = (later: typeof now, earlier: typeof before) =>
      Number(later.containers[0]?.cpuNanoseconds) - Number(earlier.containers[0]?.cpuNanoseconds);
    expect([now.monotonic - before.monotonic, used(now, before)]).toEqual([1000, 5e8]);
    await world.clock.advance(15_000);
    const next = await world.reader.pair();
    expect([next.now.monotonic - next.before.monotonic, used(next.now, next.before)]).toEqual([15_000, 75e8]);
    expect(world.looks).toBe(3);
  });

  it("tells of the machine, while the runtime tells nothing", async () => {
    const world = await openReader();
    world.broken = true;
    const sample = await world.reader.sample();
    expect(sample).toMatchObject({ complete: false, containers: [] });
    expect(sample.machine.memoryBytes).toBeGreaterThan(0);
    world.broken = false;
    await world.clock.advance(1000);
    expect(await world.reader.sample()).toMatchObject({ complete: true, containers: [{ name: "main" }] });
  });
});
