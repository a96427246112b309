import { describe, expect, it, onTestFinished } from "vitest";
import { keyOf } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { Client } from "../../../core/client/client.ts";
import { event, node, type Pod, type PodSpec, pod, priorityClass } from "../../../core/kinds/mod.ts";
import { podCondition } from "../../../core/kinds/pod_helpers.ts";
import { deferred } from "../../../core/util/deferred.ts";
import {
  defaultConfiguration,
  runScheduler,
  type SchedulerPlugin,
  type WaitingPods,
} from "../../../master_daemon/scheduler/mod.ts";
import { openCluster } from "../controllers/_cluster.ts";

async function open({
  wrap = (client) => client,
  plugins = [],
  prepare = async () => {},
}: {
  wrap?: (client: Client) => Client;
  plugins?: readonly SchedulerPlugin[];
  /** Done before the scheduler begins. */
  prepare?: (cluster: Awaited<ReturnType<typeof openCluster>>) => Promise<void>;
} = {}) {
  const cluster = await openCluster();
  await prepare(cluster);
  const { client, clock, informers, log, parts, random } = cluster;
  const own = plugins.map((plugin) => ({ plugin, weight: 0 }));
  const profiles = defaultConfiguration.profiles.map((profile) => ({
    ...profile,
    plugins: [...own, ...profile.plugins],
  }));
  parts.use(runScheduler({ client: wrap(client), clock, informers, log, random, configuration: { profiles } }));
  return cluster;
}

const aPod = (name: string, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "default", name },
  spec: { containers: [{ name: "c", image: "app" }], ...spec },
});
const wanting = (cpu: string) => ({ containers: [{ name: "c", image: "app", resources: { requests: { cpu } } }] });
const key = (name: string) => ({ namespace: "default", name });

describe("runScheduler()", () => {
  it("spreads pods over the nodes and tells of each", async () => {
    const { all, addNode, client, until } = await open();
    for (const name of ["node-1", "node-2"]) await addNode(name);
    for (let at = 0; at < 10; at++) await client.create(pod, aPod(`p${at}`));
    const pods = await until(async () => {
      const list = await all(pod);
      return list.every(({ spec }) => spec.nodeName) && list;
    });
    expect(pods.filter(({ spec }) => spec.nodeName === "node-1")).toHaveLength(5);
    await until(async () => (await all(event)).length === 10);
    const [first] = await all(event);
    expect(first).toMatchObject({ type: "Normal", reason: "Scheduled", source: { component: "default-scheduler" } });
    expect(first?.message).toMatch(/^Successfully assigned default\/p\d to node-[12]$/);
  });

  it("begins anew on the same caches after another one has ended", async () => {
    const { addNode, client, clock, informers, log, parts, random, until } = await openCluster();
    await addNode("node-1");
    const options = { client, clock, informers, log, random };
    await runScheduler(options)[Symbol.asyncDispose]();
    parts.use(runScheduler(options));
    await client.create(pod, aPod("a"));
    await until(async () => (await client.get(pod, key("a"))).spec.nodeName);
  });

  it("says why a pod waits, and places it once there is room", async () => {
    const { addNode, all, client, until } = await open();
    await client.create(pod, aPod("early"));
    const waiting = await until(async () => {
      const one = await client.get(pod, key("early"));
      return podCondition(one, "PodScheduled") && one;
    });
    expect(podCondition(waiting, "PodScheduled")).toMatchObject({
      status: "False",
      observedGeneration: 1,
      reason: "Unschedulable",
      message: "no nodes available to schedule pods",
    });
    await addNode("node-1");
    await until(async () => (await client.get(pod, key("early"))).spec.nodeName, { stepMs: 500, rounds: 10 });

    await client.create(pod, aPod("big", wanting("3")));
    await until(async () => (await client.get(pod, key("big"))).spec.nodeName);
    await client.create(pod, aPod("next", wanting("2")));
    const message =
      "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    await until(async () =>
      (await all(event)).some((one) => one.reason === "FailedScheduling" && one.message === message),
    );
    await client.delete(pod, key("big"), { gracePeriodSeconds: 0 });
    await until(async () => (await client.get(pod, key("next"))).spec.nodeName, { stepMs: 500, rounds: 10 });
  });

  it("leaves pods alone that are gated, of another scheduler, or placed already", async () => {
    const { addNode, client, until } = await open();
    await addNode("node-1");
    await client.create(pod, aPod("gated", { schedulingGates: [{ name: "wait" }] }));
    await client.create(pod, aPod("foreign", { schedulerName: "other" }));
    await client.create(pod, aPod("ours"));
    await until(async () => (await client.get(pod, key("ours"))).spec.nodeName);
    for (const name of ["gated", "foreign"]) {
      expect((await client.get(pod, key(name))).spec.nodeName).toBeUndefined();
    }
    const gated = await client.get(pod, key("gated"));
    await client.update(pod, { ...gated, spec: { ...gated.spec, schedulingGates: [] } });
    await until(async () => (await client.get(pod, key("gated"))).spec.nodeName);
  });

  it("takes a pod back and tries again, when binding fails", async () => {
    let failures = 2;
    const { addNode, client, errors, until } = await open({
      wrap: (client) => ({
        ...client,
        get: client.get.bind(client),
        list: client.list.bind(client),
        watch: client.watch.bind(client),
        updateStatus: client.updateStatus.bind(client),
        patch: client.patch.bind(client),
        async create(kind, object, options) {
          if (options?.subresource === "binding" && failures-- > 0) throw StatusError.unavailable("try later");
          return client.create(kind, object, options);
        },
      }),
    });
    await addNode("node-1");
    await client.create(pod, aPod("a", wanting("3")));
    await until(async () => (await client.get(pod, key("a"))).spec.nodeName, { stepMs: 500, rounds: 20 });
    expect(errors).toHaveLength(2);
    expect(errors[0]).toBe('Pod not bound {"pod":"default/a","node":"node-1","error":"try later"}');
  });

  it("keeps off cordoned nodes until they are uncordoned", async () => {
    const { addNode, client, until } = await open();
    await addNode("node-1");
    const present = await client.get(node, { name: "node-1" });
    await client.update(node, { ...present, spec: { ...present.spec, unschedulable: true } });
    await client.create(pod, aPod("a"));
    const waiting = await until(async () => {
      const one = await client.get(pod, key("a"));
      return podCondition(one, "PodScheduled") && one;
    });
    expect(podCondition(waiting, "PodScheduled")?.message).toContain("1 node(s) were unschedulable.");
    const cordoned = await client.get(node, keyOf(present));
    await client.update(node, { ...cordoned, spec: { ...cordoned.spec, unschedulable: false } });
    await until(async () => (await client.get(pod, key("a"))).spec.nodeName, { stepMs: 500, rounds: 10 });
  });
});

describe("preemption", () => {
  async function openFull(pods: readonly (readonly [string, string])[], options: Parameters<typeof open>[0] = {}) {
    const cluster = await open(options);
    const { addNode, client, until } = cluster;
    await client.create(priorityClass, { ...aClass, metadata: { name: "high" }, value: 1000 });
    await client.create(priorityClass, { ...aClass, metadata: { name: "low" }, value: 10 });
    await addNode("node-1");
    for (const [name, cpu] of pods) await client.create(pod, aPod(name, { ...wanting(cpu), priorityClassName: "low" }));
    await until(async () => (await cluster.all(pod)).every(({ spec }) => spec.nodeName));
    return cluster;
  }
  const aClass = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass" } as const;

  it("makes pods of lower priority go, tells why, and gives the node to whom they went for", async () => {
    const { all, client, informers, until } = await openFull([
      ["small", "1"],
      ["big", "3"],
    ]);
    const nominations = new Set<string | undefined>();
    informers.informer(pod).onChange(({ object: { metadata, spec, status } }) => {
      if (metadata.name === "urgent" && !spec.nodeName) nominations.add(status?.nominatedNodeName);
    });
    await client.create(pod, aPod("urgent", { ...wanting("2"), priorityClassName: "high" }));
    const uid = (await client.get(pod, key("urgent"))).metadata.uid;
    await until(async () => (await client.get(pod, key("urgent"))).spec.nodeName, { stepMs: 500, rounds: 20 });
    expect([...nominations]).toEqual([undefined, "node-1"]);
    expect((await all(pod)).map(({ metadata }) => metadata.name).sort()).toEqual(["small", "urgent"]);
    const told = await until(async () => (await all(event)).find(({ reason }) => reason === "Preempted"));
    expect(told).toMatchObject({
      type: "Normal",
      involvedObject: { name: "big" },
      message: `Preempted by pod ${uid} on node node-1`,
    });
    const failed = (await all(event))
      .filter(({ reason }) => reason === "FailedScheduling")
      .map(({ message }) => message);
    expect(failed[0]).toBe("0/1 nodes are available: 1 Insufficient cpu.");
  });

  it("marks a victim before it goes, and takes the nomination from whom the room is not enough for any more", async () => {
    const { client, until, stopNode } = await openFull([["victim", "4"]]);
    stopNode("node-1");
    await client.create(priorityClass, { ...aClass, metadata: { name: "middle" }, value: 100 });
    await client.create(pod, aPod("second", { ...wanting("3"), priorityClassName: "middle" }));
    const victim = await until(async () => {
      const one = await client.get(pod, key("victim"));
      return one.metadata.deletionTimestamp ? one : undefined;
    });
    expect(podCondition(victim, "DisruptionTarget")).toMatchObject({
      status: "True",
      reason: "PreemptionByScheduler",
      message: "default-scheduler: preempting to accommodate a higher priority pod",
    });
    await client.create(pod, aPod("first", { ...wanting("3"), priorityClassName: "high" }));
    await until(async () => (await client.get(pod, key("first"))).status?.nominatedNodeName);
    await until(async () => !(await client.get(pod, key("second"))).status?.nominatedNodeName);
    await client.delete(pod, key("victim"), { gracePeriodSeconds: 0 });
    await until(async () => (await client.get(pod, key("first"))).spec.nodeName, { stepMs: 500, rounds: 20 });
    expect((await client.get(pod, key("second"))).spec.nodeName).toBeUndefined();
  });
  it("gives the node away when the last of those is gone who had to go, without any back-off", async () => {
    const victims = ["a", "b", "c"];
    const { all, client, clock, until, stopNode } = await openFull(victims.map((name) => [name, "1300m"] as const));
    stopNode("node-1");
    await client.create(pod, aPod("urgent", { ...wanting("3500m"), priorityClassName: "high" }));
    const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;
    await until(async () => (await all(pod)).filter(isGoing).length === victims.length);
    const told = await until(async () => {
      const reasons = (await all(event)).filter(({ reason }) => reason === "Preempted");
      return reasons.length === victims.length && clock.now();
    });
    for (const name of victims) {
      expect((await client.get(pod, key("urgent"))).spec.nodeName).toBeUndefined();
      await client.delete(pod, key(name), { gracePeriodSeconds: 0 });
    }
    await until(async () => (await client.get(pod, key("urgent"))).spec.nodeName, { stepMs: 0 });
    expect(clock.now()).toBe(told);
  });

  it("displaces no more than it must, also while those come again whom it displaced", async () => {
    const { all, client, until } = await openFull([]);
    const found = await client.get(node, { name: "node-1" });
    const allocatable = { ...found.status?.allocatable, "example.com/slots": "1000" };
    await client.updateStatus(node, { ...found, status: { ...found.status, allocatable } });
    const sized = (slots: string, priorityClassName: string): Partial<PodSpec> => {
      const resources = { requests: { "example.com/slots": slots }, limits: { "example.com/slots": slots } };
      return { priorityClassName, containers: [{ name: "c", image: "app", resources }] };
    };
    const sizes = { p1: "200", p2: "300", p3: "450", p4: "500" };
    for (const [index, name] of Object.keys(sizes).entries())
      await client.create(priorityClass, { ...aClass, metadata: { name }, value: index + 1 });
    const create = (name: string, priority: keyof typeof sizes) =>
      client.create(pod, aPod(name, sized(sizes[priority], priority)));
    for (const name of ["p1", "p2", "p3"] as const) await create(name, name);
    await until(async () => (await all(pod)).every(({ spec }) => spec.nodeName), { stepMs: 500, rounds: 20 });
    await create("p4", "p4");
    await until(async () => (await all(pod)).length === 2, { stepMs: 100 });
    for (const name of ["p1", "p2"] as const) await create(`${name}-again`, name);
    await until(async () => (await client.get(pod, key("p4"))).spec.nodeName, { stepMs: 500, rounds: 40 });
    const placed = (await all(pod)).filter(({ spec }) => spec.nodeName).map(({ metadata }) => metadata.name);
    expect(placed.sort()).toEqual(["p3", "p4"]);
    const told = (await all(event)).filter(({ reason }) => reason === "Preempted");
    expect(told.map(({ involvedObject }) => involvedObject.name).sort()).toEqual(["p1", "p2"]);
  });

  it("does not tell more pods to go while it is still telling the first ones", async () => {
    const told: (string | undefined)[] = [];
    const held = deferred();
    const wrap = (client: Client): Client => ({
      ...client,
      create: client.create.bind(client),
      delete: client.delete.bind(client),
      async patch(kind, at, body, options) {
        if (at.name === "urgent") return client.patch(kind, at, body, options);
        told.push(at.name);
        await held.promise;
        return client.patch(kind, at, body, options);
      },
    });
    const { addNode, client, clock, until } = await openFull([["victim", "4"]], { wrap });
    // Whatever becomes of the test, the scheduler can end.
    onTestFinished(() => held.resolve());
    await client.create(pod, aPod("urgent", { ...wanting("3"), priorityClassName: "high" }));
    await until(async () => told.length > 0);
    // A change that may help wakes it, and it still fits nowhere.
    await addNode("node-2");
    await client.create(pod, aPod("other", { ...wanting("4"), priorityClassName: "high", nodeName: "node-2" }));
    await until(async () => (await client.get(pod, key("other"))).spec.nodeName);
    for (let second = 0; second < 15; second++) {
      await clock.advance(1000);
      await until(async () => true);
    }
    expect(told).toEqual(["victim"]);
    held.resolve();
    await until(async () => (await client.get(pod, key("urgent"))).spec.nodeName, { stepMs: 1000, rounds: 60 });
    expect((await client.get(pod, key("urgent"))).spec.nodeName).toBe("node-1");
  });
});

describe("plug-ins of a profile", () => {
  const failures = async ({ all }: Awaited<ReturnType<typeof open>>) =>
    (await all(event)).filter(({ reason }) => reason === "FailedScheduling").map(({ message }) => message);
  const nodeNameOf = async ({ client }: Awaited<ReturnType<typeof open>>, name: string) =>
    (await client.get(pod, key(name))).spec.nodeName;

  it("binds a pod only when the plug-ins that it waits for allow it", async () => {
    const seen: string[] = [];
    const gang: SchedulerPlugin = {
      name: "Gang",
      permit(one, _node, _state, waiting) {
        const others = waiting.list();
        if (others.length === 0) return { waitMs: 60_000 };
        seen.push(...others.map(({ pod: other, pending }) => `${other.metadata.name} ${pending}`));
        for (const other of others) other.allow("Gang");
        seen.push(one.metadata.name ?? "");
        return undefined;
      },
    };
    const cluster = await open({ plugins: [gang] });
    await cluster.addNode("node-1");
    await cluster.client.create(pod, aPod("a"));
    await cluster.clock.advance(30_000);
    expect(await nodeNameOf(cluster, "a")).toBeUndefined();
    const nomination = async () => (await cluster.client.get(pod, key("a"))).status?.nominatedNodeName;
    await cluster.until(async () => (await nomination()) === "node-1");
    await cluster.client.create(pod, aPod("b"));
    await cluster.until(async () => (await nodeNameOf(cluster, "a")) && (await nodeNameOf(cluster, "b")));
    expect(await nomination()).toBeUndefined();
    expect(seen).toEqual(["a Gang", "b"]);
  });

  it("takes the node back from a pod that waited too long, or was rejected meanwhile", async () => {
    const [given, back]: [string[], string[]] = [[], []];
    let kept: WaitingPods | undefined;
    const slow: SchedulerPlugin = {
      name: "Slow",
      reserve: ({ metadata }) => given.push(metadata.name ?? ""),
      unreserve: ({ metadata }) => back.push(metadata.name ?? ""),
      permit(_pod, _node, _state, waiting) {
        kept = waiting;
        return { waitMs: 5000 };
      },
    };
    const cluster = await open({ plugins: [slow] });
    await cluster.addNode("node-1");
    await cluster.client.create(pod, aPod("late", wanting("3")));
    const timedOut = "0/1 nodes are available: 1 rejected due to timeout after waiting 5s at plugin Slow.";
    await cluster.until(async () => (await failures(cluster)).includes(timedOut), { stepMs: 1000, rounds: 20 });
    expect({ given, back }).toEqual({ given: ["late"], back: ["late"] });
    // What it had is free for others at once.
    await cluster.client.create(pod, aPod("next", wanting("3")));
    const { uid = "" } = (await cluster.client.get(pod, key("next"))).metadata;
    const waiting = await cluster.until(async () => kept?.get(uid));
    waiting.reject("Slow", "not now");
    const rejected = "0/1 nodes are available: 1 not now.";
    await cluster.until(async () => (await failures(cluster)).includes(rejected));
    await cluster.until(async () => !(await cluster.client.get(pod, key("next"))).status?.nominatedNodeName);
    expect(back).toEqual(["late", "next"]);
  });

  it("forgets a pod that is deleted while it waits", async () => {
    let kept: WaitingPods | undefined;
    const never: SchedulerPlugin = {
      name: "Never",
      permit({ metadata }, _node, _state, waiting) {
        kept = waiting;
        return metadata.name === "a" ? { waitMs: 60_000 } : undefined;
      },
    };
    const cluster = await open({ plugins: [never] });
    await cluster.addNode("node-1");
    await cluster.client.create(pod, aPod("a", wanting("3")));
    await cluster.until(async () => kept?.list().length === 1);
    await cluster.client.delete(pod, key("a"), { gracePeriodSeconds: 0 });
    await cluster.until(async () => kept?.list().length === 0);
    await cluster.client.create(pod, aPod("b", wanting("3")));
    await cluster.until(async () => nodeNameOf(cluster, "b"), { stepMs: 500, rounds: 10 });
  });

  it("parks a pod that is not permitted until something happens that helps", async () => {
    let isOpen = false;
    const door: SchedulerPlugin = {
      name: "Door",
      helpedBy: ["node-updated"],
      permit: () => (isOpen ? undefined : { reason: "the door is shut" }),
    };
    const cluster = await open({ plugins: [door] });
    await cluster.addNode("node-1");
    await cluster.client.create(pod, aPod("a"));
    const shut = "0/1 nodes are available: 1 the door is shut.";
    await cluster.until(async () => (await failures(cluster)).includes(shut));
    isOpen = true;
    const labels = { door: "open" };
    await cluster.client.patch(node, { name: "node-1" }, { type: "merge", body: { metadata: { labels } } });
    await cluster.until(async () => nodeNameOf(cluster, "a"), { stepMs: 500, rounds: 10 });
  });

  it("lets them bind pods, hear of it, and say which pod goes first", async () => {
    const [bound, told]: [string[], string[]] = [[], []];
    const own: SchedulerPlugin = {
      name: "Own",
      queueSort: (a, b) => (a.pod.metadata.name ?? "") > (b.pod.metadata.name ?? ""),
      bind(one, { name }, { client }) {
        if (one.metadata.name === "c") return undefined;
        bound.push(one.metadata.name ?? "");
        const target = { apiVersion: "v1", kind: "Node", name };
        const binding = { apiVersion: "v1", kind: "Binding", metadata: key(one.metadata.name ?? ""), target };
        return client.create({ ...pod, kind: "Binding" }, binding as unknown as Pod, { subresource: "binding" }).then();
      },
      postBind: (one, { name }) => told.push(`${one.metadata.name} ${name}`),
    };
    const cluster = await open({
      plugins: [own],
      async prepare({ addNode, client }) {
        await addNode("node-1");
        for (const name of ["a", "b", "c"]) await client.create(pod, aPod(name));
      },
    });
    await cluster.until(async () => told.length === 3, { stepMs: 500, rounds: 20 });
    expect(bound).toEqual(["b", "a"]);
    expect([...told].sort()).toEqual(["a node-1", "b node-1", "c node-1"]);
    for (const name of ["a", "b", "c"]) expect(await nodeNameOf(cluster, name)).toBe("node-1");
  });
});
