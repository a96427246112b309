import { describe, expect, it } from "vitest";
import { nodeFlags } from "../../core/flags/node_flags.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { seededRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import { shutdownPeriods } from "../../node_daemon/care_flags.ts";
import { criticalPodsLast, planShutdown } from "../../node_daemon/kubelet/plan_shutdown.ts";
import type { NodeFlagValues } from "../../node_daemon/main.ts";
import { startNode } from "../../node_daemon/node.ts";
import { workstationCare } from "../../node_daemon/node_care.ts";
import { openTestNode } from "./kubelet/cluster.ts";
import { makePod } from "./kubelet/fixtures.ts";

const critical = 2_000_000_000;
const periods = criticalPodsLast({ gracePeriodSeconds: 30, criticalPodsSeconds: 10 });
const running = ({ status }: Pod) => status?.phase === "Running";

describe("planShutdown()", () => {
  const named = (uid: string, priority: number, terminationGracePeriodSeconds?: number) =>
    makePod(
      { priority, ...(terminationGracePeriodSeconds === undefined ? {} : { terminationGracePeriodSeconds }) },
      { metadata: { uid } },
    );

  it("ends critical pods last, each pod in its own time or what there is for all", () => {
    const pods = [
      named("c", critical, 60),
      named("a", 0, 5),
      named("b", critical - 1, 60),
      named("d", critical + 1000),
    ];
    expect(planShutdown(pods, periods)).toEqual([
      {
        seconds: 20,
        pods: [
          { uid: "a", gracePeriodSeconds: 5 },
          { uid: "b", gracePeriodSeconds: 20 },
        ],
      },
      {
        seconds: 10,
        pods: [
          { uid: "c", gracePeriodSeconds: 10 },
          { uid: "d", gracePeriodSeconds: 10 },
        ],
      },
    ]);
  });

  it("ends pods priority by priority, the least important first, those below all of them with these", () => {
    const byPriority = [
      { priority: 0, seconds: 60 },
      { priority: 1000, seconds: 20 },
      { priority: 100_000, seconds: 5 },
    ];
    const pods = [
      named("top", critical, 60),
      named("low", -5, 100),
      named("mid", 1000),
      named("near", 999, 7),
      named("high", 100_000, 2),
    ];
    expect(planShutdown(pods, byPriority)).toEqual([
      {
        seconds: 60,
        pods: [
          { uid: "low", gracePeriodSeconds: 60 },
          { uid: "near", gracePeriodSeconds: 7 },
        ],
      },
      { seconds: 20, pods: [{ uid: "mid", gracePeriodSeconds: 20 }] },
      {
        seconds: 5,
        pods: [
          { uid: "top", gracePeriodSeconds: 5 },
          { uid: "high", gracePeriodSeconds: 2 },
        ],
      },
    ]);
  });

  it("does not wait for pods that there are not", () => {
    expect(planShutdown([], periods)).toEqual([]);
    expect(planShutdown([named("c", critical)], periods).map(({ seconds }) => seconds)).toEqual([10]);
  });
});

it("a node that shuts down says so, refuses pods, and ends the others first, then the critical ones", async () => {
  const stubborn = new Set(["web", "critical"]);
  await using world = await openTestNode(
    ({ env }) =>
      env.some(({ name, value }) => name === "WHO" && stubborn.has(value)) ? { stopDelayMs: 3_600_000 } : {},
    { kubelet: false },
  );
  const daemon = await startNode({
    client: world.client,
    nodeName: "node-1",
    nodeIPs: ["127.0.0.1"],
    rootDir: world.rootDir,
    runtime: world.runtime,
    podCidr: "127.64.1.0/24",
    proxy: false,
    shutdown: periods,
    // How full this machine's disk is, is not what is tested.
    care: workstationCare,
    clock: world.clock,
    random: seededRandom(3),
    log: silentLogger,
  });
  const spec = (name: string) => ({
    terminationGracePeriodSeconds: 600,
    containers: [{ name: "app", image: "img:1", command: ["run"], env: [{ name: "WHO", value: name }] }],
  });
  await world.run(spec("web"), { name: "web" });
  await world.run({ ...spec("critical"), priority: critical }, { name: "critical" });
  for (const name of ["web", "critical"]) await world.until(running, name);

  const closed = daemon[Symbol.asyncDispose]();
  await world.soon(async () => {
    const { status } = await world.client.get(nodeKind, { name: "node-1" });
    return (
      status?.conditions?.some(
        ({ reason, message }) => reason === "KubeletNotReady" && message === "node is shutting down",
      ) ?? false
    );
  });
  await world.soon(async () => (await world.events()).includes("Shutdown: Shutdown manager detected shutdown event"));
  await world.run({}, { name: "late" });
  const refused = await world.until(({ status }) => status?.phase === "Failed", "late");
  expect(refused.status).toMatchObject({
    reason: "NodeShutdown",
    message: "Pod was rejected: Pod was rejected as the node is shutting down.",
  });

  const message = "Pod was terminated in response to imminent node shutdown.";
  /** Moves time until the pod has failed; how long that took, in seconds. */
  const failed = async (name: string) => {
    for (let seconds = 0; seconds < 60; seconds++) {
      const pod = await world.get(name);
      if (pod.status?.phase === "Failed") return { pod, seconds };
      await world.advance(1000);
    }
    throw new Error(`pod ${name} does not end`);
  };
  const web = await failed("web");
  expect(web.seconds).toBeGreaterThanOrEqual(20);
  expect((await world.get("critical")).status?.phase).toBe("Running");
  expect(web.pod.status).toMatchObject({ reason: "Terminated", message });
  expect(web.pod.status?.conditions).toContainEqual(
    expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message }),
  );
  expect((await failed("critical")).seconds).toBeGreaterThanOrEqual(9);
  await closed;
  expect((await world.client.list(podKind, { namespace: "default" })).items.map(({ status }) => status?.phase)).toEqual(
    ["Failed", "Failed", "Failed"],
  );
});

describe("shutdownPeriods()", () => {
  const flags = (all: string, own: string, byPriority: readonly string[] = []) =>
    shutdownPeriods({
      ...Object.fromEntries(Object.keys(nodeFlags).map((name) => [name, undefined])),
      "shutdown-grace-period": all,
      "shutdown-grace-period-critical-pods": own,
      "shutdown-grace-period-by-pod-priority": byPriority,
    } as unknown as NodeFlagValues);

  it("is none by default", () => {
    expect(flags("0s", "0s")).toBeUndefined();
    expect(flags("30s", "10s")).toEqual(periods);
  });

  it("goes by priority, in whatever order that is given", () => {
    expect(flags("0s", "0s", ["100000=10s,0=1m", "-10=5s"])).toEqual([
      { priority: -10, seconds: 5 },
      { priority: 0, seconds: 60 },
      { priority: 100_000, seconds: 10 },
    ]);
  });

  it.each([
    [["0=500ms"], "0s", "it must be either zero or at least 1s"],
    [["high=5s"], "0s", "a priority must be a 32-bit integer"],
    [["9999999999=5s"], "0s", "a priority must be a 32-bit integer"],
    [["5s"], "0s", "use name=value"],
    [["0=5s"], "30s", "it cannot be given together with --shutdown-grace-period"],
  ])("refuses the periods %s beside %s", (byPriority, all, why) => {
    expect(() => flags(all, "0s", byPriority)).toThrow(why);
  });

  it.each([
    ["500ms", "0s", "it must be either zero or at least 1s"],
    ["10s", "30s", "it must be <= --shutdown-grace-period 10s"],
  ])("refuses %s with %s", (all, own, why) => {
    expect(() => flags(all, own)).toThrow(why);
  });
});
