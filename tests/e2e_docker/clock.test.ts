import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { patienceMs } from "../patience.ts";
import { missing } from "../require.ts";
import { importBusybox, testImage } from "../suites/docker_image.ts";
import { podOf, shell, stay } from "./_cluster.ts";

/** How far the wall clock of master and node is off that of the engine. What they measure times with is not. */
let offsetMs = 0;
const clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
const weekMs = 7 * 86_400_000;
const isLeftOut = "Deno" in globalThis || missing("docker", await findDocker({ clock: systemClock }));

const key = (name: string) => ({ namespace: "default", name });
const mainOf = ({ status }: Pod) => status?.containerStatuses?.[0];
/** When the newest run of a pod's container began. */
const startOf = (pod: Pod) => {
  const { state, lastState, containerID } = mainOf(pod) ?? {};
  const { terminated = lastState?.terminated } = state ?? {};
  return state?.running?.startedAt ?? (terminated?.containerID === containerID ? terminated?.startedAt : undefined);
};
const seconds = (text: string | undefined) => Date.parse(text ?? "") / 1000;

describe.skipIf(isLeftOut)("a node on Docker whose clock is set a week forward, then two back", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    await importBusybox();
    cluster = await startCluster({ runtime: "docker", podInfraImage: testImage, clock });
  }, 2 * patienceMs);
  afterAll(() => cluster?.[Symbol.asyncDispose](), 2 * patienceMs);

  const create = (name: string, script: string, { container = {}, spec = {} } = {}) =>
    cluster.client.create(podKind, {
      ...(podOf(name, [shell(script, container)], { terminationGracePeriodSeconds: 1, ...spec }) as Pod),
      metadata: key(name),
    });
  const seen = (name: string, predicate: (pod: Pod) => boolean) =>
    cluster.waitFor(podKind, key(name), { predicate, timeoutMs: 3 * patienceMs });

  it("restarts nothing that runs, keeps back-offs and deadlines as long as they are, and logs whole", async () => {
    const probe = { exec: { command: ["true"] }, periodSeconds: 1, timeoutSeconds: 30 };
    const container = { livenessProbe: probe, readinessProbe: probe };
    await create("steady", `n=0; while :; do echo line $n; n=$((n + 1)); sleep 0.2; done`, { container });
    const before = await seen("steady", (pod) => mainOf(pod)?.ready === true);
    const reading = new AbortController();
    const followed: string[] = [];
    const following = (async () => {
      const options = { follow: true, timestamps: true, signal: reading.signal };
      for await (const line of cluster.logs(key("steady"), options)) followed.push(line);
    })().catch(() => {});

    for (const [name, offset] of [
      ["forward", weekMs],
      ["back", -weekMs],
    ] as const) {
      offsetMs = offset;
      const lines = followed.length;
      await create(`${name}-failing`, "exit 3");
      await create(`${name}-limited`, stay, { spec: { activeDeadlineSeconds: 2 } });
      const limited = await seen(`${name}-limited`, ({ status }) => status?.phase === "Failed");
      expect(limited.status).toMatchObject({ reason: "DeadlineExceeded" });
      expect(Math.abs(Date.parse(limited.status?.startTime ?? "") - clock.now())).toBeLessThan(weekMs / 2);
      // The first restart is at once, the second after 10 seconds; the engine, whose clock was not set, says when.
      const restarts = (pod: Pod) => mainOf(pod)?.restartCount ?? 0;
      const waits = (pod: Pod) => mainOf(pod)?.state?.waiting?.reason === "CrashLoopBackOff";
      const waiting = await seen(`${name}-failing`, (pod) => restarts(pod) > 1 || (restarts(pod) === 1 && waits(pod)));
      expect(restarts(waiting)).toBe(1);
      const again = await seen(`${name}-failing`, (pod) => restarts(pod) === 2 && startOf(pod) !== undefined);
      const endedAt = seconds(mainOf(waiting)?.lastState?.terminated?.finishedAt);
      expect(seconds(startOf(again)) - endedAt).toBeGreaterThanOrEqual(10);
      await expect.poll(() => followed.length, { timeout: patienceMs }).toBeGreaterThan(lines + 3);
      expect(mainOf(await cluster.client.get(podKind, key("steady")))).toEqual(mainOf(before));
    }
    reading.abort();
    await following;
    const words = followed.map((line) => line.split(" "));
    expect(words.map(([, , number]) => Number(number))).toEqual(words.map((_, index) => index));
    const times = words.map(([time]) => Date.parse(time ?? ""));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
