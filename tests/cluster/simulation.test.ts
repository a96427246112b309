import { describe, expect, it } from "vitest";
import {
  planSimulatedPod,
  type SimulatedLife,
  type SimulatedPodPlan,
} from "../../cluster/simulation/plan_simulated_pod.ts";
import { readScenarios } from "../../cluster/simulation/scenario.ts";
import { simulate } from "../../cluster/simulation/simulate.ts";
import type { SimulatedCluster } from "../../cluster/simulation/simulated_cluster.ts";
import { startCluster } from "../../cluster/start_cluster.ts";
import { findCondition, type KubeObject } from "../../core/api/meta.ts";
import { parseManifests } from "../../core/api/yaml.ts";
import { deployment, event, job, lease, node, type Pod, pod, podDisruptionBudget } from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";
import { everything } from "../simulation/_invariants.ts";

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: app, resources: {requests: {cpu: 500m, memory: 128Mi}}}]}
`;
const key = { namespace: "default", name: "web" };

const start = (seed: number, nodes = 3) => startCluster({ clock: "fake", runtime: "fake", seed, nodes });

async function readyOn({ client }: SimulatedCluster): Promise<readonly string[]> {
  const { items } = await client.list(pod);
  return items.filter(isPodReady).map(({ spec }) => spec.nodeName ?? "");
}

/** Something of everything: placing, a loss, a restart, requests that are lost. */
async function story(seed: number): Promise<string> {
  await using cluster = await start(seed, 2);
  await cluster.apply(web);
  await cluster.advance("10s");
  cluster.setFaults({ latencyMs: [0, 300], lost: 0.1, lostAnswers: 0.1 });
  await cluster.killNode("node-1");
  await cluster.advance(30_000);
  await cluster.restart("controllers");
  await cluster.client.patch(deployment, key, { type: "merge", body: { spec: { replicas: 6 } } });
  cluster.dropWatches();
  await cluster.advance("1m30s");
  await cluster.restart("api");
  await cluster.advance("30s");
  const { client } = cluster;
  const seen = [(await client.list(event)).items, (await client.list(lease)).items];
  return JSON.stringify([cluster.clock.now(), await everything(cluster), seen]);
}

describe("startCluster() with a fake clock", () => {
  it("gives the same objects for the same seed, to their uids and versions, and others for another", async () => {
    const [first, second, other] = [await story(5), await story(5), await story(6)];
    expect(second).toBe(first);
    expect(other).not.toBe(first);
  });

  it("places pods, and replaces those of a node that is lost once they were waited for", async () => {
    await using cluster = await start(1);
    await cluster.apply(web);
    await cluster.advance("10s");
    expect(await readyOn(cluster)).toHaveLength(4);
    const [lost = ""] = await readyOn(cluster);
    await cluster.killNode(lost);
    expect(cluster.nodes).not.toContain(lost);
    await cluster.advance("5m");
    expect((await cluster.client.list(pod)).items.filter(({ spec }) => spec.nodeName === lost).length).toBeGreaterThan(
      0,
    );
    await cluster.advance("2m");
    expect((await readyOn(cluster)).filter((name) => name !== lost)).toHaveLength(4);
    cluster.reviveNode(lost);
    await cluster.advance("1m");
    expect((await cluster.client.list(pod)).items).toHaveLength(4);
  });

  it("lets a day pass in which nodes live, and finds one that is lost", async () => {
    await using cluster = await start(1, 10);
    await cluster.apply(web);
    await cluster.advance("10s");
    const before = await everything(cluster);
    await cluster.advance("1d");
    expect(await everything(cluster)).toEqual(before);
    await cluster.killNode("node-7");
    const readyOf = async (name: string) => {
      const { status } = await cluster.client.get(node, { name });
      return findCondition(status?.conditions, "Ready")?.status;
    };
    await cluster.advance("45s");
    expect(await readyOf("node-7")).toBe("True");
    await cluster.advance("15s");
    expect(await readyOf("node-7")).toBe("Unknown");
    expect(await readyOf("node-8")).toBe("True");
  });

  it("has nodes renew their leases where requests may be lost, and finds one that is lost among them", async () => {
    await using cluster = await start(1);
    const ready = async () => {
      const { items } = await cluster.client.list(node);
      return items.map(({ status }) => findCondition(status?.conditions, "Ready")?.status);
    };
    await cluster.advance("1h");
    cluster.setFaults({ lost: 0.1 });
    await cluster.advance("10m");
    expect(await ready()).toEqual(["True", "True", "True"]);
    const renewed = (await cluster.client.list(lease, { namespace: "kube-node-lease" })).items.map(
      ({ spec }) => cluster.clock.now() - Date.parse(spec?.renewTime ?? ""),
    );
    expect(Math.max(...renewed)).toBeLessThan(40_000);
    await cluster.killNode("node-1");
    await cluster.advance("70s");
    expect(await ready()).toEqual(["True", "Unknown", "True"]);
    cluster.setFaults({});
    cluster.reviveNode("node-1");
    await cluster.advance("20s");
    expect(await ready()).toEqual(["True", "True", "True"]);
  });

  it("does nothing before the clock moves, and is settled after it has", async () => {
    await using cluster = await start(2);
    await cluster.apply(web);
    await cluster.settle();
    expect((await cluster.client.list(pod)).items.map(({ spec }) => spec.nodeName)).not.toContain(undefined);
    expect(await readyOn(cluster)).toEqual([]);
    await cluster.advance("20s");
    const before = await everything(cluster);
    await cluster.settle();
    expect(await everything(cluster)).toEqual(before);
  });

  it("runs jobs to their end, and keeps budgets when nodes are drained", async () => {
    await using cluster = await start(3);
    await cluster.apply(`${web}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  completions: 3
  template:
    metadata: {annotations: {simulation.wherry.dev/run-seconds: "5"}}
    spec: {restartPolicy: Never, containers: [{name: app, image: app}]}
`);
    await cluster.advance("20s");
    const evict = async (name: string) => {
      const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } };
      const path = `/api/v1/namespaces/default/pods/${name}/eviction`;
      const headers = { "content-type": "application/json" };
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      return (await cluster.client.raw({ method: "POST", path, headers, body: bytes })).status;
    };
    const names = (await cluster.client.list(pod, { labelSelector: "app=web" })).items.map(
      (one) => one.metadata.name ?? "",
    );
    const answers: number[] = [];
    for (const name of names) answers.push(await evict(name));
    expect(answers).toEqual([201, 429, 429, 429]);
    await cluster.advance("15s");
    expect((await cluster.client.get(podDisruptionBudget, key)).status?.disruptionsAllowed).toBe(1);
    expect(await evict(names[1] ?? "")).toBe(201);
    await cluster.advance("30s");
    expect((await cluster.client.get(job, { namespace: "default", name: "work" })).status?.succeeded).toBe(3);
  });

  it("refuses what it cannot do, with a reason", async () => {
    await using cluster = await start(4, 0);
    await expect(cluster.advance("soon")).rejects.toThrow(/invalid duration/);
    await expect(cluster.killNode("nobody")).rejects.toThrow(/Cannot find node "nobody"/);
    expect(cluster.addNode({ name: "one" })).toBe("one");
    expect(() => cluster.addNode({ name: "one" })).toThrow(/there is one of that name/);
  });
});

describe("simulate()", () => {
  const nodes = `
apiVersion: v1
kind: Node
metadata: {name: big, resourceVersion: "5", uid: x, labels: {size: big}}
spec: {taints: [{key: dedicated, value: db, effect: NoSchedule}, {key: node.kubernetes.io/not-ready, effect: NoExecute}]}
status: {capacity: {cpu: 8, memory: 16Gi, pods: 50}}
---
apiVersion: v1
kind: Node
metadata: {name: small}
status: {allocatable: {cpu: 1500m, memory: 2Gi, pods: 10}}
---`;
  const manifests = (text: string) => parseManifests(text, "test") as unknown as readonly KubeObject[];

  it("says what would go where, and what stays pending and why", async () => {
    const report = await simulate(manifests(nodes + web), { time: "1m" });
    expect(report.nodes).toEqual([
      {
        name: "big",
        status: "Ready",
        pods: 0,
        cpu: { requested: "0", allocatable: "8" },
        memory: { requested: "0", allocatable: "16Gi" },
      },
      {
        name: "small",
        status: "Ready",
        pods: 3,
        cpu: { requested: "1500m", allocatable: "1500m" },
        memory: { requested: "384Mi", allocatable: "2Gi" },
      },
    ]);
    const [pending, ...placed] = [...report.pods].sort(
      (a, b) => Number(a.node !== undefined) - Number(b.node !== undefined),
    );
    expect(placed.map(({ node, phase }) => [node, phase])).toEqual(Array(3).fill(["small", "Running"]));
    expect(pending?.message).toMatch(
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: db}.",
    );
    expect(pending?.remedy).toMatch(/^let it tolerate the taint dedicated=db:NoSchedule|no node has any cpu left/);
    expect([report.warnings, report.steps]).toEqual([[], []]);
  });

  it("leaves out what others make, makes namespaces, and tells of pods that cannot be created", async () => {
    const owner = "ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: u, controller: true}]";
    const text = `
apiVersion: v1
kind: Pod
metadata: {name: old, ${owner}}
spec: {containers: [{name: a, image: a}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: none, namespace: shop}
spec: {hard: {pods: "0"}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: rs, namespace: shop, resourceVersion: "7", uid: z}
spec:
  replicas: 1
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}
status: {replicas: 9}
`;
    const report = await simulate(manifests(text), { time: "5s" });
    expect([report.nodes.length, report.pods]).toEqual([1, []]);
    expect(report.warnings[0]).toMatchObject({
      object: "ReplicaSet shop/rs",
      reason: "FailedCreate",
      message: expect.stringContaining("exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0"),
    });
  });

  const scenario = (steps: string) => `apiVersion: simulation.wherry.dev/v1\nkind: Scenario\nsteps: ${steps}\n`;

  it("plays what goes wrong, and when, the same every time", async () => {
    const badDay = scenario(`
- {at: 4m, setFaults: {}}
- {at: 1m, killNode: node-0}
- {at: 2m, setFaults: {latencyMs: [0, 200], lost: 0.1, lostAnswers: 0.1}}
- {at: 3m, restart: controllers, dropWatches: true}
- {at: 5m, restart: api}
- {at: 5m10s, restart: {component: scheduler, afterWrites: 2}}
`);
    const play = () => simulate(manifests(`${badDay}---${web}`), { nodes: 2, time: "10m", seed: 3 });
    const report = await play();
    expect(report.pods.filter(({ node: on }) => on === "node-1").map(({ phase }) => phase)).toEqual(
      Array(4).fill("Running"),
    );
    expect(report.warnings.map(({ reason }) => reason)).toContain("NodeNotReady");
    // What became of each step by the time of the next.
    expect(report.steps.map(({ at, step, readyNodes }) => [at, step, readyNodes])).toEqual([
      ["0s", "apply", 2],
      ["1m0s", "killNode node-0", 1],
      ["2m0s", 'setFaults {"latencyMs":[0,200],"lost":0.1,"lostAnswers":0.1}', 1],
      ["3m0s", "restart controllers, dropWatches", 1],
      ["4m0s", "setFaults {}", 1],
      ["5m0s", "restart api", 1],
      ["5m10s", 'restart {"component":"scheduler","afterWrites":2}', 1],
    ]);
    expect(report.steps.at(0)).toMatchObject({ nodes: 2, readyPods: 4, pods: 4, pending: 0 });
    expect(report.steps.at(1)?.readyPods).toBeLessThan(4);
    expect(report.nodes.map(({ name, status }) => [name, status])).toEqual([
      ["node-0", "NotReady"],
      ["node-1", "Ready"],
    ]);
    // Those of the lost node are replaced, and nobody is there to end them.
    const lost = report.pods.filter(({ node: on }) => on === "node-0");
    expect(lost.map(({ phase, status }) => [phase, status])).toEqual(lost.map(() => ["Running", "Terminating"]));
    expect(lost.length).toBeGreaterThan(0);
    expect(await play()).toEqual(report);
    const revived = `${badDay}---\n${scenario("[{at: 8m30s, reviveNode: node-0}, {at: 9m30s, dropWatches: true}]")}`;
    // The last step is waited for.
    const later = await simulate(manifests(`${revived}---${web}`), { nodes: 2, time: "8m", seed: 3 });
    expect(later.pods).toHaveLength(4);
  });

  it.each([
    ["{}", "Scenario: steps: must be a list"],
    ["[{at: soon, killNode: a}]", 'steps[0].at: "soon" is no time such as 90s or 1h30m'],
    ["[{at: 1m}]", "Scenario: steps[0]: must do one of killNode, reviveNode, restart, setFaults, dropWatches"],
    ["[{killNode: a}]", "Scenario: steps[0].at: must be text"],
    ["[{at: 1m, killNode: 7}]", "Scenario: steps[0].killNode: must be text"],
    ["[{at: 1m, explode: true}]", "Scenario: steps[0].explode: is none of killNode,"],
    ["[{at: 1m, __proto__: true}]", "Scenario: steps[0].__proto__: is none of killNode,"],
    ["[{at: 1m, restart: moon}]", "Scenario: steps[0].restart: must be one of api, controllers, scheduler"],
    ["[{at: 1m, restart: {component: api, after: 1}}]", "steps[0].restart.after: is none of component, afterWrites"],
    [
      "[{at: 1m, restart: {component: api, afterWrites: 0}}]",
      "restart.afterWrites: must be a whole number of at least 1",
    ],
    ["[{at: 1m, setFaults: {lost: 2}}]", "Scenario: steps[0].setFaults.lost: must be a number from 0 to 1"],
    ["[{at: 1m, setFaults: {late: 2}}]", "setFaults.late: is none of latencyMs, lost, lostAnswers"],
    ["[{at: 1m, setFaults: {latencyMs: [2, 1]}}]", "setFaults.latencyMs: must be two numbers"],
    ["[{at: 1m, dropWatches: no}]", "Scenario: steps[0].dropWatches: must be true"],
  ])("refuses the scenario %s", (steps, message) => {
    expect(() => readScenarios(manifests(scenario(steps)))).toThrow(message);
  });

  it("throws for a manifest that the API refuses", async () => {
    const bad = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}";
    await expect(simulate(manifests(bad))).rejects.toThrow(/Pod "a" is invalid: spec.containers: Required value/);
  });
});

describe("planSimulatedPod()", () => {
  const startMs = Date.parse("2026-01-01T00:00:00Z");
  const life: SimulatedLife = { uid: "u", runsAtMs: 1000, endsAtMs: undefined, exitCode: 0, podIP: "10.0.0.1" };
  const aPod = (status: Pod["status"] = {}, metadata: Pod["metadata"] = {}): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", uid: "u", ...metadata },
    spec: { containers: [{ name: "app", image: "app:1" }] },
    status,
  });
  const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } as const;
  const plan = (one: Pod, changes: Partial<SimulatedLife>, nowMs: number): SimulatedPodPlan => {
    const at = (ms: number | undefined) => (ms === undefined ? undefined : startMs + ms);
    const { stopsAtMs } = changes;
    return planSimulatedPod(
      one,
      {
        ...life,
        ...changes,
        runsAtMs: startMs + life.runsAtMs,
        endsAtMs: at(changes.endsAtMs),
        ...(stopsAtMs === undefined ? {} : { stopsAtMs: startMs + stopsAtMs }),
      },
      startMs + nowMs,
    );
  };

  it.each<[string, Pod, Partial<SimulatedLife>, number, object]>([
    ["waits until it runs", aPod(), {}, 400, { requeueAfterMs: 600 }],
    [
      "runs, and is ready",
      aPod(),
      {},
      1000,
      { status: { phase: "Running", podIP: "10.0.0.1", containerStatuses: [{ ready: true, started: true }] } },
    ],
    ["goes on as it is", aPod(ready), {}, 5000, {}],
    ["is looked at again when it ends", aPod(ready), { endsAtMs: 7000 }, 5000, { requeueAfterMs: 2000 }],
    ["ends well", aPod(ready), { endsAtMs: 7000 }, 7000, { status: { phase: "Succeeded" } }],
    [
      "ends badly",
      aPod(ready),
      { endsAtMs: 7000, exitCode: 3 },
      7000,
      { status: { phase: "Failed", containerStatuses: [{ state: { terminated: { exitCode: 3, reason: "Error" } } }] } },
    ],
    ["stays ended", aPod({ phase: "Failed" }), {}, 9000, {}],
    ["takes its time to stop", aPod(ready, going), { stopsAtMs: 9000 }, 8000, { requeueAfterMs: 1000 }],
    [
      "is stopped, and goes",
      aPod(ready, going),
      { stopsAtMs: 9000 },
      9000,
      { remove: true, status: { phase: "Failed", containerStatuses: [{ state: { terminated: { exitCode: 143 } } }] } },
    ],
    ["goes when it had ended", aPod({ phase: "Succeeded" }, going), {}, 9000, { remove: true }],
  ])("%s", (_, one, changes, nowMs, wanted) => {
    const made = plan(one, changes, nowMs);
    expect(made).toMatchObject(wanted);
    expect(Object.keys(made).sort()).toEqual(Object.keys(wanted).sort());
  });
});
