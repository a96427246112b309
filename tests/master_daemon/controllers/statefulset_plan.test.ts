import { describe, expect, it } from "vitest";
import type { OwnerReference } from "../../../core/api/meta.ts";
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  StatefulSetSpec,
} from "../../../core/kinds/mod.ts";
import { withOwners } from "../../../master_daemon/controllers/_claim_owners.ts";
import {
  planRevision,
  type RevisionedOwner,
  surplusRevisions,
  templateOf,
} from "../../../master_daemon/controllers/_history.ts";
import { planStatefulSet } from "../../../master_daemon/controllers/_plan_stateful_set.ts";
import { claimsOf, ordinalOf, statefulPod } from "../../../master_daemon/controllers/_stateful_pods.ts";
import { aPod, at, start, template } from "./fixtures.ts";

function aSet(spec: Partial<StatefulSetSpec> = {}, rest: Partial<StatefulSet> = {}): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", namespace: "default", uid: "s1", generation: 2 },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: template(),
      serviceName: "peers",
      ...spec,
    },
    ...rest,
  };
}

function aRevision(name: string, revision: number, image: string): ControllerRevision {
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { name, namespace: "default", uid: name },
    data: { spec: { template: { ...(template(image) as object), $patch: "replace" } } },
    revision,
  };
}

const older = aRevision("db-1", 1, "app:1");
const newer = aRevision("db-2", 2, "app:2");

interface PodOptions {
  revision?: string;
  ready?: boolean;
  phase?: "Pending" | "Running" | "Succeeded" | "Failed";
  ending?: boolean;
  readySince?: number;
}

function member(ordinal: number, options: PodOptions = {}): Pod {
  const { revision = "db-1", ready = true, phase = "Running", ending = false, readySince = 0 } = options;
  const name = `db-${ordinal}`;
  return aPod(name, {
    ...(ready && phase === "Running" ? { readySince } : {}),
    phase,
    metadata: {
      labels: {
        app: "web",
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": String(ordinal),
      },
      ...(ending ? { deletionTimestamp: at(0) } : {}),
    },
  });
}

function plan(
  set: StatefulSet,
  pods: readonly Pod[],
  options: { update?: ControllerRevision; claims?: readonly PersistentVolumeClaim[]; nowMs?: number } = {},
) {
  const { update = older, claims = [], nowMs = start + 1_000_000 } = options;
  const claim = (name: string) => claims.find(({ metadata }) => metadata.name === name);
  return planStatefulSet({ set, pods, claim, current: older, update, nowMs });
}

const names = (objects: readonly { metadata: { name?: string } }[]) => objects.map(({ metadata }) => metadata.name);
const parallel = { podManagementPolicy: "Parallel" } as const;
const rolling = (partition: number, maxUnavailable?: number | string): Partial<StatefulSetSpec> => ({
  updateStrategy: {
    type: "RollingUpdate",
    rollingUpdate: { partition, ...(maxUnavailable === undefined ? {} : { maxUnavailable }) },
  },
});

describe("planStatefulSet()", () => {
  it.each<[string, StatefulSet, readonly Pod[], { create?: string[]; remove?: string[]; replace?: string[] }]>([
    ["starts with the first", aSet(), [], { create: ["db-0"] }],
    ["goes on once that is ready", aSet(), [member(0)], { create: ["db-1"] }],
    ["waits while it is not ready", aSet(), [member(0, { ready: false })], {}],
    ["waits while it is on its way out", aSet(), [member(0, { ending: true })], {}],
    ["makes all at once in parallel", aSet(parallel), [member(1, { ready: false })], { create: ["db-0", "db-2"] }],
    ["counts from the first ordinal", aSet({ ordinals: { start: 5 }, replicas: 2 }), [member(5)], { create: ["db-6"] }],
    ["makes an ended pod anew", aSet(), [member(0, { phase: "Failed" })], { replace: ["db-0"] }],
    ["also one that succeeded", aSet(), [member(0, { phase: "Succeeded" })], { replace: ["db-0"] }],
    ["removes the last first", aSet({ replicas: 1 }), [member(0), member(1), member(2)], { remove: ["db-2"] }],
    ["waits until that is gone", aSet({ replicas: 1 }), [member(0), member(1), member(2, { ending: true })], {}],
    [
      "does not shrink while one that stays is not ready",
      aSet({ replicas: 1 }),
      [member(0, { ready: false }), member(1)],
      {},
    ],
    [
      "does not shrink past another one that is not ready",
      aSet({ replicas: 1 }),
      [member(0), member(1, { ready: false }), member(2, { ready: false })],
      {},
    ],
    [
      "removes the only one that is not ready",
      aSet({ replicas: 1 }),
      [member(0), member(1), member(2, { ready: false })],
      { remove: ["db-2"] },
    ],
    [
      "removes all at once in parallel",
      aSet({ ...parallel, replicas: 1 }),
      [member(0), member(1), member(2)],
      { remove: ["db-2", "db-1"] },
    ],
    [
      "removes pods below the first ordinal",
      aSet({ ordinals: { start: 1 }, replicas: 1 }),
      [member(0), member(1)],
      { remove: ["db-0"] },
    ],
    [
      "only tells what is left, when it is being deleted",
      aSet({}, { metadata: { name: "db", namespace: "default", uid: "s1", deletionTimestamp: at(0) } }),
      [],
      {},
    ],
  ])("%s", (_, set, pods, { create = [], remove = [], replace = [] }) => {
    const planned = plan(set, pods);
    expect(names(planned.create)).toEqual(create);
    expect(names(planned.remove)).toEqual(remove);
    expect(names(planned.replace)).toEqual(replace);
  });

  const all = (...options: PodOptions[]) => options.map((one, ordinal) => member(ordinal, one));
  const updated = { revision: "db-2" };
  it.each<[string, Partial<StatefulSetSpec>, readonly Pod[], string[]]>([
    ["updates the last first", rolling(0), all({}, {}, {}), ["db-2"]],
    ["waits for an updated pod", rolling(0), all({}, {}, { ...updated, phase: "Pending" }), []],
    ["goes on with the next", rolling(0), all({}, {}, updated), ["db-1"]],
    ["leaves pods below the partition", rolling(2), all({}, {}, updated), []],
    ["leaves pods that are to be deleted by hand", { updateStrategy: { type: "OnDelete" } }, all({}, {}, {}), []],
    ["removes as many as may be missing", { ...parallel, ...rolling(0, 2) }, all({}, {}, {}), ["db-2", "db-1"]],
    ["takes parts of them", { ...parallel, ...rolling(0, "70%") }, all({}, {}, {}), ["db-2", "db-1"]],
    [
      "counts those that are missing already",
      { ...parallel, ...rolling(0, 2) },
      all({ ready: false }, {}, {}),
      ["db-2"],
    ],
    ["always lets one go", { ...parallel, ...rolling(0, "1%") }, all({}, {}, {}), ["db-2"]],
  ])("%s", (_, spec, pods, remove) => {
    expect(names(plan(aSet(spec), pods, { update: newer }).remove)).toEqual(remove);
  });

  it("makes pods below the partition from the old template, and others from the new one", () => {
    const { create } = plan(aSet({ ...parallel, ...rolling(1), replicas: 2 }), [], { update: newer });
    expect(create.map(({ metadata }) => metadata.labels?.["controller-revision-hash"])).toEqual(["db-1", "db-2"]);
    expect(create.map(({ spec }) => spec.containers[0]?.image)).toEqual(["app:1", "app:2"]);
  });

  it("looks at no more pods than there are, however many are wanted", () => {
    const many = { replicas: 2 ** 31 - 1 };
    expect(names(plan(aSet(many), [member(0)]).create)).toEqual(["db-1"]);
    expect(plan(aSet({ ...parallel, ...many }), [member(0)]).create).toHaveLength(500);
  });

  it("waits until a pod has been ready for long enough", () => {
    const set = aSet({ minReadySeconds: 10, replicas: 2 });
    const early = plan(set, [member(0, { readySince: 0 })], { nowMs: start + 4000 });
    expect(early).toMatchObject({
      create: [],
      requeueAfterMs: 6000,
      status: { readyReplicas: 1, availableReplicas: 0 },
    });
    expect(names(plan(set, [member(0)], { nowMs: start + 10_000 }).create)).toEqual(["db-1"]);
  });

  it("gives a pod the labels back by which it is known", () => {
    const lost = aPod("db-0", { readySince: 0 });
    const [right] = plan(aSet({ replicas: 1 }), [lost]).update;
    expect(right?.metadata.labels).toMatchObject({
      "statefulset.kubernetes.io/pod-name": "db-0",
      "apps.kubernetes.io/pod-index": "0",
    });
  });

  it("counts, and makes the new revision the current one at the end", () => {
    const under = plan(aSet(rolling(0)), all({}, {}, updated), { update: newer }).status;
    expect(under).toEqual({
      observedGeneration: 2,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 2,
      updatedReplicas: 1,
      currentRevision: "db-1",
      updateRevision: "db-2",
      collisionCount: 0,
    });
    const done = plan(aSet(rolling(0)), all(updated, updated, updated), { update: newer }).status;
    expect(done).toMatchObject({ currentRevision: "db-2", currentReplicas: 3, updatedReplicas: 3 });
    // Whoever exchanges pods by hand says when that is over.
    const byHand = aSet({ updateStrategy: { type: "OnDelete" } });
    expect(plan(byHand, all(updated, updated, updated), { update: newer }).status).toMatchObject({
      currentRevision: "db-1",
      updatedReplicas: 3,
    });
  });

  describe("with claims", () => {
    const volumeClaimTemplates: readonly PersistentVolumeClaim[] = [
      { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: {} },
    ];
    const storage = { volumeClaimTemplates };
    const claim = (name: string, metadata: PersistentVolumeClaim["metadata"] = {}): PersistentVolumeClaim => ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name, namespace: "default", ...metadata },
      spec: {},
    });

    it("makes them before the pod, and mounts them", () => {
      const planned = plan(aSet(storage), []);
      expect(planned.createClaims.map((one) => one.claim.metadata)).toEqual([
        { name: "data-db-0", namespace: "default", labels: { app: "web" } },
      ]);
      expect(planned.create[0]?.spec.volumes).toEqual([
        { name: "data", persistentVolumeClaim: { claimName: "data-db-0" } },
      ]);
      expect(plan(aSet(storage), [], { claims: [claim("data-db-0")] }).createClaims).toEqual([]);
    });

    it("waits for one that is on its way out with an earlier pod", () => {
      const ending = claim("data-db-0", { deletionTimestamp: at(0) });
      const planned = plan(aSet(storage), [], { claims: [ending] });
      expect(planned.create).toEqual([]);
      expect(planned.blocked).toEqual([{ pod: "db-0", message: "pvc data-db-0 is being deleted" }]);
    });

    it.each<[string, StatefulSetSpec["persistentVolumeClaimRetentionPolicy"], boolean, string[]]>([
      ["nobody", undefined, false, []],
      ["its set", { whenDeleted: "Delete" }, false, ["StatefulSet"]],
      ["its set, also when it is not needed any more", { whenDeleted: "Delete" }, true, ["StatefulSet"]],
      ["nobody while it is needed", { whenScaled: "Delete" }, false, []],
      ["its pod once that is to go", { whenScaled: "Delete", whenDeleted: "Delete" }, true, ["Pod"]],
    ])("belong to %s", (_, policy, scaledDown, kinds) => {
      const set = aSet({ ...storage, ...(policy ? { persistentVolumeClaimRetentionPolicy: policy } : {}) });
      const options = { podName: "db-2", pod: member(2), scaledDown };
      const { claim: owned } = withOwners(set, claim("data-db-2"), options);
      expect((owned.metadata.ownerReferences ?? []).map(({ kind, controller }) => controller && kind)).toEqual(kinds);
      expect(withOwners(set, owned, options).claim).toBe(owned);
      expect(withOwners(aSet(storage), owned, options).claim.metadata.ownerReferences).toBeUndefined();
    });

    const ofSet = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "s1" };
    const operator = { apiVersion: "example.com/v1", kind: "Backup", name: "b", uid: "b1" };

    it.each<[string, readonly OwnerReference[], readonly (string | undefined)[], boolean]>([
      ["is put in charge where it was an owner only", [ofSet], ["s1 true"], false],
      ["stays beside one that is not in charge", [operator], ["b1 undefined", "s1 true"], false],
      ["leaves a claim to another that is in charge", [{ ...operator, controller: true }, ofSet], ["b1 true"], true],
      ["leaves alone what belongs to an earlier set", [{ ...ofSet, uid: "s0" }], ["s0 undefined"], true],
    ])("the set %s", (_, ownerReferences, expected, isConflicting) => {
      const set = aSet({ ...storage, persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } });
      const options = { podName: "db-0", pod: member(0), scaledDown: false };
      const owned = withOwners(set, claim("data-db-0", { ownerReferences }), options);
      const { ownerReferences: found = [] } = owned.claim.metadata;
      expect(found.map(({ uid, controller }) => `${uid} ${controller}`)).toEqual(expected);
      expect(owned.isConflicting).toBe(isConflicting);
      expect(withOwners(aSet(storage), owned.claim, options).isConflicting).toBe(false);
    });

    it("tell of another who is in charge when their pod is made, not for ever", () => {
      const set = aSet({ ...storage, replicas: 1, persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } });
      const claims = [claim("data-db-0", { ownerReferences: [{ ...operator, controller: true }] })];
      expect(plan(set, [], { claims }).conflicting).toEqual(["data-db-0"]);
      expect(plan(set, [member(0)], { claims }).conflicting).toEqual([]);
    });

    it("of an earlier pod are waited for only where they go with their pods", () => {
      const ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "db-0", uid: "gone" }];
      const claims = [claim("data-db-0", { ownerReferences })];
      const made = (whenScaled: "Delete" | "Retain") => {
        const set = aSet({ ...storage, persistentVolumeClaimRetentionPolicy: { whenScaled } });
        const { create, blocked } = plan(set, [], { claims });
        return [names(create), blocked];
      };
      expect(made("Delete")).toEqual([[], []]);
      expect(made("Retain")).toEqual([["db-0"], []]);
    });

    it("that are on their way out are all named", () => {
      const two = ["data", "logs"].map(
        (name) => ({ ...volumeClaimTemplates[0], metadata: { name } }) as PersistentVolumeClaim,
      );
      const claims = ["data-db-0", "logs-db-0"].map((name) => claim(name, { deletionTimestamp: at(0) }));
      const { blocked } = plan(aSet({ volumeClaimTemplates: two }), [], { claims });
      expect(blocked).toEqual([
        { pod: "db-0", message: "[pvc data-db-0 is being deleted, pvc logs-db-0 is being deleted]" },
      ]);
    });

    it("go to the pod before that is removed", () => {
      const set = aSet({ ...storage, replicas: 1, persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } });
      const planned = plan(set, [member(0), member(1)], { claims: [claim("data-db-0"), claim("data-db-1")] });
      expect(names(planned.remove)).toEqual(["db-1"]);
      expect(planned.updateClaims.map(({ metadata }) => [metadata.name, metadata.ownerReferences?.[0]?.uid])).toEqual([
        ["data-db-1", "uid-db-1"],
      ]);
    });

    it("have the labels of the selector besides their own", () => {
      const labelled = {
        ...volumeClaimTemplates[0],
        metadata: { name: "data", labels: { tier: "x" } },
      } as PersistentVolumeClaim;
      const [one] = claimsOf(aSet({ volumeClaimTemplates: [labelled] }), 7);
      expect(one?.claim.metadata.labels).toEqual({ tier: "x", app: "web" });
    });
  });
});

describe("statefulPod()", () => {
  it("has a name, a place in its domain and the labels of its set", () => {
    const pod = statefulPod(aSet(), { template: template(), revision: "db-1", ordinal: 4 });
    expect(pod.metadata).toMatchObject({
      name: "db-4",
      labels: {
        app: "web",
        "controller-revision-hash": "db-1",
        "statefulset.kubernetes.io/pod-name": "db-4",
        "apps.kubernetes.io/pod-index": "4",
      },
      ownerReferences: [{ kind: "StatefulSet", name: "db", controller: true }],
    });
    expect(pod.metadata.generateName).toBeUndefined();
    expect(pod.spec).toMatchObject({ hostname: "db-4", subdomain: "peers" });
  });
});

describe("ordinalOf()", () => {
  it.each([
    ["db-0", 0],
    ["db-12", 12],
    ["db-01", undefined],
    ["db-x", undefined],
    ["db-", undefined],
    ["other-1", undefined],
    ["db-99999999999", undefined],
  ])("%s is %s", (name, expected) => {
    expect(ordinalOf(aSet(), aPod(name))).toBe(expected);
  });
});

describe("planRevision()", () => {
  const owner = (image: string): RevisionedOwner => aSet({ template: template(image) });
  const labelled = false;
  it("makes one for a template that is new", () => {
    const { type, revision } = planRevision(owner("app:3"), [older, newer], { labelled });
    expect([type, revision.revision]).toEqual(["create", 3]);
    expect(templateOf(revision)).toMatchObject(template("app:3"));
    expect(JSON.stringify(revision.data)).toBe(
      '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"web"}},' +
        '"spec":{"containers":[{"image":"app:3","name":"app"}]}}}}',
    );
    expect(revision.metadata.name).toMatch(/^db-[a-z0-9]+$/);
    const again = planRevision({ ...owner("app:3"), status: { collisionCount: 1 } }, [older, newer], { labelled });
    expect(again.revision.metadata.name).not.toBe(revision.metadata.name);
  });

  it("keeps the newest, and makes an older one the newest when its template comes back", () => {
    expect(planRevision(owner("app:2"), [newer, older], { labelled })).toEqual({ type: "keep", revision: newer });
    const back = planRevision(owner("app:1"), [newer, older], { labelled });
    expect([back.type, back.revision.metadata.name, back.revision.revision]).toEqual(["renumber", "db-1", 3]);
  });
});

describe("surplusRevisions()", () => {
  it("are the oldest beyond the limit that nobody uses", () => {
    const revisions = [4, 1, 3, 2].map((number) => aRevision(`r${number}`, number, `app:${number}`));
    expect(names(surplusRevisions(revisions, ({ revision }) => revision === 1, 1))).toEqual(["r2", "r3"]);
  });
});
