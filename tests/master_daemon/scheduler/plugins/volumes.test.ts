import { describe, expect, it } from "vitest";
import { keyOf, type ObjectKey } from "../../../../core/api/meta.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../../../../core/kinds/mod.ts";
import { FakeClock } from "../../../../core/util/fake_clock.ts";
import { type BindContext, CycleState } from "../../../../master_daemon/scheduler/framework.ts";
import { volumeBinding } from "../../../../master_daemon/scheduler/plugins/volume_binding.ts";
import type { Snapshot } from "../../../../master_daemon/scheduler/snapshot.ts";
import { noStorage, type StorageView } from "../../../../master_daemon/scheduler/storage.ts";
import { feasible, labelled, on, place, snapshotOf, waiting } from "../_place.ts";

const zone = "topology.kubernetes.io/zone";
const selectedNode = "volume.kubernetes.io/selected-node";
const nodes = [labelled("a", { [zone]: "z1" }), labelled("b", { [zone]: "z2" }), labelled("c")];

interface VolumeFacts {
  readonly labels?: Readonly<Record<string, string>>;
  /** The only node from which it is reached. */
  readonly node?: string;
  readonly className?: string;
  readonly storage?: string;
}

function aVolume(
  name: string,
  { labels = {}, node, className = "", storage = "1Gi" }: VolumeFacts = {},
): PersistentVolume {
  const values = node === undefined ? [] : [node];
  const term = { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In" as const, values }] };
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, labels },
    spec: {
      capacity: { storage },
      accessModes: ["ReadWriteOnce"],
      storageClassName: className,
      ...(node === undefined ? {} : { nodeAffinity: { required: { nodeSelectorTerms: [term] } } }),
    },
    status: { phase: "Available" },
  };
}

interface ClaimFacts {
  readonly volumeName?: string;
  readonly className?: string;
  readonly storage?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly rest?: Partial<PersistentVolumeClaim["metadata"]>;
  readonly phase?: "Pending" | "Bound" | "Lost";
}

/** A claim that is bound to the volume that it names, if any. */
function aClaim(name: string, facts: ClaimFacts = {}): PersistentVolumeClaim {
  const { volumeName, className = "", storage = "1Gi", annotations = {}, rest = {} } = facts;
  const { phase = volumeName === undefined ? "Pending" : "Bound" } = facts;
  const bound = volumeName === undefined ? {} : { "pv.kubernetes.io/bind-completed": "yes" };
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: "default", uid: `uid-${name}`, annotations: { ...bound, ...annotations }, ...rest },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage } },
      storageClassName: className,
      ...(volumeName === undefined ? {} : { volumeName }),
    },
    status: { phase },
  };
}

function aClass(name: string, rest: Partial<StorageClass> = {}): StorageClass {
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name },
    provisioner: "example.com/disks",
    volumeBindingMode: "WaitForFirstConsumer",
    ...rest,
  };
}

interface StorageFacts {
  readonly claims?: readonly PersistentVolumeClaim[];
  readonly volumes?: readonly PersistentVolume[];
  readonly classes?: readonly StorageClass[];
}

function storageOf({ claims = [], volumes = [], classes = [] }: StorageFacts): StorageView {
  return {
    ...noStorage,
    claim: ({ namespace, name }: ObjectKey) => claims.find(({ metadata }) => metadata.name === name && namespace),
    volume: (name) => volumes.find(({ metadata }) => metadata.name === name),
    storageClass: (name) => classes.find(({ metadata }) => metadata.name === name),
    volumesFor: ({ spec }) => volumes.filter((one) => one.spec.storageClassName === spec.storageClassName),
  };
}

const using = (...claims: readonly string[]) => ({
  volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
});
const asking = (...claims: readonly string[]): Pod => waiting(using(...claims));
const snapshotWith = (facts: StorageFacts, pods: readonly Pod[] = []): Snapshot =>
  snapshotOf(nodes, pods, { storage: storageOf(facts) });

function messageOf(pod: Pod, snapshot: Snapshot): string | undefined {
  const placement = place(pod, snapshot);
  return placement.node ? undefined : placement.message.split(". preemption:")[0];
}

describe("VolumeZone", () => {
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ["keeps a pod in the zone of its volume, or where no zone is told", { [zone]: "z1" }, ["a", "c"]],
    ["takes any of several zones", { [zone]: "z1__z2" }, ["a", "b", "c"]],
    ["wants zone and region both", { [zone]: "z1", "topology.kubernetes.io/region": "r" }, ["c"]],
    ["does not take the older label for the present one", { "failure-domain.beta.kubernetes.io/zone": "z1" }, ["c"]],
    ["minds nothing else", { tier: "z9" }, ["a", "b", "c"]],
  ])("%s", (_, labels, expected) => {
    const facts = { claims: [aClaim("data", { volumeName: "disk" })], volumes: [aVolume("disk", { labels })] };
    expect(feasible(asking("data"), snapshotWith(facts))).toEqual(expected);
  });

  it("says why", () => {
    const facts = {
      claims: [aClaim("data", { volumeName: "disk" })],
      volumes: [aVolume("disk", { labels: { [zone]: "z9" } })],
    };
    const snapshot = snapshotOf(nodes.slice(0, 2), [], { storage: storageOf(facts) });
    expect(messageOf(asking("data"), snapshot)).toBe("0/2 nodes are available: 2 node(s) had no available volume zone");
  });
});

describe("VolumeRestrictions", () => {
  const once = aClaim("data", { volumeName: "disk" });
  const facts = (accessModes: readonly ("ReadWriteOncePod" | "ReadWriteOnce")[]) => ({
    claims: [{ ...once, spec: { ...once.spec, accessModes } }],
    volumes: [aVolume("disk")],
  });
  it("keeps the claim of one pod from others, on whatever node", () => {
    const user = on("a", "user", {}, using("data"));
    expect(feasible(asking("data"), snapshotWith(facts(["ReadWriteOncePod"]), [user]))).toEqual([]);
    expect(feasible(asking("data"), snapshotWith(facts(["ReadWriteOncePod"])))).toEqual(["a", "b", "c"]);
    expect(feasible(asking("data"), snapshotWith(facts(["ReadWriteOnce"]), [user]))).toEqual(["a", "b", "c"]);
    expect(feasible(asking(), snapshotWith(facts(["ReadWriteOncePod"]), [user]))).toEqual(["a", "b", "c"]);
  });

  it("minds each of a pod's claims", () => {
    const { claims, volumes } = facts(["ReadWriteOncePod"]);
    const more = {
      claims: [...claims, aClaim("more", { volumeName: "other" })],
      volumes: [...volumes, aVolume("other")],
    };
    expect(feasible(asking("more", "data"), snapshotWith(more, [on("a", "user", {}, using("data"))]))).toEqual([]);
  });

  it("has the other one go for a pod of higher priority", () => {
    const snapshot = snapshotWith(facts(["ReadWriteOncePod"]), [
      on("a", "user", {}, { ...using("data"), priority: 1 }),
    ]);
    const placement = place(waiting({ ...using("data"), priority: 5 }), snapshot);
    expect(placement).toMatchObject({
      postFilter: { nominatedNodeName: "a", victims: [{ metadata: { name: "user" } }] },
    });
  });
});

describe("VolumeBinding", () => {
  const everywhere = "0/3 nodes are available: ";
  it.each<[string, StorageFacts, string]>([
    ["a claim is not there", {}, 'persistentvolumeclaim "data" not found'],
    [
      "a claim has lost its volume",
      { claims: [aClaim("data", { volumeName: "disk", phase: "Lost" })] },
      'persistentvolumeclaim "data" bound to non-existent persistentvolume "disk"',
    ],
    [
      "a claim is on its way out",
      { claims: [aClaim("data", { volumeName: "disk", rest: { deletionTimestamp: "2026-01-01T00:00:00Z" } })] },
      'persistentvolumeclaim "data" is being deleted',
    ],
    [
      "a claim waits for nobody and is not bound",
      { claims: [aClaim("data")], volumes: [aVolume("disk")] },
      "pod has unbound immediate PersistentVolumeClaims",
    ],
    [
      "the volume of a claim is gone",
      { claims: [aClaim("data", { volumeName: "disk" })] },
      "3 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
    ],
    [
      "no node reaches the volume",
      { claims: [aClaim("data", { volumeName: "disk" })], volumes: [aVolume("disk", { node: "elsewhere" })] },
      "3 node(s) didn't match PersistentVolume's node affinity",
    ],
    [
      "there is no volume of the class, and nobody makes any",
      {
        claims: [aClaim("data", { className: "by-hand" })],
        classes: [aClass("by-hand", { provisioner: "kubernetes.io/no-provisioner" })],
      },
      "3 node(s) didn't find available persistent volumes to bind",
    ],
  ])("refuses every node, when %s", (_, facts, message) => {
    expect(messageOf(asking("data"), snapshotWith(facts))).toBe(`${everywhere}${message}`);
  });

  it("waits for the claims of a pod's own volumes, and minds whose they are", () => {
    const own = { name: "scratch", ephemeral: { volumeClaimTemplate: { spec: aClaim("x").spec } } };
    const pod = waiting({ volumes: [own] });
    expect(messageOf(pod, snapshotWith({}))).toBe(
      `${everywhere}waiting for ephemeral volume controller to create the persistentvolumeclaim "new-scratch"`,
    );
    const foreign = aClaim("new-scratch", { volumeName: "disk" });
    expect(messageOf(pod, snapshotWith({ claims: [foreign], volumes: [aVolume("disk")] }))).toBe(
      `${everywhere}PVC default/new-scratch was not created for pod default/new (pod is not owner)`,
    );
    const ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "new", uid: "uid-new", controller: true }];
    const mine = aClaim("new-scratch", { volumeName: "disk", rest: { ownerReferences } });
    expect(feasible(pod, snapshotWith({ claims: [mine], volumes: [aVolume("disk")] }))).toEqual(["a", "b", "c"]);
  });

  const byHand = aClass("by-hand", { provisioner: "kubernetes.io/no-provisioner" });
  const waitingClaim = (name: string, storage: string, annotations = {}) =>
    aClaim(name, { className: "by-hand", storage, annotations });
  it.each<[string, readonly string[], StorageFacts, readonly string[]]>([
    [
      "keeps a pod where its volume is",
      ["data"],
      { claims: [aClaim("data", { volumeName: "disk" })], volumes: [aVolume("disk", { node: "b" })] },
      ["b"],
    ],
    [
      "finds the nodes with a volume for a claim that waits",
      ["data"],
      {
        claims: [waitingClaim("data", "1Gi")],
        classes: [byHand],
        volumes: [
          aVolume("one", { node: "b", className: "by-hand" }),
          aVolume("two", { node: "c", className: "by-hand" }),
        ],
      },
      ["b", "c"],
    ],
    [
      "wants a volume for each claim",
      ["data", "more"],
      {
        claims: [waitingClaim("data", "1Gi"), waitingClaim("more", "1Gi")],
        classes: [byHand],
        volumes: [
          aVolume("one", { node: "a", className: "by-hand" }),
          aVolume("two", { node: "b", className: "by-hand" }),
          aVolume("three", { node: "b", className: "by-hand" }),
        ],
      },
      ["b"],
    ],
    [
      "leaves the large volume to the claim that needs it",
      ["large", "small"],
      {
        claims: [waitingClaim("large", "2Gi"), waitingClaim("small", "1Gi")],
        classes: [byHand],
        volumes: [
          aVolume("one", { node: "a", className: "by-hand", storage: "1Gi" }),
          aVolume("two", { node: "a", className: "by-hand", storage: "2Gi" }),
        ],
      },
      ["a"],
    ],
    [
      "takes nodes on which volumes are made",
      ["data"],
      {
        claims: [aClaim("data", { className: "fast" })],
        classes: [
          aClass("fast", { allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: ["z2", "z3"] }] }] }),
        ],
      },
      ["b"],
    ],
    [
      "takes any node, where they are made anywhere",
      ["data"],
      { claims: [aClaim("data", { className: "fast" })], classes: [aClass("fast")] },
      ["a", "b", "c"],
    ],
    [
      "takes the node alone for which the volume is being made, though another has one",
      ["data"],
      {
        claims: [aClaim("data", { className: "fast", annotations: { [selectedNode]: "c" } })],
        classes: [aClass("fast")],
        volumes: [aVolume("one", { node: "b", className: "fast" })],
      },
      ["c"],
    ],
  ])("%s", (_, claims, facts, expected) => {
    expect(feasible(asking(...claims), snapshotWith(facts))).toEqual(expected);
  });

  describe("before the binding of a pod", () => {
    /** What the plug-in does for a pod that goes to node `a`, with the claim as it is `now` in the cluster. */
    function preBind(
      facts: StorageFacts,
      now: { claim?: PersistentVolumeClaim; volumes?: readonly PersistentVolume[] } = {},
    ) {
      const plugin = volumeBinding({ bindTimeoutMs: 60_000 });
      const assumed: (string | undefined)[] = [];
      const storage: StorageView = {
        ...storageOf(facts),
        assume: ({ metadata }) => assumed.push(metadata.name),
        forget: ({ metadata }) => assumed.splice(assumed.indexOf(metadata.name), 1),
      };
      const snapshot = snapshotOf(nodes, [], { storage });
      const [pod, state, info] = [asking("data"), new CycleState(), snapshot.node("a")];
      if (!info) throw new Error("no node");
      plugin.preFilter?.(pod, snapshot, state);
      expect(plugin.filter?.(pod, info, state)).toBeUndefined();
      plugin.reserve?.(pod, info, state);
      const written: string[] = [];
      const clock = new FakeClock();
      const later = storageOf({ claims: now.claim ? [now.claim] : [], volumes: now.volumes ?? [] });
      const context = {
        client: { update: async (_kind: unknown, object: PersistentVolume) => written.push(keyOf(object).name) },
        storage: {
          ...later,
          nextChange: (signal: AbortSignal) =>
            new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
        },
        clock,
        signal: new AbortController().signal,
      } as unknown as BindContext;
      const work = plugin.preBind?.(pod, info, state);
      return {
        run: work && (() => work(context)),
        written,
        assumed,
        clock,
        undo: () => plugin.unreserve?.(pod, info, state),
      };
    }

    const found = {
      claims: [waitingClaim("data", "1Gi")],
      classes: [byHand],
      volumes: [aVolume("one", { className: "by-hand" })],
    };
    const made = { claims: [aClaim("data", { className: "fast" })], classes: [aClass("fast")] };

    it("has nothing to do, where every claim is bound", () => {
      const facts = { claims: [aClaim("data", { volumeName: "disk" })], volumes: [aVolume("disk")] };
      expect(preBind(facts).run).toBeUndefined();
    });

    it("counts what it chose as taken, until that is taken back", () => {
      const { assumed, undo } = preBind(found);
      expect(assumed).toEqual(["one"]);
      undo();
      expect(assumed).toEqual([]);
    });

    it("writes what it chose, and waits until that is bound", async () => {
      const bound = aClaim("data", { volumeName: "one" });
      const { run, written } = preBind(found, { claim: bound, volumes: [aVolume("one")] });
      await run?.();
      expect(written).toEqual(["one"]);
      const other = preBind(made, { claim: aClaim("data", { volumeName: "new" }), volumes: [aVolume("new")] });
      await other.run?.();
      expect([other.written, other.assumed]).toEqual([["data"], ["data"]]);
    });

    it.each<[string, StorageFacts, Parameters<typeof preBind>[1], string]>([
      ["its claim is gone", found, {}, 'persistentvolumeclaim "data" not found'],
      [
        "its claim is another one",
        found,
        { claim: aClaim("data", { rest: { uid: "other" } }) },
        'persistentvolumeclaim "data" not found',
      ],
      [
        "the volume is somewhere else",
        made,
        { claim: aClaim("data", { volumeName: "far" }), volumes: [aVolume("far", { node: "b" })] },
        'pv "far" node affinity doesn\'t match node "a"',
      ],
      [
        "the volume cannot be made there",
        made,
        { claim: aClaim("data", { className: "fast" }) },
        'selectedNode annotation value "" not set to scheduled node "a"',
      ],
    ])("gives up, when %s", async (_, facts, now, message) => {
      await expect(preBind(facts, now).run?.()).rejects.toThrow(`binding volumes: ${message}`);
    });

    it("leaves a claim whose volume is being made to whoever makes it, though there is another", async () => {
      const claim = aClaim("data", { className: "fast", annotations: { [selectedNode]: "a" } });
      const facts = { claims: [claim], classes: [aClass("fast")], volumes: [aVolume("one", { className: "fast" })] };
      const { run, written } = preBind(facts, {
        claim: aClaim("data", { volumeName: "new" }),
        volumes: [aVolume("new")],
      });
      await run?.();
      expect(written).toEqual(["data"]);
    });

    it("does not mind what a claim says of nodes whose volume was there", async () => {
      const { run, clock } = preBind(found, { claim: waitingClaim("data", "1Gi") });
      const done = expect(run?.()).rejects.toThrow("context deadline exceeded");
      await clock.advance(60_000);
      await done;
    });

    it("waits for its volume no longer than it may", async () => {
      const claim = aClaim("data", { className: "fast", annotations: { [selectedNode]: "a" } });
      const { run, clock } = preBind(made, { claim });
      const done = expect(run?.()).rejects.toThrow("binding volumes: context deadline exceeded");
      await clock.advance(60_000);
      await done;
    });

    it("waits for the volume of a claim that says it is bound", async () => {
      const { run, clock } = preBind(made, { claim: aClaim("data", { volumeName: "new" }) });
      const done = expect(run?.()).rejects.toThrow("context deadline exceeded");
      await clock.advance(60_000);
      await done;
    });
  });
});
