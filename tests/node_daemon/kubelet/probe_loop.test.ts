import { describe, expect, it } from "vitest";
import type { Probe } from "../../../core/kinds/pod.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { type ProbeType, runProbeLoop } from "../../../node_daemon/kubelet/probe_loop.ts";

/** Runs a loop against a script and notes what it says, with the second at which it does. */
function run(
  type: ProbeType,
  probe: Probe,
  answer: (seconds: number, signal: AbortSignal) => boolean | Promise<never> | Error,
  { initially = false, jitterMs = 0 } = {},
) {
  const clock = new FakeClock();
  const seen: string[] = [];
  const attempts: number[] = [];
  const controller = new AbortController();
  const at = () => clock.monotonic() / 1000;
  const done = runProbeLoop({
    type,
    probe,
    startedAt: clock.now(),
    initially,
    jitterMs,
    clock,
    signal: controller.signal,
    async attempt(signal) {
      attempts.push(at());
      const result = await answer(at(), signal);
      if (result instanceof Error) throw result;
      return { ok: result, output: "no" };
    },
    timeoutText: (ms) => `nothing in ${ms} ms`,
    onVerdict: (success) => seen.push(`${at()} ${success}`),
    onFailure: (output, errored) => seen.push(`${at()} ${errored ? "error" : "failure"} ${output}`),
  }).catch((error: unknown) => {
    if (!controller.signal.aborted) throw error;
  });
  return {
    clock,
    seen,
    attempts,
    done,
    stop: () => controller.abort(),
    advance: (seconds: number) => clock.advance(seconds * 1000),
  };
}

describe("runProbeLoop()", () => {
  it("asks once per period after the initial delay", async () => {
    const { attempts, advance, stop, done } = run("liveness", { initialDelaySeconds: 3, periodSeconds: 5 }, () => true);
    await advance(20);
    stop();
    await done;
    expect(attempts).toEqual([3, 8, 13, 18]);
  });

  it("has the defaults of the documentation: 10 s, 3 failures", async () => {
    const { seen, attempts, advance, done } = run("liveness", {}, () => false);
    await advance(60);
    await done;
    expect(attempts).toEqual([0, 10, 20]);
    expect(seen).toEqual(["0 failure no", "10 failure no", "20 failure no", "20 false"]);
  });

  it("counts failures in a row only", async () => {
    const { seen, advance, stop, done } = run(
      "liveness",
      { periodSeconds: 1, failureThreshold: 2 },
      (at) => at % 2 === 0,
    );
    await advance(10);
    stop();
    await done;
    expect(seen.filter((line) => line.endsWith("false"))).toEqual([]);
  });

  it("takes as many successes as the threshold says", async () => {
    const probe = { periodSeconds: 1, successThreshold: 3 };
    const { seen, advance, stop, done } = run("readiness", probe, () => true, { jitterMs: 1 });
    await advance(5);
    stop();
    await done;
    expect(seen).toEqual(["2.001 true"]);
  });

  it("takes successes in a row only, of a fresh container too", async () => {
    const probe = { periodSeconds: 10, successThreshold: 3 };
    const { seen, attempts, advance, stop, done } = run("readiness", probe, (at) => at !== 0.3);
    await advance(5);
    stop();
    await done;
    expect(attempts).toEqual([0, 0.1, 0.3, 0.7, 1.5, 3.1]);
    expect(seen).toEqual(["3.1 true"]);
  });

  it("asks a fresh container more often until it is ready, without counting failures", async () => {
    const probe = { periodSeconds: 10, failureThreshold: 1 };
    const { seen, attempts, advance, stop, done } = run("readiness", probe, (at) => at >= 1);
    await advance(15);
    stop();
    await done;
    expect(attempts).toEqual([0, 0.1, 0.3, 0.7, 1.5, 10]);
    expect(seen).toEqual(["0 failure no", "1.5 true"]);
  });

  it("keeps a container ready that was ready before, until it fails as often as it may", async () => {
    const probe = { periodSeconds: 5, failureThreshold: 2 };
    const { seen, advance, stop, done } = run("readiness", probe, () => false, { initially: true, jitterMs: 2000 });
    await advance(10);
    stop();
    await done;
    expect(seen).toEqual(["2 failure no", "7 failure no", "7 false"]);
  });

  it("goes on after a readiness failure and comes back", async () => {
    const probe = { periodSeconds: 1, failureThreshold: 1 };
    const { seen, advance, stop, done } = run("readiness", probe, (at) => at < 2 || at >= 4);
    await advance(6);
    stop();
    await done;
    expect(seen).toEqual(["0 true", "2 failure no", "2 false", "3 failure no", "4 true"]);
  });

  it("ends a startup probe with its first success", async () => {
    const { seen, advance, done } = run("startup", { periodSeconds: 10, failureThreshold: 30 }, (at) => at >= 12);
    await advance(30);
    await done;
    expect(seen.at(-1)).toBe("20 true");
  });

  it("counts an answer that does not come in time as a failure", async () => {
    const probe = { timeoutSeconds: 2, periodSeconds: 5, failureThreshold: 1, httpGet: { port: 80 } };
    const { seen, advance, done } = run(
      "liveness",
      probe,
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    await advance(3);
    await done;
    expect(seen).toEqual(["2 failure nothing in 2000 ms", "2 false"]);
  });

  it("does not count an attempt that could not be made", async () => {
    const probe = { periodSeconds: 1, failureThreshold: 1 };
    const { seen, advance, stop, done } = run("liveness", probe, () => new Error("no such container"));
    await advance(2);
    stop();
    await done;
    expect(seen.every((line) => line.endsWith("error no such container"))).toBe(true);
  });
});
