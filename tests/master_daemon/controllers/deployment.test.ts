import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import type { Deployment, ReplicaSet } from "../../../core/kinds/mod.ts";
import { type DeploymentPlan, planDeployment } from "../../../master_daemon/controllers/_plan_deployment.ts";
import { planRollback } from "../../../master_daemon/controllers/_plan_rollback.ts";
import { aDeployment, aReplicaSet, at, start, template } from "./fixtures.ts";

function plan(deployment: Deployment, replicaSets: readonly ReplicaSet[], nowMs = start, oldPodsRun = false) {
  return planDeployment({ deployment, replicaSets, oldPodsRun: () => oldPodsRun, nowMs });
}

function sizes({ updates }: DeploymentPlan): Record<string, number | undefined> {
  return Object.fromEntries(updates.map((set) => [set.metadata.name, set.spec.replicas]));
}

const revision = (number: number | bigint) => ({ "deployment.kubernetes.io/revision": String(number) });
const sized = (number: number, desired: number, max = desired + 1) => ({
  ...revision(number),
  "deployment.kubernetes.io/desired-replicas": String(desired),
  "deployment.kubernetes.io/max-replicas": String(max),
});
const full = (count: number) => ({
  replicas: count,
  readyReplicas: count,
  availableReplicas: count,
  observedGeneration: 1,
});

describe("planDeployment()", () => {
  it("creates a labelled and annotated ReplicaSet of full size, when there is none", () => {
    const { create, status, revision: next } = plan(aDeployment({}, { metadata: { annotations: { team: "a" } } }), []);
    const hash = create?.metadata.labels?.["pod-template-hash"];
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(create).toMatchObject({
      metadata: {
        name: `web-${hash}`,
        labels: { app: "web", "pod-template-hash": hash },
        annotations: { team: "a", ...sized(1, 3) },
        ownerReferences: [{ kind: "Deployment", name: "web", uid: "d1", controller: true, blockOwnerDeletion: true }],
      },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: "web", "pod-template-hash": hash } },
        template: { metadata: { labels: { "pod-template-hash": hash } } },
      },
    });
    expect(next).toBe("1");
    expect(findCondition(status.conditions, "Progressing")).toMatchObject({
      status: "True",
      reason: "NewReplicaSetCreated",
      message: `Created new replica set "${create?.metadata.name}"`,
    });
    expect(findCondition(status.conditions, "Available")).toMatchObject({
      status: "False",
      reason: "MinimumReplicasUnavailable",
      message: "Deployment does not have minimum availability.",
    });
    expect(status).toMatchObject({ observedGeneration: 1, unavailableReplicas: 3 });
  });

  it("names the ReplicaSet otherwise, when the collision count differs", () => {
    const name = (collisionCount: number) =>
      plan(aDeployment({}, { status: { collisionCount } }), []).create?.metadata.name;
    expect(new Set([name(0), name(1), name(2)]).size).toBe(3);
    expect(name(1)).toBe(name(1));
  });

  const current = (replicas: number, available: number, desired = 3, max = 4) =>
    aReplicaSet(
      "new",
      { replicas, template: template("app:2") },
      { metadata: { creationTimestamp: at(1000), annotations: sized(2, desired, max) }, status: full(available) },
    );
  const old = (replicas: number, available: number, desired = 3, max = 4) =>
    aReplicaSet(
      "old",
      { replicas },
      { metadata: { creationTimestamp: at(0), annotations: sized(1, desired, max) }, status: full(available) },
    );
  const next = (spec: Partial<Deployment["spec"]> = {}) => aDeployment({ template: template("app:2"), ...spec });
  const limits = (maxSurge: number | string, maxUnavailable: number | string) => ({
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } as const,
  });

  it.each<[string, Deployment, ReplicaSet[], Record<string, number>]>([
    ["grows the new one into the surge first", next(), [old(3, 3), current(0, 0)], { new: 1 }],
    ["waits, when the new pod is not available", next(), [old(3, 3), current(1, 0)], {}],
    ["shrinks the old one, when the new pod is available", next(), [old(3, 3), current(1, 1)], { old: 2 }],
    ["grows again, when there is room", next(), [old(2, 2), current(1, 1)], { new: 2 }],
    ["shrinks first, when no surge is allowed", next(limits(0, 1)), [old(3, 3), current(0, 0)], { old: 2 }],
    [
      "removes unhealthy old pods first",
      next(limits(0, 1)),
      [
        aReplicaSet(
          "older",
          { replicas: 1, template: template("app:0") },
          { metadata: { creationTimestamp: at(-9), annotations: sized(0, 3) }, status: full(0) },
        ),
        old(2, 2),
        current(0, 0),
      ],
      { older: 0 },
    ],
    [
      "counts old pods on their way out as gone, when the status lags",
      next({ ...limits(0, 2), replicas: 10 }),
      [old(8, 10, 10, 10), current(2, 2, 10, 10)],
      { old: 6 },
    ],
    ["does not grow the new one before old pods that are to go do", next(), [old(2, 3), current(1, 1)], {}],
    ["rounds surge up and unavailability down", next(limits("25%", "25%")), [old(3, 3), current(0, 0)], { new: 1 }],
    ["shrinks a new one that is too large", next(), [old(0, 0), current(5, 5)], { new: 3 }],
  ])("%s", (_, deployment, sets, expected) => {
    expect(sizes(plan(deployment, sets))).toEqual(expected);
  });

  it("spreads a scaling over both ReplicaSets by size, when a rollout is under way", () => {
    const deployment = aDeployment(
      { replicas: 15, template: template("app:2"), ...limits(3, 2) },
      { status: { replicas: 13 } },
    );
    const sets = [old(8, 8, 10, 13), current(5, 0, 10, 13)];
    expect(sizes(plan(deployment, sets))).toEqual({ old: 11, new: 7 });
  });

  it("scales the only active ReplicaSet and its annotations, when the wanted number changed", () => {
    const [update] = plan(aDeployment({ replicas: 5 }), [old(3, 3)]).updates;
    expect(update).toMatchObject({ spec: { replicas: 5 }, metadata: { annotations: sized(1, 5) } });
  });

  it("scales the new one alone to the wanted number, when it is all there, and the others to none", () => {
    const sets = [old(2, 2, 5), current(3, 3)];
    expect(sizes(plan(next(), sets))).toEqual({ old: 0 });
    // Neither where it was last scaled for another number, nor where pods are missing.
    expect(sizes(plan(next(), [old(2, 2, 5), current(3, 3, 5)]))).not.toEqual({ old: 0 });
    expect(sizes(plan(next(), [old(2, 2, 5), current(3, 2)]))).not.toEqual({ old: 0 });
  });

  it("leaves two active ReplicaSets as they are while it scales, when one has to end before the other begins", () => {
    const recreate = next({ strategy: { type: "Recreate" }, replicas: 6 });
    expect(sizes(plan(recreate, [old(2, 2), current(1, 1)]))).toEqual({});
  });

  it("scales what is there of the template, or else the newest, when none is active", () => {
    const paused = next({ paused: true });
    expect(sizes(plan(paused, [old(0, 0), current(0, 0)]))).toEqual({ new: 3 });
    const older = { ...old(0, 0), metadata: { ...old(0, 0).metadata, name: "older", creationTimestamp: at(-9) } };
    expect(sizes(plan(paused, [old(0, 0), older]))).toEqual({ old: 3 });
    // Of one second the last by name.
    const other = { ...old(0, 0), metadata: { ...old(0, 0).metadata, name: "other" } };
    expect(sizes(plan(paused, [other, old(0, 0)]))).toEqual({ other: 3 });
    expect(sizes(plan(paused, [old(0, 0), other]))).toEqual({ other: 3 });
  });

  it("does not take an annotation that is no number for another wanted number", () => {
    const annotated = (desired: string): ReplicaSet => ({
      ...old(2, 2),
      metadata: { ...old(2, 2).metadata, annotations: { "deployment.kubernetes.io/desired-replicas": desired } },
    });
    expect(plan(next(), [annotated("many")]).create).toBeDefined();
    expect(plan(next(), [annotated("2")]).create).toBeUndefined();
  });

  it("has its ReplicaSet wait as long as it says until pods count as available", () => {
    expect(plan(aDeployment({ minReadySeconds: 9 }), []).create?.spec.minReadySeconds).toBe(9);
    const [update] = plan(aDeployment({ minReadySeconds: 9 }), [old(3, 3)]).updates;
    expect(update?.spec.minReadySeconds).toBe(9);
    const [back] = plan(aDeployment(), [{ ...old(3, 3), spec: { ...old(3, 3).spec, minReadySeconds: 9 } }]).updates;
    expect(back?.spec).not.toHaveProperty("minReadySeconds");
  });

  it("creates nothing and moves nothing but the scale, when paused", () => {
    const result = plan(next({ paused: true, replicas: 4 }), [old(3, 3)]);
    expect(result.create).toBeUndefined();
    expect(sizes(result)).toEqual({ old: 4 });
    expect(findCondition(result.status.conditions, "Progressing")).toMatchObject({
      status: "Unknown",
      reason: "DeploymentPaused",
      message: "Deployment is paused",
    });
  });

  it("says that it is resumed, when it was paused", () => {
    const paused = plan(aDeployment({ paused: true }), [old(3, 1)]).status;
    const { status } = plan(aDeployment({}, { status: paused }), [old(3, 1)]);
    expect(findCondition(status.conditions, "Progressing")).toMatchObject({
      status: "Unknown",
      reason: "DeploymentResumed",
    });
  });

  it("gives an old ReplicaSet a new revision and a history, when rolled back to", () => {
    const { updates, revision: own } = plan(aDeployment(), [old(0, 0), current(3, 3)]);
    expect(own).toBe("3");
    expect(updates.find(({ metadata }) => metadata.name === "old")).toMatchObject({
      metadata: {
        annotations: { ...revision(3), "deployment.kubernetes.io/revision-history": "1" },
      },
      spec: { replicas: 1 },
    });
  });

  it("goes on from an adopted revision of more digits than a double holds", () => {
    const adopted = { ...old(3, 3), metadata: { ...old(3, 3).metadata, annotations: revision(3546343826724305832n) } };
    const { create, revision: own } = plan(next({}), [adopted]);
    expect(own).toBe("3546343826724305833");
    expect(create?.metadata.annotations).toMatchObject(revision(3546343826724305833n));
  });

  describe("with strategy Recreate", () => {
    const recreate = next({ strategy: { type: "Recreate" } });
    it("empties the old ReplicaSets first", () => {
      const result = plan(recreate, [old(3, 3)]);
      expect(sizes(result)).toEqual({ old: 0 });
      expect(result.create).toBeUndefined();
    });
    it("waits, when old pods still run", () => {
      expect(plan(recreate, [old(0, 0)], start, true).create).toBeUndefined();
      expect(plan(recreate, [old(0, 1)]).create).toBeUndefined();
    });
    it("creates all new ones at once, when the old are gone", () => {
      expect(plan(recreate, [old(0, 0)]).create?.spec.replicas).toBe(3);
    });
  });

  it("deletes empty old ReplicaSets of lowest revision, when there are more than the limit", () => {
    const empties = [4, 2, 3].map((number) =>
      aReplicaSet(
        `rev-${number}`,
        { replicas: 0, template: template(`app:${number}`) },
        { metadata: { annotations: revision(number) }, status: full(0) },
      ),
    );
    const done = { ...full(3), updatedReplicas: 3, observedGeneration: 1 };
    const deployment = aDeployment({ revisionHistoryLimit: 1 }, { status: done });
    const live = aReplicaSet("live", {}, { metadata: { annotations: sized(5, 3) }, status: full(3) });
    const doomed = (sets: readonly ReplicaSet[]) =>
      plan(deployment, [...sets, live]).deletes.map(({ metadata }) => metadata.name);
    expect(doomed(empties)).toEqual(["rev-2", "rev-3"]);
    const going = empties.map((set) =>
      set.metadata.name === "rev-4" ? { ...set, metadata: { ...set.metadata, deletionTimestamp: at(0) } } : set,
    );
    expect(doomed(going)).toEqual(["rev-2"]);
  });

  describe("conditions", () => {
    it("tell of success, when all pods are available", () => {
      const { status, requeueAfterMs } = plan(aDeployment(), [
        aReplicaSet("web-x", {}, { metadata: { annotations: sized(1, 3) }, status: full(3) }),
      ]);
      expect(status.conditions).toEqual([
        {
          type: "Available",
          status: "True",
          reason: "MinimumReplicasAvailable",
          message: "Deployment has minimum availability.",
          lastUpdateTime: at(0),
          lastTransitionTime: at(0),
        },
        {
          type: "Progressing",
          status: "True",
          reason: "NewReplicaSetAvailable",
          message: 'ReplicaSet "web-x" has successfully progressed.',
          lastUpdateTime: at(0),
          lastTransitionTime: at(0),
        },
      ]);
      // As by Kubernetes, none is not told.
      expect(status).toMatchObject({ replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 });
      expect(status).not.toHaveProperty("unavailableReplicas");
      expect(requeueAfterMs).toBeUndefined();
    });

    it("tell of progress and later of its end, when the deadline passes", () => {
      const set = (available: number) =>
        aReplicaSet(
          "web-x",
          {},
          { metadata: { annotations: sized(1, 3) }, status: { ...full(available), replicas: 3 } },
        );
      const first = plan(aDeployment(), [set(1)]);
      expect(findCondition(first.status.conditions, "Progressing")).toMatchObject({
        reason: "ReplicaSetUpdated",
        message: 'ReplicaSet "web-x" is progressing.',
      });
      expect(first.requeueAfterMs).toBe(601_000);
      const late = plan(aDeployment({}, { status: first.status }), [set(1)], start + 601_000);
      expect(findCondition(late.status.conditions, "Progressing")).toMatchObject({
        status: "False",
        reason: "ProgressDeadlineExceeded",
        message: 'ReplicaSet "web-x" has timed out progressing.',
      });
      expect(late.requeueAfterMs).toBeUndefined();
    });

    it.each<[string, Deployment["status"], ReplicaSet["status"]]>([
      ["more updated pods", { replicas: 2, updatedReplicas: 2 }, { replicas: 3 }],
      ["fewer old pods", { replicas: 3, updatedReplicas: 1 }, { replicas: 1 }],
      ["more ready pods", { replicas: 3, updatedReplicas: 3, readyReplicas: 1 }, { replicas: 3, readyReplicas: 2 }],
      [
        "more available pods",
        { replicas: 3, updatedReplicas: 3, availableReplicas: 1 },
        { replicas: 3, availableReplicas: 2 },
      ],
    ])("tell of progress by %s, and begin the deadline anew", (_, before, after) => {
      const progressing = {
        type: "Progressing",
        status: "True",
        reason: "ReplicaSetUpdated",
        lastUpdateTime: at(0),
        lastTransitionTime: at(0),
      } as const;
      const set = aReplicaSet(
        "web-x",
        {},
        { metadata: { annotations: sized(1, 3) }, status: { replicas: 0, ...after } },
      );
      const updatedAt = (status: Deployment["status"]) => {
        const deployment = aDeployment({}, { status: { ...status, conditions: [progressing] } });
        const { conditions } = plan(deployment, [set], start + 60_000).status;
        return findCondition(conditions, "Progressing")?.lastUpdateTime;
      };
      expect(updatedAt(before)).toBe(at(60_000));
      expect(updatedAt({ ...before, ...after, updatedReplicas: after?.replicas ?? 0 })).toBe(at(0));
    });

    it("say nothing of progress, where it may take as long as it likes", () => {
      const set = aReplicaSet("web-x", {}, { metadata: { annotations: sized(1, 3) }, status: full(1) });
      const { status } = plan(aDeployment(), [set]);
      const later = plan(aDeployment({ progressDeadlineSeconds: 0x7fffffff }, { status }), [set]);
      expect(later.status.conditions?.map(({ type }) => type)).toEqual(["Available"]);
      expect(later.requeueAfterMs).toBeUndefined();
    });

    it("pass on why pods could not be created", () => {
      const failure = {
        type: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        message: "no",
        lastTransitionTime: at(0),
      } as const;
      const set = aReplicaSet(
        "web-x",
        {},
        { metadata: { annotations: sized(1, 3) }, status: { ...full(0), conditions: [failure] } },
      );
      expect(findCondition(plan(aDeployment(), [set]).status.conditions, "ReplicaFailure")).toMatchObject(failure);
    });
  });

  it("never has more than the surge or less than the minimum, whatever the pods do, and comes to an end", () => {
    const cases = fc.record({
      replicas: fc.integer({ min: 0, max: 12 }),
      maxSurge: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("0%", "25%", "100%")),
      maxUnavailable: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("0%", "25%", "100%")),
      steps: fc.array(fc.nat({ max: 5 }), { minLength: 10, maxLength: 60 }),
    });
    fc.assert(
      fc.property(cases, ({ replicas, maxSurge, maxUnavailable, steps }) => {
        const world = new World(replicas, limits(maxSurge, maxUnavailable));
        const { surge, missing } = world.limits;
        for (const step of steps) {
          world.step(step);
          expect(world.pods).toBeLessThanOrEqual(replicas + surge);
          expect(world.available).toBeGreaterThanOrEqual(replicas - missing);
        }
        for (let round = 0; round < 100; round++) for (const step of [0, 1, 2]) world.step(step);
        expect(world.available).toBe(replicas);
        expect(world.oldPods).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

/** ReplicaSets whose pods appear, become available and are reported late, in any order. */
class World {
  readonly #deployment: Deployment;
  readonly #wanted: number;
  #sets: ReplicaSet[];
  /** Actual pods by ReplicaSet: which of them are available. */
  readonly #pods = new Map<string, boolean[]>();

  constructor(replicas: number, strategy: Partial<Deployment["spec"]>) {
    this.#wanted = replicas;
    this.#deployment = aDeployment({ replicas, template: template("app:2"), ...strategy });
    const status = full(replicas);
    this.#sets = [aReplicaSet("old", { replicas }, { metadata: { annotations: sized(1, replicas) }, status })];
    this.#pods.set(
      "old",
      Array.from({ length: replicas }, () => true),
    );
  }

  get limits() {
    const { maxSurge = 0, maxUnavailable = 0 } = this.#deployment.spec.strategy?.rollingUpdate ?? {};
    const count = (value: number | string, round: (value: number) => number) =>
      typeof value === "number" ? value : round((Number.parseInt(value, 10) * this.#wanted) / 100);
    const surge = count(maxSurge, Math.ceil);
    const unavailable = count(maxUnavailable, Math.floor);
    return { surge, missing: surge === 0 && unavailable === 0 ? 1 : unavailable };
  }

  get pods(): number {
    return [...this.#pods.values()].flat().length;
  }

  get oldPods(): number {
    return this.#pods.get("old")?.length ?? 0;
  }

  get available(): number {
    return [...this.#pods.values()].flat().filter(Boolean).length;
  }

  step(kind: number): void {
    if (kind === 0) this.#reconcile();
    else if (kind === 1) this.#replicate();
    else if (kind === 2) this.#report();
    else if (kind === 3) this.#becomeAvailable();
    // One alone: what is to happen to the pods of the other is held up.
    else this.#replicate(this.#sets.slice(kind - 4, kind - 3));
    if (kind === 2) this.#becomeAvailable();
  }

  #reconcile(): void {
    const { create, updates } = plan(this.#deployment, this.#sets);
    this.#sets = this.#sets.map((set) => updates.find(({ metadata }) => metadata.name === set.metadata.name) ?? set);
    if (create) this.#sets.push(create);
  }

  /** What the ReplicaSet controller does: unavailable pods go first. */
  #replicate(sets = this.#sets): void {
    for (const { metadata, spec } of sets) {
      const pods = (this.#pods.get(metadata.name ?? "") ?? []).toSorted((a, b) => Number(b) - Number(a));
      const wanted = spec.replicas ?? 0;
      while (pods.length < wanted) pods.push(false);
      this.#pods.set(metadata.name ?? "", pods.slice(0, wanted));
    }
  }

  #becomeAvailable(): void {
    for (const pods of this.#pods.values()) pods.fill(true);
  }

  #report(): void {
    this.#sets = this.#sets.map((set) => {
      const pods = this.#pods.get(set.metadata.name ?? "") ?? [];
      const available = pods.filter(Boolean).length;
      return { ...set, status: { ...full(available), replicas: pods.length } };
    });
  }
}

describe("planRollback()", () => {
  const rollbackTo = "deprecated.deployment.rollback.to";
  const present = aReplicaSet("new", { template: template("app:2") }, { metadata: { annotations: revision(7) } });
  const before = aReplicaSet("old", {}, { metadata: { annotations: { ...revision(5), cause: "first" } } });
  const asked = (text: string, spec: Partial<Deployment["spec"]> = {}) =>
    aDeployment(
      { template: template("app:2"), ...spec },
      { metadata: { annotations: { [rollbackTo]: text, ...revision(7), cause: "second" } } },
    );
  const notFound = "DeploymentRollbackRevisionNotFound";

  it.each(["5", "0"])("goes back to the template and the annotations of revision %s", (text) => {
    const labelled = { ...template(), metadata: { labels: { app: "web", "pod-template-hash": "abc" } } };
    const set = { ...before, spec: { ...before.spec, template: labelled } };
    const done = planRollback(asked(text), [present, set]);
    expect(done?.deployment.spec.template).toEqual(template());
    expect(done?.deployment.metadata.annotations).toEqual({ ...revision(7), cause: "first" });
    expect(done?.event).toEqual({
      type: "Normal",
      reason: "DeploymentRollback",
      message: 'Rolled back deployment "web" to revision 5',
    });
  });

  it.each<[string, string, readonly ReplicaSet[], string, string]>([
    ["a revision that is not there", "3", [present, before], notFound, "Unable to find the revision to rollback to."],
    ["the last where there is only this one", "0", [present], notFound, "Unable to find last revision."],
    [
      "this very one",
      "7",
      [present, before],
      "DeploymentRollbackTemplateUnchanged",
      'The rollback revision contains the same template as current deployment "web"',
    ],
  ])("only forgets that it was asked for: %s", (_, text, sets, reason, message) => {
    const done = planRollback(asked(text), sets);
    expect(done?.event).toEqual({ type: "Warning", reason, message });
    expect(done?.deployment).toEqual({
      ...asked(text),
      metadata: { ...asked(text).metadata, annotations: { ...revision(7), cause: "second" } },
    });
  });

  it("takes for the last the one before the newest, in whatever order they are found", () => {
    const [one, two] = [2, 4].map((number) =>
      aReplicaSet(
        `rev-${number}`,
        { template: template(`app:${number}0`) },
        { metadata: { annotations: revision(number) } },
      ),
    );
    const sets = [one, present, two].flatMap((set) => set ?? []);
    for (const order of [sets, sets.toReversed()])
      expect(planRollback(asked("0"), order)?.event.message).toBe('Rolled back deployment "web" to revision 4');
  });

  it("takes the newest that is written for the last, while the present template has no ReplicaSet yet", () => {
    const next = asked("0", { template: template("app:3") });
    expect(planRollback(next, [present, before])?.event.message).toContain("to revision 7");
  });

  it.each<[string, Deployment]>([
    ["nobody asked", aDeployment()],
    ["what was asked is no number", asked("five")],
    ["it is paused", asked("5", { paused: true })],
    ["it is going", { ...asked("5"), metadata: { ...asked("5").metadata, deletionTimestamp: at(0) } }],
  ])("does nothing when %s", (_, deployment) => {
    expect(planRollback(deployment, [present, before])).toBeUndefined();
  });
});
