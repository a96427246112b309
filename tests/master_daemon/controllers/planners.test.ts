import { describe, expect, it } from "vitest";
import type { KubeObject, OwnerReference } from "../../../core/api/meta.ts";
import type { Namespace, Taint } from "../../../core/kinds/mod.ts";
import { sameTemplate } from "../../../core/kinds/same_template.ts";
import { forEachLimited, slowStart } from "../../../master_daemon/controllers/_batches.ts";
import { formatCidr, parseCidr } from "../../../master_daemon/controllers/_cidr.ts";
import { planClaims } from "../../../master_daemon/controllers/_claim.ts";
import {
  planTaints,
  staleLabels,
  toleratedMs,
  unknownConditions,
  zoneState,
} from "../../../master_daemon/controllers/_node_health.ts";
import { planCollection } from "../../../master_daemon/controllers/_plan_collection.ts";
import { planNamespaceStatus } from "../../../master_daemon/controllers/_plan_namespace_status.ts";
import { podTemplateHash } from "../../../master_daemon/controllers/_template_hash.ts";
import { lastSeen } from "../../../master_daemon/controllers/event_ttl.ts";
import { nextPodCidr } from "../../../master_daemon/controllers/node_ipam.ts";
import { aNode, aPod, aReplicaSet, at, start, template } from "./fixtures.ts";

describe("planCollection()", () => {
  const owner = (name: string): OwnerReference => ({ apiVersion: "v1", kind: "ConfigMap", name, uid: name });
  const object = (finalizers: string[] = []): KubeObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", finalizers },
  });
  const states = (solid: string[], dangling: string[], waiting: string[] = []) => ({
    solid: solid.map(owner),
    dangling: dangling.map(owner),
    waiting: waiting.map(owner),
  });
  it.each([
    ["keeps what has its owners", states(["a"], []), [], false, { type: "keep" }],
    ["keeps what has no owners", states([], []), [], false, { type: "keep" }],
    [
      "lets go of owners that are gone",
      states(["a"], ["b"]),
      [],
      false,
      { type: "release", ownerReferences: [owner("a")] },
    ],
    [
      "lets go of an owner that waits, when another stays",
      states(["a"], [], ["b"]),
      [],
      false,
      { type: "release", ownerReferences: [owner("a")] },
    ],
    [
      "deletes what no owner is left of",
      states([], ["a"]),
      [],
      true,
      { type: "delete", propagationPolicy: "Background" },
    ],
    [
      "deletes leaves of a foreground deletion",
      states([], [], ["a"]),
      [],
      false,
      { type: "delete", propagationPolicy: "Background" },
    ],
    ["goes on in the foreground", states([], [], ["a"]), [], true, { type: "delete", propagationPolicy: "Foreground" }],
    [
      "respects the wish to orphan",
      states([], ["a"]),
      ["orphan"],
      false,
      { type: "delete", propagationPolicy: "Orphan" },
    ],
  ] as const)("%s", (_, owners, finalizers, hasDependents, expected) => {
    expect(planCollection(object([...finalizers]), owners, { hasDependents })).toEqual(expected);
  });
});

describe("planClaims()", () => {
  const owner = aReplicaSet("rs");
  const mine = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs", uid: "uid-rs", controller: true }];
  const others = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "x", uid: "uid-x", controller: true }];
  const pod = (name: string, ownerReferences: readonly OwnerReference[], app = "web", rest = {}) =>
    aPod(name, { metadata: { labels: { app }, ownerReferences, ...rest } });
  const candidates = [
    pod("kept", mine),
    pod("released", mine, "else"),
    pod("adopted", []),
    pod("foreign", others),
    pod("unselected", [], "else"),
    pod("ending", [], "web", { deletionTimestamp: at(0) }),
  ];
  const names = (list: readonly KubeObject[]) => list.map(({ metadata }) => metadata.name);

  it("sorts out what to keep, adopt and release", () => {
    const { owned, adopt, release } = planClaims(owner, candidates);
    expect([names(owned), names(adopt), names(release)]).toEqual([["kept"], ["adopted"], ["released"]]);
  });

  it("neither adopts nor releases, when the owner is being deleted", () => {
    const ending = { ...owner, metadata: { ...owner.metadata, deletionTimestamp: at(0) } };
    const { owned, adopt, release } = planClaims(ending, candidates);
    expect([names(owned), names(adopt), names(release)]).toEqual([["kept"], [], []]);
  });
});

describe("podTemplateHash()", () => {
  it("does not depend on the order of members, on absent ones or on its own label", () => {
    const reordered = {
      spec: { containers: [{ image: "app:1", name: "app", env: [] }] },
      metadata: { labels: { app: "web" } },
    };
    const labelled = { ...template(), metadata: { labels: { "pod-template-hash": "x", app: "web" } } };
    const hash = podTemplateHash(template());
    expect([podTemplateHash(reordered), podTemplateHash(labelled)]).toEqual([hash, hash]);
    expect(sameTemplate(template(), labelled)).toBe(true);
    expect(podTemplateHash(template("app:2"))).not.toBe(hash);
    expect(sameTemplate(template(), template("app:2"))).toBe(false);
  });
});

describe("staleLabels()", () => {
  it.each<[string, Record<string, string>, object | undefined]>([
    ["of older names that are missing", { "kubernetes.io/os": "linux" }, { "beta.kubernetes.io/os": "linux" }],
    [
      "of older names that say something else",
      { "kubernetes.io/arch": "arm64", "beta.kubernetes.io/arch": "amd64" },
      { "beta.kubernetes.io/arch": "arm64" },
    ],
    ["none where all agree", { "kubernetes.io/os": "linux", "beta.kubernetes.io/os": "linux" }, undefined],
    ["none where only older ones are there", { "beta.kubernetes.io/os": "linux" }, undefined],
  ])("are those %s", (_, labels, wanted) => {
    expect(staleLabels(aNode("n", { metadata: { labels } }))).toEqual(wanted);
  });
});

describe("planTaints()", () => {
  const taint = (key: string, effect: Taint["effect"]): Taint => ({
    key: `node.kubernetes.io/${key}`,
    effect,
    timeAdded: at(0),
  });
  const own: Taint = { key: "team", value: "a", effect: "NoExecute" };
  const plan = (node: ReturnType<typeof aNode>, execute: "add" | "hold" | "remove" = "add") =>
    planTaints(node, { conditions: node.status?.conditions ?? [], execute, nowMs: start });

  it("adds none to a node that is ready, and leaves alone what people set", () => {
    expect(plan(aNode("n", { spec: { taints: [own] } }))).toEqual([own]);
  });
  it("keeps pods away and drives them out, when the node is lost", () => {
    const node = aNode("n", { ready: "Unknown", spec: { taints: [own] } });
    expect(plan(node)).toEqual([own, taint("unreachable", "NoSchedule"), taint("unreachable", "NoExecute")]);
    expect(plan(node, "hold")).toEqual([own, taint("unreachable", "NoSchedule")]);
  });
  it("exchanges one driving taint for another even when none is to be added", () => {
    const taints = [taint("not-ready", "NoSchedule"), taint("not-ready", "NoExecute")];
    const node = aNode("n", { ready: "Unknown", spec: { taints } });
    expect(plan(node, "hold")).toEqual([taint("unreachable", "NoSchedule"), taint("unreachable", "NoExecute")]);
    expect(plan(node, "remove")).toEqual([taint("unreachable", "NoSchedule")]);
  });
  it("takes all of them away, when the node is ready again", () => {
    const taints = [taint("unreachable", "NoSchedule"), own, taint("unreachable", "NoExecute")];
    expect(plan(aNode("n", { spec: { taints } }))).toEqual([own]);
  });
  it("keeps the time at which a taint was added, and follows cordons and pressure", () => {
    const before = { ...taint("unschedulable", "NoSchedule"), timeAdded: at(-9000) };
    const node = aNode("n", { spec: { unschedulable: true, taints: [before] } });
    const conditions = [...(node.status?.conditions ?? []), { type: "DiskPressure", status: "True" } as const];
    expect(planTaints(node, { conditions, execute: "add", nowMs: start })).toEqual([
      before,
      taint("disk-pressure", "NoSchedule"),
    ]);
  });
});

describe("unknownConditions()", () => {
  it("says what the daemon stopped saying and what it never said, and leaves other conditions alone", () => {
    const node = aNode("n");
    const network = { type: "NetworkUnavailable", status: "False" } as const;
    const status = { conditions: [...(node.status?.conditions ?? []), network] };
    const conditions = unknownConditions({ ...node, status }, start);
    expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ["Ready", "Unknown", "NodeStatusUnknown"],
      ["NetworkUnavailable", "False", undefined],
      ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["DiskPressure", "Unknown", "NodeStatusNeverUpdated"],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated"],
    ]);
  });
});

describe("zoneState()", () => {
  it.each([
    [3, 0, "normal"],
    [0, 0, "normal"],
    [1, 2, "normal"],
    [2, 3, "partial"],
    [3, 3, "normal"],
    [0, 1, "full"],
  ] as const)("of %i ready and %i other nodes is %s", (ready, notReady, state) => {
    expect(zoneState({ ready, notReady })).toBe(state);
  });
});

describe("toleratedMs()", () => {
  const taint: Taint = { key: "k", value: "v", effect: "NoExecute" };
  it.each([
    ["is 0 without a toleration", [], 0],
    ["is 0, when the effect is another", [{ key: "k", operator: "Exists", effect: "NoSchedule" }], 0],
    ["is without end, when nothing is said", [{ key: "k", operator: "Equal", value: "v" }], Number.POSITIVE_INFINITY],
    [
      "is the least of all that apply",
      [
        { operator: "Exists", tolerationSeconds: 9 },
        { key: "k", operator: "Exists", tolerationSeconds: 5 },
      ],
      5000,
    ],
    ["is 0, when the time is negative", [{ operator: "Exists", tolerationSeconds: -1 }], 0],
  ] as const)("%s", (_, tolerations, expected) => {
    expect(toleratedMs(aPod("p", { spec: { tolerations } }), [taint])).toBe(expected);
  });
});

describe("nextPodCidr()", () => {
  it.each([
    ["10.244.0.0/16", 24, [], "10.244.0.0/24"],
    ["10.244.0.0/16", 24, ["10.244.0.0/24", "10.244.2.0/24"], "10.244.1.0/24"],
    ["10.0.0.0/24", 25, ["10.0.0.0/25", "10.0.0.128/25"], undefined],
    ["127.64.0.0/12", 24, ["127.64.0.0/24"], "127.64.1.0/24"],
    ["fd00:10::/48", 64, ["fd00:10::/64"], "fd00:10:0:1::/64"],
  ])("of %s in parts of /%i beside %j is %s", (clusterCidr, prefix, used, expected) => {
    const isUsed = (part: string) => used.includes(part);
    expect(nextPodCidr({ clusterCidr, prefix, isUsed })?.podCIDR).toBe(expected);
  });
  it.each([
    [2, [], "10.0.0.128/26", 3],
    [3, ["10.0.0.192/26"], "10.0.0.0/26", 1],
    [1, ["10.0.0.64/26", "10.0.0.128/26"], "10.0.0.192/26", 0],
  ])("begins with part %i beside %j and comes round to %s", (from, used: string[], podCIDR, next) => {
    const isUsed = (part: string) => used.includes(part);
    expect(nextPodCidr({ clusterCidr: "10.0.0.0/24", prefix: 26, isUsed, from })).toEqual({ podCIDR, next });
  });
  it("refuses parts that do not fit", () => {
    expect(() => nextPodCidr({ clusterCidr: "10.0.0.0/24", prefix: 20, isUsed: () => false })).toThrow(RangeError);
    expect(() => parseCidr("10.0.0/24")).toThrow('Cannot read the address range: current value is "10.0.0/24"');
  });
});

describe("formatCidr()", () => {
  it.each(["10.1.2.0/24", "::/0", "fd00::/8", "1:0:0:2::/64", "1:2:3:4:5:6:7:8/128", "0.0.0.0/0"])(
    "gives back %s",
    (text) => {
      expect(formatCidr(parseCidr(text))).toBe(text);
    },
  );
});

describe("planNamespaceStatus()", () => {
  const room: Namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  const told = (status: ReturnType<typeof planNamespaceStatus>) =>
    Object.fromEntries(
      (status.conditions ?? []).map(({ type, status: value, message }) => [type, `${value}: ${message}`]),
    );

  it("says what remains and what it waits for", () => {
    const remaining = new Map([["pods.", 2]]);
    const status = planNamespaceStatus(room, { remaining, finalizers: new Map([["example.com/x", 1]]) }, start);
    expect(status.phase).toBe("Terminating");
    expect(told(status)).toMatchObject({
      NamespaceContentRemaining: "True: Some resources are remaining: pods. has 2 resource instances",
      NamespaceFinalizersRemaining:
        "True: Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances",
      NamespaceDeletionContentFailure: "False: All content successfully deleted, may be waiting on finalization",
    });
  });
});

describe("lastSeen()", () => {
  it("is the latest of all times, and never in the future", () => {
    const event = { apiVersion: "v1", kind: "Event", metadata: { creationTimestamp: at(0) }, involvedObject: {} };
    expect(lastSeen({ ...event, lastTimestamp: at(5000) }, start + 9000)).toBe(start + 5000);
    expect(lastSeen({ ...event, eventTime: at(99_000) }, start + 9000)).toBe(start + 9000);
  });
});

describe("slowStart()", () => {
  it("doubles its batches and stops after the first with a failure", async () => {
    const batches: number[] = [];
    let running = 0;
    const result = await slowStart(
      Array.from({ length: 20 }, (_, at) => at),
      async (at) => {
        running++;
        await Promise.resolve();
        if (running > 0) batches.push(running);
        running = 0;
        if (at === 5) throw new Error("quota");
      },
    );
    expect(batches).toEqual([1, 2, 4]);
    expect(result).toMatchObject({ succeeded: 6, error: { message: "quota" } });
  });
});

describe("forEachLimited()", () => {
  it("runs at most so many at once, all of them, and tells the first failure", async () => {
    let running = 0;
    let most = 0;
    let ended = 0;
    const work = async (at: number) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      ended++;
      if (at === 2) throw new Error("two");
    };
    await expect(forEachLimited([0, 1, 2, 3, 4, 5, 6], 3, work)).rejects.toThrow("two");
    expect([most, ended]).toEqual([3, 7]);
  });
});
