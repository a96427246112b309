import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { type FakeRuntimeOptions, fakeRuntime } from "../../../node_daemon/runtime/fake.ts";
import { containerConfig, logText, never, runtimeSuite, sandboxConfig } from "../../suites/runtime_suite.ts";

const noPrograms = "it runs no programs";

runtimeSuite("fake runtime", {
  image: "fake:1",
  podIP: "10.0.0.1",
  open: async () => {
    // What the suite's own scripts do, as far as it asks.
    const runtime = fakeRuntime({
      clock: { ...new FakeClock(), now: () => 1, monotonic: () => 1, sleep: async () => {}, schedule },
      random: seededRandom(1),
      behaviour: ({ command }) => (command.includes("exit 7") ? { exitAfterMs: 0, exitCode: 7 } : {}),
    });
    return { runtime, reopen: async () => runtime, [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose]() };
  },
  skip: {
    programs: noPrograms,
    adoption: "it keeps nothing",
    exec: noPrograms,
    refusal: noPrograms,
    terminal: noPrograms,
    attach: noPrograms,
    rights: noPrograms,
    stats: noPrograms,
    mounts: noPrograms,
  },
});

function schedule(_: number, callback: () => void): () => void {
  const immediate = setImmediate(callback);
  return () => clearImmediate(immediate);
}

describe("fakeRuntime()", () => {
  const open = async (behaviour: FakeRuntimeOptions["behaviour"]) => {
    const clock = new FakeClock();
    const runtime = fakeRuntime({ clock, random: seededRandom(7), ...(behaviour ? { behaviour } : {}) });
    const sandbox = await runtime.runPodSandbox(sandboxConfig({ podIP: "10.0.0.9" }), { signal: never });
    const id = await runtime.createContainer(sandbox, containerConfig(""), { signal: never });
    const state = async () => (await runtime.listContainers({ signal: never }))[0];
    return { clock, runtime, sandbox, id, state };
  };

  it("fakeRuntime() starts and ends containers by the clock, when scripted", async () => {
    const { clock, runtime, id, state } = await open(() => ({
      startDelayMs: 100,
      exitAfterMs: 1000,
      exitCode: 3,
      output: ["hi"],
    }));
    const started = runtime.startContainer(id, { signal: never });
    expect((await state())?.state).toBe("created");
    await clock.advance(100);
    await started;
    expect((await state())?.state).toBe("running");
    expect(await logText(runtime, id, { timestamps: true })).toBe("2026-01-01T00:00:00.100000000Z hi\n");
    await clock.advance(1000);
    expect(await state()).toMatchObject({ state: "exited", exitCode: 3, finishedAt: clock.now() });
  });

  it("stopContainer() kills after the grace period, when the container needs longer", async () => {
    const { clock, runtime, id, state } = await open(() => ({ stopDelayMs: 60_000 }));
    await runtime.startContainer(id, { signal: never });
    const stopped = runtime.stopContainer(id, { gracePeriodSeconds: 30, signal: never });
    await clock.advance(30_000);
    await stopped;
    expect(await state()).toMatchObject({ state: "exited", exitCode: 137, signal: 9 });
  });

  it("startContainer() fails as scripted", async () => {
    const { runtime, id, state } = await open(() => ({ failure: { reason: "RunContainerError", message: "no" } }));
    await expect(runtime.startContainer(id, { signal: never })).rejects.toMatchObject({ reason: "RunContainerError" });
    expect(await state()).toMatchObject({ state: "exited", exitCode: 128, reason: "StartError", message: "no" });
  });

  it("ping() rejects, when it is set unhealthy", async () => {
    const { runtime } = await open(undefined);
    await runtime.ping({ signal: never });
    runtime.setHealthy(false);
    await expect(runtime.ping({ signal: never })).rejects.toThrow("down");
  });
});
