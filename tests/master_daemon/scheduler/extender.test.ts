import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { event, type Pod, pod } from "../../../core/kinds/mod.ts";
import { podCondition } from "../../../core/kinds/pod_helpers.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { Extender, type ExtenderOptions } from "../../../master_daemon/scheduler/extender.ts";
import { defaultConfiguration, runScheduler } from "../../../master_daemon/scheduler/mod.ts";
import { placeWithExtenders } from "../../../master_daemon/scheduler/place_with_extenders.ts";
import { plugins } from "../../../master_daemon/scheduler/plugins/mod.ts";
import type { Snapshot } from "../../../master_daemon/scheduler/snapshot.ts";
import { patienceMs } from "../../patience.ts";
import { openCluster } from "../controllers/_cluster.ts";
import { labelled, on, snapshotOf, waiting } from "./_place.ts";

/** What tests read of a question. */
interface Question {
  readonly Pod: Pod;
  readonly NodeNames: readonly string[] | null;
  readonly Nodes: { readonly items: readonly { readonly metadata: { readonly name: string } }[] } | null;
  readonly NodeNameToMetaVictims?: Readonly<Record<string, { readonly Pods: readonly { readonly UID: string }[] }>>;
}

type Answers = Readonly<Record<string, (question: Question) => unknown>>;

/** A server that answers by the verb; a verb that it does not know is 404. */
async function serve(answers: Answers): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += String(chunk);
    });
    request.on("end", () => {
      const verb = (request.url ?? "").slice("/scheduler/".length);
      asked.push(verb);
      const answer = answers[verb];
      response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
      response.end(answer ? JSON.stringify(answer(JSON.parse(text) as Question)) : "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scheduler/`, asked };
}

function optionsOf(urlPrefix: string, changes: Partial<ExtenderOptions>): ExtenderOptions {
  const verbs = { filterVerb: "", prioritizeVerb: "", preemptVerb: "", bindVerb: "" };
  const rest = { weight: 1, nodeCacheCapable: true, ignorable: false, managedResources: [], httpTimeoutMs: 60_000 };
  return { urlPrefix, ...verbs, ...rest, ...changes };
}

async function place(wanted: Pod, snapshot: Snapshot, all: readonly ExtenderOptions[]) {
  const extenders = all.map((one) => new Extender(one, { clock: systemClock }));
  onTestFinished(async () => {
    for (const one of extenders) await one[Symbol.asyncDispose]();
  });
  const signal = new AbortController().signal;
  return await placeWithExtenders(wanted, snapshot, {
    plugins,
    random: () => 0.999,
    extenders,
    log: silentLogger,
    signal,
  });
}

const nodes = ["a", "b", "c"].map((name) => labelled(name));
const namesOf = ({ Nodes }: Question) => (Nodes?.items ?? []).map(({ metadata }) => metadata.name);

describe("Extender", () => {
  it("leaves a pod the nodes that a server lets it have, and says why not the others", async () => {
    const { url } = await serve({
      some: ({ NodeNames }) => ({ NodeNames: NodeNames?.filter((name) => name === "b") }),
      none: (question) => ({
        nodes: { items: [] },
        failedNodes: Object.fromEntries(namesOf(question).map((name) => [name, "no licence left"])),
      }),
    });
    const snapshot = snapshotOf(nodes);
    expect((await place(waiting(), snapshot, [optionsOf(url, { filterVerb: "some" })])).node?.name).toBe("b");
    const none = optionsOf(url, { filterVerb: "none", nodeCacheCapable: false });
    expect(await place(waiting(), snapshot, [none])).toMatchObject({
      node: undefined,
      message: expect.stringContaining("0/3 nodes are available: 3 no licence left."),
      refusedBy: [{ name: "Extender" }],
    });
  });

  it("adds a server's scores, times its weight, to those of the plug-ins", async () => {
    const { url } = await serve({
      prioritize: ({ NodeNames }) => (NodeNames ?? []).map((Host) => ({ Host, Score: Host === "c" ? 10 : 0 })),
    });
    const wishes = optionsOf(url, { prioritizeVerb: "prioritize", weight: 5 });
    expect((await place(waiting(), snapshotOf(nodes), [wishes])).node?.name).toBe("c");
  });

  it("is asked only for pods that want what it looks after", async () => {
    const { url, asked } = await serve({ none: () => ({ NodeNames: [] }) });
    const of = (name: string) =>
      new Extender(optionsOf(url, { filterVerb: "none", managedResources: [name] }), { clock: systemClock });
    const resources = { limits: { "example.com/gpu": "1" } };
    const wanted = waiting({ containers: [{ name: "main", image: "app", resources }] });
    expect(of("example.com/gpu").isInterested(wanted)).toBe(true);
    expect(of("example.com/fpga").isInterested(wanted)).toBe(false);
    expect(asked).toEqual([]);
  });

  it("is passed over when it fails and may be, else its failure is told", async () => {
    const { url } = await serve({ wrong: () => ({ Error: "out of order" }), foreign: () => ({ NodeNames: ["z"] }) });
    const snapshot = snapshotOf(nodes);
    const absent = optionsOf(url, { filterVerb: "absent" });
    expect((await place(waiting(), snapshot, [{ ...absent, ignorable: true }])).node).toBeDefined();
    const prefix = url.replace(/\/$/, "");
    await expect(place(waiting(), snapshot, [absent])).rejects.toThrow(
      `failed absent with extender at URL ${prefix}/absent, code 404`,
    );
    await expect(place(waiting(), snapshot, [optionsOf(url, { filterVerb: "wrong" })])).rejects.toThrow("out of order");
    await expect(place(waiting(), snapshot, [optionsOf(url, { filterVerb: "foreign" })])).rejects.toThrow(
      'claims a filtered node "z" which is not found in the input node list',
    );
  });

  it("chooses from which node pods go for another", async () => {
    const { url } = await serve({
      preempt: ({ NodeNameToMetaVictims = {} }) => ({ NodeNameToMetaVictims: { b: NodeNameToMetaVictims["b"] } }),
      never: () => ({ NodeNameToMetaVictims: {} }),
    });
    const full = { containers: [{ name: "main", image: "app", resources: { requests: { cpu: "4" } } }] };
    const low = ["a", "b", "c"].map((name) => on(name, `low-${name}`, {}, { ...full, priority: 1 }));
    const snapshot = snapshotOf(nodes, low);
    const wanted = waiting({ ...full, priority: 10 });
    expect(await place(wanted, snapshot, [optionsOf(url, { preemptVerb: "preempt" })])).toMatchObject({
      node: undefined,
      postFilter: { nominatedNodeName: "b", victims: [{ metadata: { name: "low-b" } }] },
    });
    const none = await place(wanted, snapshot, [optionsOf(url, { preemptVerb: "never" })]);
    expect(none).toMatchObject({ postFilter: { nominatedNodeName: "" } });
  });
});

describe("runScheduler() with extenders", () => {
  it("binds by a server that does so, and tells of one that fails until it does not", async () => {
    const cluster = await openCluster();
    const { client, clock, informers, log, parts, random, addNode, all } = cluster;
    let isWell = false;
    const bound: unknown[] = [];
    const { url } = await serve({
      filter: ({ NodeNames }) => (isWell ? { NodeNames } : { Error: "not yet" }),
      bind: (binding) => {
        bound.push(binding);
        return {};
      },
    });
    for (const name of ["node-1", "node-2"]) await addNode(name);
    const extenders = [optionsOf(url, { filterVerb: "filter", bindVerb: "bind" })];
    const configuration = { ...defaultConfiguration, extenders };
    parts.use(runScheduler({ client, clock, informers, log, random, configuration }));
    const metadata = { namespace: "default", name: "web" };
    const made = await client.create(pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { containers: [{ name: "c", image: "app" }] },
    });
    const condition = async () => podCondition(await client.get(pod, metadata), "PodScheduled");
    await expect
      .poll(condition, { timeout: patienceMs })
      .toMatchObject({ status: "False", reason: "SchedulerError", message: "not yet" });
    isWell = true;
    await expect
      .poll(
        async () => {
          await clock.advance(1000);
          return bound;
        },
        { timeout: patienceMs },
      )
      .toEqual([
        { PodName: "web", PodNamespace: "default", PodUID: made.metadata.uid, Node: expect.stringMatching(/^node-/) },
      ]);
    const reasons = async () => (await all(event)).map(({ reason }) => reason);
    await expect
      .poll(reasons, { timeout: patienceMs })
      .toEqual(expect.arrayContaining(["FailedScheduling", "Scheduled"]));
  });
});
