import { findCondition } from "../../core/api/meta.ts";
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../core/kinds/mod.ts";
import { sameTemplate } from "../../core/kinds/same_template.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { newReplicaSet, withMinReady, withRevision, withSize } from "./_deployment_sets.ts";
import {
  deploymentCondition,
  deploymentStatus,
  hasProgressDeadline,
  isComplete,
  rolloutStatus,
  withCondition,
} from "./_deployment_status.ts";
import {
  byAge,
  desiredReplicasAnnotation,
  newSetReplicas,
  numberAnnotation,
  revisionAnnotation,
  revisionOf,
  scaleProportionally,
  shrinkOldSets,
  wantedReplicas,
} from "./_rollout.ts";

/** What is known about a Deployment. */
export interface ObservedDeployment {
  readonly deployment: Deployment;
  /** The ReplicaSets that it controls. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Whether a pod that is not of the present template still runs. */
  readonly oldPodsRun: (current: ReplicaSet | undefined) => boolean;
  readonly nowMs: number;
}

/** What to change for a Deployment to come one step further. */
export interface DeploymentPlan {
  /** The ReplicaSet of a template that is new. */
  readonly create: ReplicaSet | undefined;
  readonly updates: readonly ReplicaSet[];
  readonly deletes: readonly ReplicaSet[];
  /** The revision that the Deployment itself is to carry; undefined: as it is. */
  readonly revision: string | undefined;
  readonly status: DeploymentStatus;
  readonly requeueAfterMs: number | undefined;
}

/**
 * What to change so that the ReplicaSets come one step closer to the Deployment. Pure: same arguments, same plan.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/deployment_controller.go syncDeployment
 */
export function planDeployment(observed: ObservedDeployment): DeploymentPlan {
  const draft = new Draft(observed);
  const { deployment } = observed;
  if (deployment.metadata.deletionTimestamp) return draft.finishWithoutProgress();
  draft.notePause();
  draft.syncRevision();
  if (deployment.spec.paused || draft.isScaling()) {
    draft.scale();
    if (deployment.spec.paused) draft.cleanUp();
    return draft.finishWithoutProgress();
  }
  const moved = deployment.spec.strategy?.type === "Recreate" ? draft.recreate() : draft.roll();
  if (!moved && isComplete(deployment, deployment.status ?? {})) draft.cleanUp();
  return draft.finish();
}

/** The ReplicaSets as they would be, while a plan is being made. */
class Draft {
  readonly #observed: ObservedDeployment;
  readonly #deployment: Deployment;
  readonly #sets: Map<string, ReplicaSet>;
  readonly #currentName: string | undefined;
  #created: ReplicaSet | undefined;
  readonly #deletes: ReplicaSet[] = [];
  #conditions: readonly DeploymentCondition[];
  #revision: string | undefined;

  constructor(observed: ObservedDeployment) {
    this.#observed = observed;
    this.#deployment = observed.deployment;
    const sorted = [...observed.replicaSets].sort(byAge);
    this.#sets = new Map(sorted.map((set) => [set.metadata.name ?? "", set]));
    this.#currentName = sorted.find((set) =>
      sameTemplate(set.spec.template, this.#deployment.spec.template),
    )?.metadata.name;
    this.#conditions = observed.deployment.status?.conditions ?? [];
  }

  get #current(): ReplicaSet | undefined {
    return this.#created ?? (this.#currentName === undefined ? undefined : this.#sets.get(this.#currentName));
  }

  /** Every ReplicaSet but the current one, oldest first. */
  get #old(): readonly ReplicaSet[] {
    return [...this.#sets.values()].filter((set) => set.metadata.name !== this.#currentName);
  }

  get #activeOld(): readonly ReplicaSet[] {
    return this.#old.filter((set) => wantedReplicas(set) > 0);
  }

  get #all(): readonly ReplicaSet[] {
    return this.#created ? [...this.#sets.values(), this.#created] : [...this.#sets.values()];
  }

  #setCondition(status: DeploymentCondition["status"], reason: string, message: string): void {
    if (!hasProgressDeadline(this.#deployment)) return;
    const next = deploymentCondition("Progressing", status, reason, message, this.#observed.nowMs);
    this.#conditions = withCondition(this.#conditions, next);
  }

  notePause(): void {
    const reason = findCondition(this.#conditions, "Progressing")?.reason;
    if (reason === "ProgressDeadlineExceeded") return;
    if (this.#deployment.spec.paused && reason !== "DeploymentPaused") {
      this.#setCondition("Unknown", "DeploymentPaused", "Deployment is paused");
    } else if (!this.#deployment.spec.paused && reason === "DeploymentPaused") {
      this.#setCondition("Unknown", "DeploymentResumed", "Deployment is resumed");
    }
  }

  /** Brings number, annotations and minReadySeconds of the current ReplicaSet up to date, when it exists. */
  syncRevision(): void {
    const current = this.#current;
    if (!current) return;
    const revision = this.#nextRevision();
    const next = {
      ...current,
      metadata: { ...current.metadata, annotations: withRevision(this.#deployment, current, revision) },
      spec: withMinReady(current.spec, this.#deployment.spec.minReadySeconds),
    };
    if (!semanticEqual(next, current)) this.#put(next);
    this.#revision = next.metadata.annotations[revisionAnnotation];
    if (!findCondition(this.#conditions, "Progressing")) {
      this.#setCondition("True", "FoundNewReplicaSet", `Found new replica set "${current.metadata.name}"`);
    }
  }

  #nextRevision(): bigint {
    let highest = 0n;
    for (const set of this.#old) if (revisionOf(set) > highest) highest = revisionOf(set);
    return highest + 1n;
  }

  #create(): void {
    const revision = this.#nextRevision();
    const blank = newReplicaSet(this.#deployment, revision);
    const replicas = newSetReplicas(this.#deployment, [...this.#sets.values(), blank], 0);
    this.#created = { ...blank, spec: { ...blank.spec, replicas } };
    this.#revision = String(revision);
    this.#setCondition("True", "NewReplicaSetCreated", `Created new replica set "${blank.metadata.name}"`);
  }

  #put(set: ReplicaSet): void {
    if (this.#created?.metadata.name === set.metadata.name) this.#created = set;
    else this.#sets.set(set.metadata.name ?? "", set);
  }

  #resize(set: ReplicaSet, replicas: number): void {
    this.#put({
      ...set,
      metadata: { ...set.metadata, annotations: withSize(this.#deployment, set.metadata.annotations) },
      spec: { ...set.spec, replicas },
    });
  }

  /** Whether the wanted number changed since the ReplicaSets were last scaled. */
  isScaling(): boolean {
    const wanted = wantedReplicas(this.#deployment);
    return this.#all.some((set) => {
      const desired = numberAnnotation(set, desiredReplicasAnnotation);
      return wantedReplicas(set) > 0 && desired !== undefined && desired !== wanted;
    });
  }

  /** Fits the sizes to the wanted number without moving pods from one template to another. */
  scale(): void {
    const wanted = wantedReplicas(this.#deployment);
    const single = this.#activeOrLatest();
    if (single) {
      const desired = numberAnnotation(single, desiredReplicasAnnotation);
      if (wantedReplicas(single) !== wanted || desired !== wanted) this.#resize(single, wanted);
      return;
    }
    if (this.#isSaturated()) {
      for (const set of this.#activeOld) this.#resize(set, 0);
      return;
    }
    if (this.#deployment.spec.strategy?.type === "Recreate") return;
    const active = this.#all.filter((set) => wantedReplicas(set) > 0);
    for (const { set, to } of scaleProportionally(this.#deployment, active)) this.#resize(set, to);
  }

  /** The only active ReplicaSet, or the newest when none is; undefined when several are. */
  #activeOrLatest(): ReplicaSet | undefined {
    const active = this.#all.filter((set) => wantedReplicas(set) > 0);
    if (active.length > 1) return undefined;
    return active[0] ?? this.#current ?? this.#old.at(-1);
  }

  #isSaturated(): boolean {
    const current = this.#current;
    if (!current) return false;
    const wanted = wantedReplicas(this.#deployment);
    return (
      wantedReplicas(current) === wanted &&
      numberAnnotation(current, desiredReplicasAnnotation) === wanted &&
      (current.status?.availableReplicas ?? 0) === wanted
    );
  }

  /** Recreate: all old pods end before the first new one begins. Returns whether a size changed. */
  recreate(): boolean {
    const active = this.#activeOld;
    for (const set of active) this.#resize(set, 0);
    if (active.length > 0) return true;
    if (this.#old.some((set) => (set.status?.replicas ?? 0) > 0)) return true;
    if (this.#observed.oldPodsRun(this.#current)) return true;
    return this.#growCurrent();
  }

  /** Rolling update: one step up, or else one step down. Returns whether a size changed. */
  roll(): boolean {
    if (this.#growCurrent()) return true;
    const current = this.#current;
    if (!current) return false;
    const resizes = shrinkOldSets(this.#deployment, current, this.#activeOld);
    for (const { set, to } of resizes) this.#resize(set, to);
    return resizes.length > 0;
  }

  #growCurrent(): boolean {
    const exists = this.#current !== undefined;
    if (!exists) this.#create();
    const current = this.#current;
    if (!current) return false;
    const size = wantedReplicas(current);
    const wanted = wantedReplicas(this.#deployment);
    const next = size > wanted ? wanted : newSetReplicas(this.#deployment, this.#all, size);
    if (next === size) return !exists && size > 0;
    this.#resize(current, next);
    return true;
  }

  /** Deletes empty old ReplicaSets beyond the history limit, lowest revision first. */
  cleanUp(): void {
    const limit = this.#deployment.spec.revisionHistoryLimit ?? 0x7fffffff;
    const candidates = this.#old.filter((set) => !set.metadata.deletionTimestamp);
    const byRevision = (a: ReplicaSet, b: ReplicaSet) => Number(revisionOf(a) - revisionOf(b)) || byAge(a, b);
    for (const set of [...candidates].sort(byRevision).slice(0, Math.max(0, candidates.length - limit))) {
      const { replicas = 0, observedGeneration = 0 } = set.status ?? {};
      if (replicas !== 0 || wantedReplicas(set) !== 0 || (set.metadata.generation ?? 0) > observedGeneration) continue;
      this.#deletes.push(set);
    }
  }

  get #statusInput() {
    const { nowMs } = this.#observed;
    return { all: this.#all, current: this.#current, conditions: this.#conditions, nowMs };
  }

  finish(): DeploymentPlan {
    return this.#plan(rolloutStatus(this.#deployment, this.#statusInput));
  }

  finishWithoutProgress(): DeploymentPlan {
    const status = deploymentStatus(this.#deployment, this.#statusInput);
    return this.#plan({ status, requeueAfterMs: undefined });
  }

  #plan(result: Pick<DeploymentPlan, "status" | "requeueAfterMs">): DeploymentPlan {
    const doomed = new Set(this.#deletes.map((set) => set.metadata.name));
    const updates = this.#observed.replicaSets.flatMap((before) => {
      const after = this.#sets.get(before.metadata.name ?? "");
      return after && after !== before && !doomed.has(before.metadata.name) ? [after] : [];
    });
    const carried = this.#deployment.metadata.annotations?.[revisionAnnotation];
    const revision = this.#revision === carried ? undefined : this.#revision;
    return { create: this.#created, updates, deletes: this.#deletes, revision, ...result };
  }
}
