import { describe, expect, it } from "vitest";
import { event as eventKind } from "../../../core/kinds/event.ts";
import { type Pod, pod as podKind } from "../../../core/kinds/pod.ts";
import { PodGroupFailure, SandboxStatusFailure } from "../../../node_daemon/runtime/runtime.ts";
import { openTestNode, type TestNode } from "./cluster.ts";

const isRunning = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.running !== undefined;
const waiting = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.waiting;
const away = () => Promise.reject(new Error("the engine is away"));

/** Resolves when one of the events says this. */
const told = (node: TestNode, text: string) => node.soon(async () => (await node.events()).includes(text));

/** Events about the node itself, as `TYPE REASON: MESSAGE`. */
async function nodeEvents(node: TestNode): Promise<readonly string[]> {
  const { items } = await node.client.list(eventKind, { namespace: "default" });
  const own = items.filter(({ involvedObject }) => involvedObject.kind === "Node" && involvedObject.name === "node-1");
  return own.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
}

describe("Events of a kubelet", () => {
  it("tell that dead containers of a pod cannot be removed, while the pod goes on", async () => {
    await using node = await openTestNode(() => ({ exitAfterMs: 1000, exitCode: 1 }));
    const { runtime } = node;
    const remove = runtime.removeContainer.bind(runtime);
    runtime.removeContainer = away;
    await node.run({});
    const restarts = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount ?? 0;
    for (let second = 0; second < 120 && restarts(await node.get()) < 2; second++) await node.advance(1000);
    await node.soon(async () => (await nodeEvents(node)).includes("Warning ContainerGCFailed: the engine is away"));
    runtime.removeContainer = remove;
    const count = restarts(await node.get());
    expect(count).toBeGreaterThanOrEqual(2);
    for (let second = 0; second < 300 && restarts(await node.get()) === count; second++) await node.advance(1000);
    expect(restarts(await node.get())).toBeGreaterThan(count);
  });

  it("tell that a pod which its node ends is still there long after its grace period", async () => {
    await using node = await openTestNode(undefined, { kubelet: false });
    const kubelet = await node.startKubelet();
    const { runtime, clock } = node;
    const stop = runtime.stopContainer.bind(runtime);
    let letGo = () => {};
    runtime.stopContainer = async (id, options) => {
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
      await stop(id, options);
    };
    const { metadata } = await node.run({ terminationGracePeriodSeconds: 60 });
    await node.until(isRunning);
    const eviction = { reason: "Evicted", message: "too much", gracePeriodSeconds: 20, disruption: true };
    kubelet.evictable.evictions.evict(metadata.uid ?? "", eviction);
    await told(node, "Killing: Stopping container app");
    const late = "ExceededGracePeriod: Container runtime did not kill the pod within specified grace period.";
    await clock.advance(29_000);
    await node.idle();
    expect(await node.events()).not.toContain(late);
    await clock.advance(1000);
    await told(node, late);
    letGo();
    await node.until(({ status }) => status?.phase === "Failed");
  });

  it("tell nothing of the kind of a pod that ends in time, and of one that its user ends", async () => {
    await using node = await openTestNode(() => ({ stopDelayMs: 60_000 }));
    await node.run({ terminationGracePeriodSeconds: 40 });
    await node.until(isRunning);
    await node.client.delete(podKind, { namespace: "default", name: "web" });
    await told(node, "Killing: Stopping container app");
    await node.advance(90_000, 10_000);
    await node.gone();
    expect((await node.events()).filter((text) => text.startsWith("ExceededGracePeriod"))).toEqual([]);
  });

  it("tell a sandbox that does not start from one that nothing is told of", async () => {
    await using node = await openTestNode();
    const { runtime } = node;
    const run = runtime.runPodSandbox.bind(runtime);
    const failing = async (failure: unknown, event: string) => {
      runtime.runPodSandbox = () => Promise.reject(failure);
      await node.advance(30_000, 10_000);
      await told(node, event);
    };
    runtime.runPodSandbox = () => Promise.reject(new Error("no room"));
    await node.run({});
    await failing(new Error("no room"), "FailedCreatePodSandBox: Failed to create pod sandbox: no room");
    const status = new SandboxStatusFailure("the engine is away", undefined);
    await failing(status, "FailedPodSandBoxStatus: Unable to get pod sandbox status: the engine is away");
    runtime.runPodSandbox = run;
    await node.advance(30_000, 10_000);
    await node.until(isRunning);
  });

  it("tell that what keeps a pod's containers together cannot be made, when they are made and when they start", async () => {
    await using node = await openTestNode();
    const { runtime } = node;
    const [create, start] = [runtime.createContainer.bind(runtime), runtime.startContainer.bind(runtime)];
    const refuse = (what: string) => () => Promise.reject(new PodGroupFailure(new Error(what)));
    runtime.createContainer = refuse("no cgroup");
    await node.run({});
    await told(node, "FailedCreatePodContainer: unable to ensure pod container exists: no cgroup");
    expect(waiting(await node.until((pod) => waiting(pod)?.reason === "CreateContainerError"))).toMatchObject({
      message: "no cgroup",
    });
    Object.assign(runtime, { createContainer: create, startContainer: refuse("no limits") });
    await node.advance(30_000, 10_000);
    await told(node, "FailedCreatePodContainer: unable to ensure pod container exists: no limits");
    runtime.startContainer = start;
    await node.advance(30_000, 10_000);
    await node.until(isRunning);
    expect((await node.events()).filter((text) => text.startsWith("Failed:"))).toEqual([]);
  });
});
