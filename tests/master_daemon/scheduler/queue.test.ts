import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { Heap } from "../../../master_daemon/scheduler/_heap.ts";
import type { ClusterEvent } from "../../../master_daemon/scheduler/framework.ts";
import { SchedulingQueue } from "../../../master_daemon/scheduler/queue.ts";
import { aNode, aPod } from "../controllers/fixtures.ts";

const { signal } = new AbortController();
const pod = (name: string, priority = 0) => aPod(name, { nodeName: "", spec: { priority } });

const isNamed = (event: ClusterEvent) => "node" in event && event.node.metadata.name === "wanted";

function open() {
  const clock = new FakeClock();
  const queue = new SchedulingQueue({ clock });
  /** Names that come out until nothing is ready. */
  const drain = async () => {
    const names: (string | undefined)[] = [];
    while (queue.counts.active > 0) names.push((await queue.pop(signal)).pod.metadata.name);
    return names;
  };
  return { clock, queue, drain };
}

describe("SchedulingQueue", () => {
  it("gives the highest priority first, then who waits longest", async () => {
    const { queue, drain } = open();
    for (const one of [pod("a"), pod("b", 5), pod("c"), pod("d", 5)]) queue.add(one);
    expect(await drain()).toEqual(["b", "d", "a", "c"]);
  });

  it("gives a pod once, however often it is added, in its newest state", async () => {
    const { queue, drain } = open();
    queue.add(pod("a"));
    queue.add({ ...pod("a"), status: { phase: "Pending" } });
    expect(queue.counts).toEqual({ active: 1, backoff: 0, unschedulable: 0 });
    expect((await queue.pop(signal)).pod.status).toEqual({ phase: "Pending" });
    queue.add(pod("a"));
    expect(await drain()).toEqual([]);
  });

  it("waits for a pod, and ends with the signal's reason", async () => {
    const { queue } = open();
    const waiting = queue.pop(signal);
    queue.add(pod("a"));
    expect((await waiting).attempts).toBe(1);
    const controller = new AbortController();
    const aborted = queue.pop(controller.signal);
    controller.abort(new Error("over"));
    await expect(aborted).rejects.toThrow("over");
  });

  it("backs off 1, 2, 4, 8, 10 seconds, when a pod is to be tried again", async () => {
    const { clock, queue } = open();
    queue.add(pod("a"));
    for (const seconds of [1, 2, 4, 8, 10, 10]) {
      const { pod: one } = await queue.pop(signal);
      queue.retry(one);
      await clock.advance(seconds * 1000 - 1);
      expect(queue.counts).toMatchObject({ active: 0, backoff: 1 });
      await clock.advance(1);
      expect(queue.counts).toMatchObject({ active: 1, backoff: 0 });
    }
  });

  it("tries a parked pod again, when something happens that a plug-in says may help, but not before its back-off ends", async () => {
    const { clock, queue, drain } = open();
    queue.add(pod("a"));
    queue.park((await queue.pop(signal)).pod, [{ name: "Picky", helpedBy: ["node-added"], isHelpedBy: isNamed }]);
    queue.onEvent({ type: "pod-deleted", pod: pod("b") });
    queue.onEvent({ type: "node-added", node: aNode("other") });
    expect(queue.counts).toMatchObject({ unschedulable: 1 });
    queue.onEvent({ type: "node-added", node: aNode("wanted") });
    expect(queue.counts).toMatchObject({ unschedulable: 0, backoff: 1 });
    await clock.advance(1000);
    expect(await drain()).toEqual(["a"]);
  });

  it("tries a pod again that was parked after what helps it had happened", async () => {
    const { clock, queue, drain } = open();
    const plugin = { name: "Test", helpedBy: ["node-added"], isHelpedBy: isNamed } as const;
    queue.add(pod("a"));
    await queue.pop(signal);
    queue.onEvent({ type: "node-added", node: aNode("wanted") });
    queue.park(pod("a"), [plugin]);
    expect(queue.counts).toEqual({ active: 0, backoff: 1, unschedulable: 0 });
    await clock.advance(1000);
    expect(await drain()).toEqual(["a"]);
    queue.park(pod("a"), [plugin]);
    expect(queue.counts).toEqual({ active: 0, backoff: 0, unschedulable: 1 });
    queue.delete(pod("a"));
  });

  it("tries a pod again that changed while it was being placed, in its newest state", async () => {
    const { clock, queue } = open();
    const never = [{ name: "Never" }];
    queue.add(pod("a"));
    await queue.pop(signal);
    const status = { phase: "Pending" } as const;
    queue.add({ ...pod("a"), status });
    queue.park(pod("a"), never);
    expect(queue.counts).toMatchObject({ unschedulable: 1 });
    queue.add({ ...pod("a"), status }, { changed: true });
    await clock.advance(1000);
    await queue.pop(signal);
    queue.add({ ...pod("a", 7), status }, { changed: true });
    queue.park(pod("a"), never);
    expect(queue.counts).toMatchObject({ unschedulable: 0 });
    await clock.advance(2000);
    expect((await queue.pop(signal)).pod.spec.priority).toBe(7);
    queue.park(pod("a"), never);
    expect(queue.counts).toMatchObject({ unschedulable: 1 });
    queue.delete(pod("a"));
  });

  it("does not try a pod that is held, whatever happens, and then tries it if something that helps has happened", async () => {
    const { clock, queue, drain } = open();
    const plugin = { name: "Test", helpedBy: ["node-added"] } as const;
    queue.add(pod("a"));
    await queue.pop(signal);
    queue.park(pod("a"), [plugin], { held: true });
    queue.release(pod("a"));
    expect(queue.counts).toEqual({ active: 0, backoff: 0, unschedulable: 1 });
    queue.add(pod("a"), { changed: true });
    await clock.advance(1000);
    await drain();
    queue.park(pod("a"), [plugin], { held: true });
    queue.onEvent({ type: "node-added", node: aNode("wanted") });
    queue.add(pod("a"), { changed: true });
    await clock.advance(400_000);
    expect(queue.counts).toEqual({ active: 0, backoff: 0, unschedulable: 1 });
    queue.release(pod("a"));
    expect(await drain()).toEqual(["a"]);
  });

  it("lets a pod out of its back-off that has what it waited for, as soon as it is not held", async () => {
    const { queue, drain } = open();
    const plugin = { name: "Test", helpedBy: ["node-added"] } as const;
    for (const name of ["a", "b"]) queue.add(pod(name));
    expect(await drain()).toEqual(["a", "b"]);
    queue.park(pod("a"), [plugin]);
    queue.park(pod("b"), [plugin], { held: true });
    queue.onEvent({ type: "node-added", node: aNode("wanted") });
    expect(queue.counts).toEqual({ active: 0, backoff: 1, unschedulable: 1 });
    for (const name of ["a", "b"]) queue.hurry(pod(name));
    expect(await drain()).toEqual(["a"]);
    queue.release(pod("b"));
    expect(await drain()).toEqual(["b"]);
  });

  it("tries a parked pod again, when it changed itself or five minutes passed", async () => {
    const { clock, queue, drain } = open();
    queue.add(pod("a"));
    queue.park((await queue.pop(signal)).pod, [{ name: "Never" }]);
    await clock.advance(2000);
    queue.add(pod("a"));
    expect(queue.counts).toMatchObject({ unschedulable: 1 });
    queue.add(pod("a"), { changed: true });
    expect(await drain()).toEqual(["a"]);
    queue.park(pod("a"), [{ name: "Never" }]);
    await clock.advance(299_999);
    expect(queue.counts).toMatchObject({ unschedulable: 1 });
    await clock.advance(1);
    expect(await drain()).toEqual(["a"]);
  });

  it("forgets deleted pods wherever they are, and leaves no timer behind", async () => {
    const { clock, queue, drain } = open();
    for (const name of ["active", "backoff", "parked"]) queue.add(pod(name));
    const taken = [await queue.pop(signal), await queue.pop(signal), await queue.pop(signal)];
    queue.retry(pod("backoff"));
    queue.park(pod("parked"), []);
    queue.add(pod("other"));
    for (const { pod: one } of taken) queue.delete(one);
    expect(clock.pending).toBe(0);
    expect(await drain()).toEqual(["other"]);
    queue.retry(pod("active"));
    expect(queue.counts).toEqual({ active: 0, backoff: 0, unschedulable: 0 });
  });
});

describe("Heap", () => {
  it("gives items in order, whatever goes in", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new Heap<number>((a, b) => a < b);
        for (const number of numbers) heap.push(number);
        expect(numbers.map(() => heap.pop())).toEqual(numbers.toSorted((a, b) => a - b));
        expect([heap.size, heap.pop()]).toEqual([0, undefined]);
      }),
    );
  });
});
