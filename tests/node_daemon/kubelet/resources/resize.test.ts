import { describe, expect, it } from "vitest";
import { asJson } from "../../../../core/api/json_object.ts";
import { findCondition } from "../../../../core/api/meta.ts";
import { type Container, type Pod, pod as podKind, type ResourceRequirements } from "../../../../core/kinds/pod.ts";
import { openTestNode, type TestNode } from "../cluster.ts";

const app: Container = { name: "app", image: "img:1", command: ["run"] };
const sized = (resources: ResourceRequirements, rest: Partial<Container> = {}): Container => ({
  ...app,
  ...rest,
  resources,
});
const cpu = (amount: string): ResourceRequirements => ({ requests: { cpu: amount } });
const isReady = ({ status }: Pod) => findCondition(status?.conditions, "Ready")?.status === "True";
const condition = ({ status }: Pod, type: string) => findCondition(status?.conditions, type);
const main = ({ status }: Pod) => status?.containerStatuses?.[0];

/** Asks for other resources, as `kubectl patch --subresource resize` does. */
function resize(node: TestNode, containers: readonly object[], name = "web"): Promise<Pod> {
  return resizeAll(node, { containers }, name);
}

function resizeAll(node: TestNode, spec: object, name = "web"): Promise<Pod> {
  const body = asJson({ spec });
  const options = { subresource: "resize" };
  return node.client.patch(podKind, { namespace: "default", name }, { type: "strategic", body }, options);
}

const limitsNow = async (node: TestNode, name = "app") => {
  const all = await node.runtime.listContainers({ signal: new AbortController().signal });
  return all.find((one) => one.name === name && one.state === "running")?.limits;
};

/** What the containers of the only pod are limited to together. */
const together = async (node: TestNode) => {
  const options = { signal: new AbortController().signal };
  const [sandbox] = await node.runtime.listSandboxes(options);
  return sandbox && (await node.runtime.podLimits?.(sandbox.id, options));
};

describe("A resize", () => {
  it("gives a running container what its pod asks for, and says so", async () => {
    await using node = await openTestNode();
    await node.run({ containers: [sized({ requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "200m" } })] });
    const before = await node.until(isReady);
    expect(main(before)).toMatchObject({
      allocatedResources: { cpu: "100m", memory: "64Mi" },
      resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "200m" } },
    });
    const resources = { requests: { cpu: "300m", memory: "128Mi" }, limits: { cpu: "500m" } };
    await resize(node, [{ name: "app", resources }]);
    const after = await node.until((pod) => main(pod)?.resources?.limits?.["cpu"] === "500m");
    await node.until((pod) => condition(pod, "PodResizeInProgress") === undefined);
    expect(main(after)).toMatchObject({ allocatedResources: resources.requests, resources, restartCount: 0 });
    expect(await limitsNow(node)).toMatchObject({ milliCpuRequest: 300, milliCpuLimit: 500 });
    const details =
      '{"containers":[{"name":"app","resources":{"limits":{"cpu":"500m"},"requests":{"cpu":"300m","memory":"128Mi"}}}],"generation":2}';
    await node.soon(async () => (await node.events()).includes(`ResizeCompleted: Pod resize completed: ${details}`));
    expect(await node.events()).toContain(`ResizeStarted: Pod resize started: ${details}`);
    expect((await node.get()).status?.observedGeneration).toBe(2);
  });

  it("of more than the node has is infeasible, and forgotten when it is taken back", async () => {
    await using node = await openTestNode();
    await node.run({ containers: [sized(cpu("1"))] });
    await node.until(isReady);
    await resize(node, [{ name: "app", resources: cpu("3") }]);
    const refused = await node.until((pod) => condition(pod, "PodResizePending") !== undefined);
    const message = "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000";
    expect(condition(refused, "PodResizePending")).toMatchObject({
      status: "True",
      reason: "Infeasible",
      message,
      observedGeneration: 2,
    });
    expect(main(refused)).toMatchObject({ allocatedResources: { cpu: "1" }, resources: cpu("1") });
    await node.soon(async () =>
      (await node.events()).some((text) => text.startsWith("ResizeInfeasible: Pod resize Infeasible: {")),
    );
    await resize(node, [{ name: "app", resources: cpu("1") }]);
    await node.until((pod) => condition(pod, "PodResizePending") === undefined);
    expect((await node.events()).filter((text) => text.startsWith("ResizeStarted"))).toEqual([]);
  });

  it("waits until another pod has gone, the more important first", async () => {
    await using node = await openTestNode();
    for (const name of ["a", "b", "c"]) {
      const priority = name === "c" ? { priority: 100 } : {};
      await node.run({ containers: [sized(cpu("600m"))], ...priority }, { name });
      await node.until(isReady, name);
    }
    for (const name of ["b", "c"]) {
      await resize(node, [{ name: "app", resources: cpu("1200m") }], name);
      const waits = await node.until((pod) => condition(pod, "PodResizePending") !== undefined, name);
      expect(condition(waits, "PodResizePending")).toMatchObject({
        reason: "Deferred",
        message: "Node didn't have enough resource: cpu, requested: 1200, used: 1200, capacity: 2000",
      });
    }
    // In order, so that its object goes last.
    await node.client.delete(podKind, { namespace: "default", name: "a" });
    await node.until((pod) => main(pod)?.resources?.requests?.["cpu"] === "1200m", "c");
    expect(condition(await node.get("b"), "PodResizePending")).toMatchObject({ reason: "Deferred" });
    await resize(node, [{ name: "app", resources: cpu("100m") }], "c");
    const last = await node.until((pod) => main(pod)?.resources?.requests?.["cpu"] === "1200m", "b");
    expect(condition(last, "PodResizePending")).toBeUndefined();
  });

  it("starts a container anew whose policy says so, whatever the restart policy and without back-off", async () => {
    await using node = await openTestNode(() => ({ exitCode: 0 }));
    const resizePolicy = [
      { resourceName: "cpu", restartPolicy: "NotRequired" },
      { resourceName: "memory", restartPolicy: "RestartContainer" },
    ];
    const memory = (amount: string) => ({ limits: { memory: amount }, requests: { memory: amount, cpu: "100m" } });
    await node.run({ restartPolicy: "OnFailure", containers: [sized(memory("64Mi"), { resizePolicy })] });
    await node.until(isReady);
    for (const [times, amount] of [
      [1, "128Mi"],
      [2, "256Mi"],
    ] as const) {
      await resize(node, [{ name: "app", resources: memory(amount) }]);
      const after = await node.until((pod) => isReady(pod) && main(pod)?.restartCount === times);
      expect(main(after)).toMatchObject({ resources: memory(amount) });
      await node.until((pod) => condition(pod, "PodResizeInProgress") === undefined);
    }
    expect(node.started.map(({ limits }) => limits.memoryBytesLimit)).toEqual([64, 128, 256].map((n) => n * 1024 ** 2));
    await node.soon(async () => (await node.events()).includes("Killing: Container app resize requires restart"));
  });

  it("does not take memory that is in use: it says so, and tries again", async () => {
    let memoryBytes = 100 * 1024 ** 2;
    await using node = await openTestNode(() => ({
      get usage() {
        return { milliCpu: 0, memoryBytes };
      },
    }));
    const memory = (amount: string) => ({ limits: { memory: amount }, requests: { memory: "10Mi" } });
    await node.run({ containers: [sized(memory("200Mi"))] });
    await node.until(isReady);
    await resize(node, [{ name: "app", resources: memory("50Mi") }]);
    const failed = await node.until((pod) => condition(pod, "PodResizeInProgress")?.reason === "Error");
    expect(condition(failed, "PodResizeInProgress")).toMatchObject({
      status: "True",
      observedGeneration: 2,
      message:
        'cannot decrease memory limits: [attempting to set pod memory limit (52428800) below current usage (104857600), attempting to set container "app" memory limit (52428800) below current usage (104857600)]',
    });
    expect(main(failed)?.resources).toEqual(memory("200Mi"));
    await node.soon(async () =>
      (await node.events()).some((text) => text.startsWith("ResizeError: Pod resize error: {")),
    );
    memoryBytes = 40 * 1024 ** 2;
    await node.advance(2000);
    const done = await node.until((pod) => condition(pod, "PodResizeInProgress") === undefined);
    expect(main(done)?.resources).toEqual(memory("50Mi"));
  });

  it("reaches sidecars, and containers that start later", async () => {
    await using node = await openTestNode(({ name }) => (name === "setup" ? { exitAfterMs: 5000 } : {}));
    const side: Container = { ...sized(cpu("100m"), { name: "side" }), restartPolicy: "Always" };
    await node.run({
      initContainers: [side, sized(cpu("50m"), { name: "setup" })],
      containers: [sized(cpu("100m"))],
    });
    await node.until(({ status }) => status?.initContainerStatuses?.[1]?.state?.running !== undefined);
    await resizeAll(node, {
      initContainers: [{ name: "side", resources: cpu("200m") }],
      containers: [{ name: "app", resources: cpu("300m") }],
    });
    await node.until(({ status }) => status?.initContainerStatuses?.[0]?.resources?.requests?.["cpu"] === "200m");
    expect(await limitsNow(node, "side")).toMatchObject({ milliCpuRequest: 200 });
    await node.advance(6000);
    await node.until(isReady);
    expect(await limitsNow(node)).toMatchObject({ milliCpuRequest: 300 });
  });

  it("stands after the daemon's restart: what was set aside, what waits, and what is under way", async () => {
    let memoryBytes = 100 * 1024 ** 2;
    await using node = await openTestNode(({ name }) => ({
      get usage() {
        return { milliCpu: 0, memoryBytes: name === "big" ? memoryBytes : 0 };
      },
    }));
    await node.run({ containers: [sized(cpu("500m"))] });
    const memory = (amount: string) => ({ limits: { memory: amount }, requests: { memory: "10Mi" } });
    await node.run({ containers: [sized(memory("200Mi"), { name: "big" })] }, { name: "shrinking" });
    await node.until(isReady);
    await node.until(isReady, "shrinking");
    await resize(node, [{ name: "app", resources: cpu("1") }]);
    await node.until((pod) => main(pod)?.resources?.requests?.["cpu"] === "1");
    await resize(node, [{ name: "big", resources: memory("50Mi") }], "shrinking");
    await node.until((pod) => condition(pod, "PodResizeInProgress")?.reason === "Error", "shrinking");
    await resize(node, [{ name: "app", resources: cpu("3") }]);
    await node.until((pod) => condition(pod, "PodResizePending")?.reason === "Infeasible");
    await node.stopKubelet();
    // While it is down, another asks for what is taken.
    await node.run({ containers: [sized(cpu("1500m"))] }, { name: "late" });
    await resize(node, [{ name: "app", resources: cpu("1900m") }]);
    await node.startKubelet();
    const refused = await node.until(({ status }) => status?.phase === "Failed", "late");
    expect(refused.status?.message).toContain("requested: 1500, used: 1000, capacity: 2000");
    const after = await node.until((pod) => main(pod)?.resources?.requests?.["cpu"] === "1900m");
    expect(main(after)).toMatchObject({ restartCount: 0 });
    memoryBytes = 0;
    await node.advance(2000);
    const done = await node.until((pod) => condition(pod, "PodResizeInProgress") === undefined, "shrinking");
    expect(main(done)).toMatchObject({ restartCount: 0, resources: memory("50Mi") });
  });

  it("that is refused before a container is made is still refused after the daemon's restart", async () => {
    await using node = await openTestNode();
    const envFrom = [{ configMapRef: { name: "none" } }];
    await node.run({ containers: [sized(cpu("1"), { envFrom })] });
    await node.until((pod) => main(pod)?.state?.waiting?.reason === "CreateContainerConfigError");
    await resize(node, [{ name: "app", resources: cpu("3") }]);
    await node.until((pod) => condition(pod, "PodResizePending")?.reason === "Infeasible");
    await node.stopKubelet();
    await node.startKubelet();
    // What counts is what was set aside.
    await node.run({ containers: [sized(cpu("1500m"))] }, { name: "late" });
    const refused = await node.until(({ status }) => status?.phase === "Failed", "late");
    expect(refused.status?.message).toContain("requested: 1500, used: 1000, capacity: 2000");
    expect(condition(await node.get(), "PodResizePending")).toMatchObject({ reason: "Infeasible" });
  });

  it("of a pod as a whole reaches the containers that say nothing themselves, what keeps them together, and the status", async () => {
    await using node = await openTestNode();
    const whole = (cpu: string, memory: string) => ({
      requests: { cpu: "100m", memory: "64Mi" },
      limits: { cpu, memory },
    });
    const own = { limits: { cpu: "50m", memory: "32Mi" }, requests: { cpu: "50m", memory: "32Mi" } };
    const resizePolicy = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
    await node.run({
      resources: whole("200m", "128Mi"),
      containers: [app, sized(own, { name: "own", resizePolicy })],
    });
    const before = await node.until(isReady);
    expect(before.status).toMatchObject({
      allocatedResources: { cpu: "100m", memory: "64Mi" },
      resources: whole("200m", "128Mi"),
    });
    expect(await together(node)).toMatchObject({ milliCpuRequest: 100, milliCpuLimit: 200 });

    await resizeAll(node, { resources: whole("500m", "256Mi") });
    const after = await node.until(({ status }) => status?.resources?.limits?.["cpu"] === "500m");
    await node.until((pod) => condition(pod, "PodResizeInProgress") === undefined);
    expect(after.status?.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual([0, 0]);
    expect(await together(node)).toMatchObject({ milliCpuLimit: 500, memoryBytesLimit: 256 * 1024 ** 2 });
    expect(await limitsNow(node)).toMatchObject({ milliCpuLimit: 500, memoryBytesLimit: 256 * 1024 ** 2 });
    expect(await limitsNow(node, "own")).toMatchObject({ milliCpuLimit: 50 });
    await node.soon(async () =>
      (await node.events()).some((text) =>
        text.startsWith(
          'ResizeCompleted: Pod resize completed: {"resources":{"limits":{"cpu":"500m","memory":"256Mi"}',
        ),
      ),
    );

    // What can never be had is not set aside, and what it has stays.
    const body = { requests: { cpu: "9", memory: "64Mi" }, limits: { cpu: "10", memory: "256Mi" } };
    await resizeAll(node, { resources: body });
    const refused = await node.until((pod) => condition(pod, "PodResizePending") !== undefined);
    expect(condition(refused, "PodResizePending")).toMatchObject({
      reason: "Infeasible",
      message: "Node didn't have enough capacity: cpu, requested: 9000, capacity: 2000",
    });
    expect(refused.status).toMatchObject({
      allocatedResources: { cpu: "100m", memory: "64Mi" },
      resources: whole("500m", "256Mi"),
    });
  });

  it("of a pod as a whole stands after the daemon's restart, and starts anew what inherits from it and is not to be changed as it runs", async () => {
    await using node = await openTestNode();
    const memory = (amount: string) => ({ requests: { memory: "64Mi" }, limits: { memory: amount } });
    const resizePolicy = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
    await node.run({ resources: memory("128Mi"), containers: [{ ...app, resizePolicy }] });
    await node.until(isReady);
    await node.stopKubelet();
    await resizeAll(node, { resources: memory("256Mi") });
    await node.startKubelet();
    const after = await node.until((pod) => main(pod)?.restartCount === 1 && isReady(pod));
    expect(after.status?.resources).toEqual(memory("256Mi"));
    expect(await together(node)).toMatchObject({ memoryBytesLimit: 256 * 1024 ** 2 });
    expect(await limitsNow(node)).toMatchObject({ memoryBytesLimit: 256 * 1024 ** 2 });
  });

  it("shows in a downward API volume", async () => {
    await using node = await openTestNode();
    const { readFile } = await import("node:fs/promises");
    const items = [
      { path: "cpu", resourceFieldRef: { containerName: "app", resource: "requests.cpu", divisor: "1m" } },
    ];
    const pod = await node.run({
      containers: [sized(cpu("100m"), { volumeMounts: [{ name: "info", mountPath: "/info" }] })],
      volumes: [{ name: "info", downwardAPI: { items } }],
    });
    await node.until(isReady);
    const file = `${node.rootDir}/pods/${pod.metadata.uid}/volumes/downwardAPI/info/cpu`;
    expect(await readFile(file, "utf8")).toBe("100");
    await resize(node, [{ name: "app", resources: cpu("250m") }]);
    await node.soon(async () => (await readFile(file, "utf8").catch(() => "")) === "250");
  });
});
