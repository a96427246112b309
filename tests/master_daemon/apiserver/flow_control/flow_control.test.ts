import { describe, expect, it, onTestFinished } from "vitest";
import type { UserInfo } from "../../../../core/client/transport.ts";
import { type FlowSchema, flowSchema } from "../../../../core/kinds/flow_schema.ts";
import {
  type PriorityLevelConfiguration,
  priorityLevelConfiguration,
} from "../../../../core/kinds/priority_level_configuration.ts";
import { seededRandom } from "../../../../core/platform/random.ts";
import { type Deferred, deferred } from "../../../../core/util/deferred.ts";
import { FakeClock } from "../../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../../core/util/log.ts";
import { bootstrapLevels, bootstrapSchemas } from "../../../../master_daemon/apiserver/flow_control/bootstrap.ts";
import { FairQueue, handOf } from "../../../../master_daemon/apiserver/flow_control/fair_queue.ts";
import { type FlowControl, openFlowControl } from "../../../../master_daemon/apiserver/flow_control/mod.ts";
import type { Attributes } from "../../../../master_daemon/authorization/authorizer.ts";
import { openRegistries } from "../../../../master_daemon/registry/registries.ts";
import type { Registries } from "../../../../master_daemon/registry/registry.ts";
import { openMemoryStore } from "../../../../master_daemon/store/memory.ts";

const alice: UserInfo = { username: "alice", groups: ["system:authenticated"] };
const bob: UserInfo = { username: "bob", groups: ["system:authenticated"] };
const root: UserInfo = { username: "root", groups: ["system:masters", "system:authenticated"] };
const writer: UserInfo = { username: "system:apiserver", groups: ["system:masters"] };

function get(resource: string, more: Partial<Attributes & { readonly type: "resource" }> = {}): Attributes {
  return {
    type: "resource",
    verb: "get",
    group: "",
    version: "v1",
    resource,
    subresource: undefined,
    namespace: "default",
    name: undefined,
    ...more,
  };
}

interface Opened {
  readonly control: FlowControl;
  readonly clock: FakeClock;
  readonly registries: Registries;
}

async function open(totalSeats = 600): Promise<Opened> {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  const kinds = [flowSchema, priorityLevelConfiguration];
  const registries = await openRegistries({
    store,
    kinds,
    clock,
    random: seededRandom(1),
    log: silentLogger,
    localRanges: [],
  });
  for (const level of bootstrapLevels) await registries.for(priorityLevelConfiguration).create(level, { user: writer });
  for (const schema of bootstrapSchemas) await registries.for(flowSchema).create(schema, { user: writer });
  const control = await openFlowControl({ registries, clock, log: silentLogger, totalSeats });
  onTestFinished(async () => {
    await control[Symbol.asyncDispose]();
    await registries[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });
  return { control, clock, registries };
}

/** A request that is answered when the test says so. */
interface Held {
  readonly answer: Deferred<void>;
  isRunning: boolean;
  outcome: string;
}

function ask(
  control: FlowControl,
  user: UserInfo,
  attributes: Attributes = get("pods"),
  signal = new AbortController().signal,
): Held {
  const held: Held = { answer: deferred<void>(), isRunning: false, outcome: "" };
  const work = () => {
    held.isRunning = true;
    return held.answer.promise;
  };
  control.run(control.classify(user, attributes), signal, work).then(
    () => (held.outcome = "answered"),
    (error: Error) => (held.outcome = error.message),
  );
  return held;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const running = (all: readonly Held[]) => all.filter(({ isRunning }) => isRunning).length;

describe("FlowControl", () => {
  const node: UserInfo = { username: "system:node:n", groups: ["system:nodes", "system:authenticated"] };
  const account = (namespace: string): UserInfo => ({
    username: `system:serviceaccount:${namespace}:default`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
  });
  const manager: UserInfo = { username: "system:kube-controller-manager", groups: ["system:authenticated"] };
  const lease = get("leases", { group: "coordination.k8s.io", verb: "update" });
  const cases: readonly (readonly [UserInfo, Attributes, string, string])[] = [
    [root, get("pods"), "exempt", "exempt"],
    [
      { username: "system:anonymous", groups: ["system:unauthenticated"] },
      { type: "path", verb: "get", path: "/livez" },
      "probes",
      "exempt",
    ],
    [manager, lease, "system-leader-election", "leader-election"],
    [
      node,
      get("nodes", { subresource: "status", namespace: undefined, verb: "patch" }),
      "system-node-high",
      "node-high",
    ],
    [node, lease, "system-node-high", "node-high"],
    [node, get("pods"), "system-nodes", "system"],
    [manager, get("pods"), "kube-controller-manager", "workload-high"],
    [account("kube-system"), get("pods"), "kube-system-service-accounts", "workload-high"],
    [account("web"), get("pods"), "service-accounts", "workload-low"],
    [alice, get("pods"), "global-default", "global-default"],
    [alice, { type: "path", verb: "get", path: "/version" }, "global-default", "global-default"],
    [{ username: "nobody", groups: [] }, get("pods"), "catch-all", "catch-all"],
  ];
  it("finds schema and level as Kubernetes' own configuration has them", async () => {
    const { control } = await open();
    for (const [user, attributes, schema, level] of cases) {
      const decision = control.classify(user, attributes);
      expect([decision.schema.metadata.name, decision.level.name]).toEqual([schema, level]);
    }
  });

  it("gives levels their seats by their shares", async () => {
    const { control } = await open(600);
    const seats = Object.fromEntries(control.figures().map(({ name, nominalSeats }) => [name, nominalSeats]));
    expect(seats).toEqual({
      exempt: 0,
      "catch-all": 13,
      system: 74,
      "node-high": 98,
      "leader-election": 25,
      "workload-high": 98,
      "workload-low": 245,
      "global-default": 49,
    });
  });

  it("lends what is free, keeps what is guaranteed, and takes it back as requests end", async () => {
    const { control } = await open(100);
    const many = Array.from({ length: 200 }, (_, index) => ask(control, { ...alice, username: `u${index}` }));
    await turn();
    const lent = running(many);
    // More than its own ninth, and never what the others may count on.
    expect(lent).toBeGreaterThan(8);
    expect(lent).toBeLessThan(60);
    const leader = Array.from({ length: 8 }, () =>
      ask(control, { username: "system:kube-scheduler", groups: [] }, get("leases", { group: "coordination.k8s.io" })),
    );
    const exempt = ask(control, root);
    await turn();
    expect([running(leader), exempt.isRunning]).toEqual([5, true]);
    for (const { answer } of many.slice(0, lent)) answer.resolve();
    await turn();
    expect(running(many)).toBe(2 * lent);
  });

  it("serves others in turn while one asks for very much", async () => {
    const { control } = await open(20);
    const greedy = Array.from({ length: 250 }, () => ask(control, alice));
    await turn();
    const modest = ask(control, bob);
    await turn();
    expect(modest.isRunning).toBe(false);
    // Of the queues that are not empty bob's comes up within a few turns.
    for (const { answer } of greedy.filter(({ isRunning }) => isRunning).slice(0, 6)) {
      answer.resolve();
      await turn();
      await turn();
    }
    for (let round = 0; round < 8 && !modest.isRunning; round++) {
      greedy.find(({ isRunning, outcome }) => isRunning && outcome === "")?.answer.resolve();
      await turn();
      await turn();
    }
    expect(modest.isRunning).toBe(true);
    expect(greedy.filter(({ isRunning }) => !isRunning).length).toBeGreaterThan(150);
  });

  it("refuses with 429 what finds its queues full, waits too long, or goes away", async () => {
    const { control, clock } = await open(20);
    const many = Array.from({ length: 400 }, () => ask(control, alice));
    await turn();
    const refused = many.filter(({ outcome }) => outcome === "too many requests, please try again later");
    const waiting = 400 - refused.length - running(many);
    // A hand of six queues of fifty.
    expect(waiting).toBe(300);
    const leaving = new AbortController();
    const gone = ask(control, bob, get("pods"), leaving.signal);
    leaving.abort();
    await turn();
    expect(gone.outcome).toContain("too many requests");
    await clock.advance(15_000);
    await turn();
    expect(many.filter(({ outcome }) => outcome.startsWith("too many"))).toHaveLength(400 - running(many));
    const [level] = control.figures().filter(({ name }) => name === "global-default");
    expect(level).toMatchObject({ waiting: 0, running: running(many) });
  });

  it("refuses at once where a level does not queue", async () => {
    const { control } = await open(20);
    const many = Array.from({ length: 40 }, () => ask(control, { username: "nobody", groups: [] }));
    await turn();
    expect(many.filter(({ outcome }) => outcome !== "").length).toBe(40 - running(many));
    expect(running(many)).toBeGreaterThan(0);
  });

  it("follows its configuration, and says which schemas have no level", async () => {
    const { control, registries } = await open();
    const level: PriorityLevelConfiguration = {
      apiVersion: "flowcontrol.apiserver.k8s.io/v1",
      kind: "PriorityLevelConfiguration",
      metadata: { name: "vip" },
      spec: { type: "Limited", limited: { nominalConcurrencyShares: 10, limitResponse: { type: "Reject" } } },
    };
    const schema: FlowSchema = {
      apiVersion: "flowcontrol.apiserver.k8s.io/v1",
      kind: "FlowSchema",
      metadata: { name: "alice" },
      spec: {
        priorityLevelConfiguration: { name: "vip" },
        matchingPrecedence: 5,
        rules: [
          {
            subjects: [{ kind: "User", user: { name: "alice" } }],
            resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["default"] }],
          },
        ],
      },
    };
    const dangling = async () => {
      for (let round = 0; round < 20; round++) await turn();
      const { object } = await registries.for(flowSchema).get({ name: "alice" });
      return object.status?.conditions?.[0]?.status;
    };
    await registries.for(flowSchema).create(schema, { user: writer });
    expect(await dangling()).toBe("True");
    expect(control.classify(alice, get("pods")).level.name).toBe("global-default");
    await registries.for(priorityLevelConfiguration).create(level, { user: writer });
    expect(await dangling()).toBe("False");
    expect(control.classify(alice, get("pods")).level.name).toBe("vip");
    expect(control.classify(alice, get("pods", { namespace: "other" })).level.name).toBe("global-default");
    await registries.for(flowSchema).delete({ name: "alice" }, { user: writer });
    await registries.for(priorityLevelConfiguration).delete({ name: "vip" }, { user: writer });
    for (let round = 0; round < 20; round++) await turn();
    expect(control.classify(alice, get("pods")).level.name).toBe("global-default");
  });
});

describe("FairQueue", () => {
  it("gives every flow a hand of different queues, always the same", () => {
    const options = { queues: 64, handSize: 6, queueLengthLimit: 50 };
    for (const flow of ["a", "b", "__proto__", ""]) {
      expect(new Set(handOf(flow, options)).size).toBe(6);
      expect(handOf(flow, options)).toEqual(handOf(flow, options));
    }
    expect(handOf("a", { ...options, queues: 3 })).toHaveLength(3);
  });

  it("serves the queues in turn, and forgets who leaves", () => {
    const queue = new FairQueue<string>({ queues: 8, handSize: 1, queueLengthLimit: 3 });
    expect(["1", "2", "3", "4"].map((item) => queue.add("busy", `busy ${item}`))).toEqual([true, true, true, false]);
    const other =
      ["x", "y", "z", "w"].find(
        (flow) =>
          handOf(flow, { queues: 8, handSize: 1, queueLengthLimit: 3 })[0] !==
          handOf("busy", { queues: 8, handSize: 1, queueLengthLimit: 3 })[0],
      ) ?? "";
    queue.add(other, "other");
    queue.remove("busy 2");
    const order = [queue.next(), queue.next(), queue.next(), queue.next()];
    expect(order).toHaveLength(4);
    expect(order.indexOf("other")).toBeLessThan(2);
    expect([...order].filter((item) => item?.startsWith("busy"))).toEqual(["busy 1", "busy 3"]);
    expect(queue.size).toBe(0);
  });
});
