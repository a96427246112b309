import type { KubeObject } from "../../core/api/meta.ts";
import { type DaemonSet, daemonSet } from "../../core/kinds/daemon_set.ts";
import { type Deployment, deployment } from "../../core/kinds/deployment.ts";
import { type RolloutProgress, rolloutProgress } from "../../core/kinds/deployment_rollout.ts";
import { type StatefulSet, statefulSet } from "../../core/kinds/stateful_set.ts";
import { UsageError } from "../verb.ts";

/**
 * How far the roll-out of a workload is. Pure.
 *
 * @param revision the revision that must be rolled out; 0: whichever it is
 * @throws Error when it cannot finish; UsageError for a kind that has no roll-outs
 * @see k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go
 */
export function progressOf(object: KubeObject, revision: number): RolloutProgress {
  const { apiVersion, kind } = object;
  if (apiVersion.startsWith("apps/")) {
    if (kind === deployment.kind) return rolloutProgress(object as Deployment, revision);
    if (kind === daemonSet.kind) return ofDaemonSet(object as DaemonSet);
    if (kind === statefulSet.kind) return ofStatefulSet(object as StatefulSet);
  }
  throw new UsageError(`no status viewer has been implemented for ${groupKind(object)}`);
}

/** Where the pods of a workload are, in a few words. Pure. */
export function podsText({ kind, metadata, spec, status = {} }: KubeObject & WorkloadCounts): string {
  const wanted = status.desiredNumberScheduled ?? spec?.replicas ?? 1;
  const updated = status.updatedNumberScheduled ?? status.updatedReplicas ?? 0;
  const ready = status.numberReady ?? status.readyReplicas ?? 0;
  return `${kind.toLowerCase()}/${metadata.name}: ${updated} of ${wanted} pods updated, ${ready} ready`;
}

interface WorkloadCounts {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly [Name in
      | "desiredNumberScheduled"
      | "updatedNumberScheduled"
      | "updatedReplicas"
      | "numberReady"
      | "readyReplicas"]?: number;
  };
}

/** Why a kind has no history: kubectl tells those it knows from others. */
export function noHistory(object: KubeObject, what: "history viewer" | "rollbacker"): UsageError {
  const name = groupKind(object);
  const [kind = "", group = ""] = name.split(/\.(.*)/s);
  if (knownKinds.has(name)) return new UsageError(`no ${what} has been implemented for "${name}"`);
  const retrieving = what === "rollbacker" ? what : "history";
  return new UsageError(
    `error retrieving ${retrieving} for "${name}", no visitor method exists for {${group} ${kind}}`,
  );
}

const knownKinds: ReadonlySet<string> = new Set([
  "Pod",
  "ReplicationController",
  "ReplicaSet.apps",
  "Job.batch",
  "CronJob.batch",
]);

/** `Deployment.apps`; a kind of the core group alone. */
export function groupKind({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">): string {
  return apiVersion.includes("/") ? `${kind}.${apiVersion.split("/", 1)[0]}` : kind;
}

const onlyRolling = "rollout status is only available for RollingUpdate strategy type";

function ofDaemonSet({ metadata: { name, generation = 0 }, spec, status }: DaemonSet): RolloutProgress {
  if (spec.updateStrategy?.type !== "RollingUpdate") throw new UsageError(onlyRolling);
  if (generation > (status?.observedGeneration ?? 0))
    return waiting("Waiting for daemon set spec update to be observed...");
  const { updatedNumberScheduled = 0, desiredNumberScheduled = 0, numberAvailable = 0 } = status ?? {};
  const unfinished = (rest: string) => waiting(`Waiting for daemon set "${name}" rollout to finish: ${rest}...`);
  if (updatedNumberScheduled < desiredNumberScheduled)
    return unfinished(`${updatedNumberScheduled} out of ${desiredNumberScheduled} new pods have been updated`);
  if (numberAvailable < desiredNumberScheduled)
    return unfinished(`${numberAvailable} of ${desiredNumberScheduled} updated pods are available`);
  return { done: true, message: `daemon set "${name}" successfully rolled out` };
}

function ofStatefulSet({ metadata: { generation = 0 }, spec, status }: StatefulSet): RolloutProgress {
  if (spec.updateStrategy?.type !== "RollingUpdate") throw new UsageError(onlyRolling);
  const { observedGeneration = 0, readyReplicas = 0, updatedReplicas = 0, currentReplicas = 0 } = status ?? {};
  const { replicas = 1 } = spec;
  if (observedGeneration === 0 || generation > observedGeneration)
    return waiting("Waiting for statefulset spec update to be observed...");
  if (readyReplicas < replicas) return waiting(`Waiting for ${replicas - readyReplicas} pods to be ready...`);
  const rolling = spec.updateStrategy.rollingUpdate;
  if (rolling) {
    const wanted = replicas - (rolling.partition ?? 0);
    if (rolling.partition !== undefined && updatedReplicas < wanted)
      return waiting(
        `Waiting for partitioned roll out to finish: ${updatedReplicas} out of ${wanted} new pods have been updated...`,
      );
    return { done: true, message: `partitioned roll out complete: ${updatedReplicas} new pods have been updated...` };
  }
  if (status?.updateRevision !== status?.currentRevision)
    return waiting(
      `waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${status?.updateRevision}...`,
    );
  return {
    done: true,
    message: `statefulset rolling update complete ${currentReplicas} pods at revision ${status?.currentRevision}...`,
  };
}

function waiting(message: string): RolloutProgress {
  return { done: false, message };
}
