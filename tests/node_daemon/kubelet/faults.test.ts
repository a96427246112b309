import { expect, it } from "vitest";
import type { Pod } from "../../../core/kinds/pod.ts";
import { openTestNode, type TestNode } from "./cluster.ts";

const never = new AbortController().signal;
const running = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.running !== undefined;
const app = { name: "app", image: "img:1", command: ["run"] };

/** Moves time, a minute at most, until the pod is as wanted. */
async function later(node: TestNode, name: string, wanted: (pod: Pod) => boolean): Promise<void> {
  for (let seconds = 0; seconds < 60; seconds++) {
    if (wanted(await node.get(name))) return;
    await node.advance(1000);
  }
  throw new Error(`pod ${name} is still not as wanted: ${JSON.stringify((await node.get(name)).status)}`);
}

it("a thousand dead containers of pods that were deleted meanwhile are removed by the next kubelet", async () => {
  await using node = await openTestNode(undefined, { kubelet: false });
  const { runtime } = node;
  const stranger = {
    namespace: "default",
    hostname: "x",
    hostNetwork: false,
    hostPorts: [],
    labels: {},
    hostAliases: [],
  };
  for (let index = 0; index < 500; index++) {
    const identity = { name: `job-${index}`, uid: `uid-${index}`, attempt: 0, podIP: "127.64.1.9" };
    const sandbox = await runtime.runPodSandbox({ ...stranger, ...identity }, { signal: never });
    for (const name of ["one", "two"]) {
      const config = {
        name,
        attempt: 0,
        image: "img:1",
        command: [],
        args: [],
        workingDir: undefined,
        env: [],
        mounts: [],
      };
      const limits = { milliCpuRequest: undefined, milliCpuLimit: undefined, memoryBytesLimit: undefined };
      const user = { uid: undefined, gid: undefined, supplementalGids: [] };
      const rest = { tty: false, stdin: false, privileged: false, readOnlyRootFilesystem: false, annotations: {} };
      const capabilities = { add: [], drop: [] };
      const id = await runtime.createContainer(
        sandbox,
        { ...config, ...rest, limits, user, capabilities },
        { signal: never },
      );
      await runtime.startContainer(id, { signal: never });
      runtime.exit(id, 0);
    }
  }
  expect(await runtime.listContainers({ signal: never })).toHaveLength(1000);
  const remove = runtime.removePodSandbox.bind(runtime);
  let [now, most] = [0, 0];
  runtime.removePodSandbox = async (id, options) => {
    most = Math.max(most, ++now);
    await remove(id, options);
    now--;
  };
  await node.startKubelet();
  await node.soon(async () => (await runtime.listSandboxes({ signal: never })).length === 0);
  expect(await runtime.listContainers({ signal: never })).toEqual([]);
  // The runtime is left room for what is to start.
  expect(most).toBeLessThanOrEqual(4);
});

it("a node runs 110 pods, each with an address of its own", async () => {
  await using node = await openTestNode();
  const names = Array.from({ length: 110 }, (_, index) => `web-${index}`);
  for (const name of names) await node.run({}, { name });
  const pods: Pod[] = [];
  for (const name of names) pods.push(await node.until(running, name));
  expect(new Set(pods.map(({ status }) => status?.podIP)).size).toBe(110);
});

it.each([
  ["forward", 7 * 86_400_000],
  ["back", -7 * 86_400_000],
])(
  "a clock that is set %s by a week restarts nothing that runs, and makes what waits wait neither longer nor shorter",
  async (_, ms) => {
    await using node = await openTestNode(({ name }) => (name === "app" ? { exitAfterMs: 1000, exitCode: 1 } : {}));
    const { clock } = node;
    await node.run({ containers: [app] }, { name: "failing" });
    await node.run({ containers: [{ ...app, name: "steady" }] }, { name: "steady" });
    await node.run(
      { containers: [{ ...app, name: "missing", envFrom: [{ configMapRef: { name: "none" } }] }] },
      { name: "missing" },
    );
    await node.until(running, "steady");
    const steady = (await node.get("steady")).status?.containerStatuses?.[0];
    const restarts = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount ?? 0;
    const waiting = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.waiting?.reason;
    await later(node, "failing", (pod) => waiting(pod) === "CrashLoopBackOff");
    await node.until((pod) => waiting(pod) === "CreateContainerConfigError", "missing");
    const before = restarts(await node.get("failing"));

    const now = clock.now.bind(clock);
    clock.now = () => now() + ms;
    // It waits as long as it would have: 10 seconds at least, of which few are over.
    for (let second = 0; second < 4; second++) await node.advance(1000);
    expect(restarts(await node.get("failing"))).toBe(before);
    await node.client.create(
      { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "default", name: "none" }, data: {} },
    );
    await later(node, "failing", (pod) => restarts(pod) > before);
    await later(node, "missing", running);
    expect((await node.get("steady")).status?.containerStatuses?.[0]).toEqual(steady);
  },
);

it.each([
  ["behind", -7 * 86_400_000],
  ["ahead", 7 * 86_400_000],
])("a runtime whose clock is a week %s makes what waits wait neither longer nor shorter", async (_, ms) => {
  await using node = await openTestNode(() => ({ exitAfterMs: 1000, exitCode: 1 }));
  const { runtime } = node;
  const list = runtime.listContainers.bind(runtime);
  const off = (time: number | undefined) => (time === undefined ? undefined : time + ms);
  runtime.listContainers = async (options) =>
    (await list(options)).map((one) => ({
      ...one,
      createdAt: one.createdAt + ms,
      startedAt: off(one.startedAt),
      finishedAt: off(one.finishedAt),
    }));
  await node.run({ containers: [app] });
  const restarts = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount ?? 0;
  const waiting = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.waiting?.reason;
  await later(node, "web", (pod) => restarts(pod) > 1 || waiting(pod) === "CrashLoopBackOff");
  expect(restarts(await node.get())).toBe(1);
  for (let second = 0; second < 8; second++) await node.advance(1000);
  expect(restarts(await node.get())).toBe(1);
  await later(node, "web", (pod) => restarts(pod) === 2);
});
