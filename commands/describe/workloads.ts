import type { LabelSelector } from "../../core/api/labels.ts";
import { formatLabelSelector, selectorFromObject } from "../../core/api/labels.ts";
import { controllerOf, type KubeObject } from "../../core/api/meta.ts";
import { canonicalQuantity } from "../../core/api/quantity.ts";
import type { DaemonSet } from "../../core/kinds/daemon_set.ts";
import type { Deployment } from "../../core/kinds/deployment.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import { pod } from "../../core/kinds/pod.ts";
import { type ReplicaSet, replicaSet } from "../../core/kinds/replica_set.ts";
import type { ReplicationController } from "../../core/kinds/replication_controller.ts";
import { sameTemplate } from "../../core/kinds/same_template.ts";
import type { StatefulSet } from "../../core/kinds/stateful_set.ts";
import { labelsText } from "../output/table.ts";
import {
  controlledBy,
  type DescribeContext,
  type Describer,
  labelLines,
  metadataLines,
  multiline,
  sortedEntries,
  timeText,
} from "./common.ts";
import { describeEvents } from "./events.ts";
import type { Page } from "./page.ts";
import { templateLines } from "./pod.ts";

interface WithConditions {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
}

function conditionLines(page: Page, { conditions = [] }: WithConditions): void {
  if (conditions.length === 0) return;
  page.line(0, "Conditions:\n  Type\tStatus\tReason");
  page.line(1, "----\t------\t------");
  for (const { type, status, reason = "" } of conditions) page.line(1, `${type} \t${status}\t${reason}`);
}

/** How many pods of a controller are in which phase: `1 Running / 0 Waiting / 0 Succeeded / 0 Failed`. */
async function podsStatus(
  object: KubeObject,
  selector: LabelSelector | undefined,
  { client, signal, chunkSize }: DescribeContext,
): Promise<string> {
  const counts = { Running: 0, Pending: 0, Succeeded: 0, Failed: 0 };
  let next: string | undefined;
  do {
    const list = await client.list(pod, {
      namespace: object.metadata.namespace,
      labelSelector: selectorFromObject(selector).toString(),
      limit: chunkSize || undefined,
      continue: next,
      signal,
    });
    for (const one of list.items) {
      const phase = one.status?.phase;
      if (controllerOf(one)?.uid === object.metadata.uid && phase && phase !== "Unknown") counts[phase]++;
    }
    next = list.metadata.continue || undefined;
  } while (next);
  return `${counts.Running} Running / ${counts.Pending} Waiting / ${counts.Succeeded} Succeeded / ${counts.Failed} Failed`;
}

/** A deployment with its replica sets. */
export const describeDeployment: Describer = async (object, page, context) => {
  const { metadata, spec, status = {} } = object as Deployment;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Namespace:\t${metadata.namespace}`);
  page.line(0, `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`);
  metadataLines(page, object);
  page.line(0, `Selector:\t${selectorFromObject(spec.selector).toString()}`);
  page.line(
    0,
    `Replicas:\t${spec.replicas ?? 1} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable`,
  );
  page.line(0, `StrategyType:\t${spec.strategy?.type ?? ""}`);
  page.line(0, `MinReadySeconds:\t${spec.minReadySeconds ?? 0}`);
  const { rollingUpdate } = spec.strategy ?? {};
  if (rollingUpdate) {
    page.line(
      0,
      `RollingUpdateStrategy:\t${rollingUpdate.maxUnavailable} max unavailable, ${rollingUpdate.maxSurge} max surge`,
    );
  }
  templateLines(page, spec.template);
  conditionLines(page, status);
  const { items } = await context.client.list(replicaSet, {
    namespace: metadata.namespace,
    labelSelector: selectorFromObject(spec.selector).toString(),
    signal: context.signal,
  });
  const owned = items.filter((one) => controllerOf(one)?.uid === metadata.uid);
  const newest = [...owned].sort(byAge).find((one) => sameTemplate(one.spec.template, spec.template));
  const older = owned.filter((one) => one !== newest);
  const oldSets = older.length > 0 ? older : [];
  if (oldSets.length > 0 || newest) {
    page.line(0, `OldReplicaSets:\t${replicaSetsText(oldSets)}`);
    page.line(0, `NewReplicaSet:\t${replicaSetsText(newest ? [newest] : [])}`);
  }
  await describeEvents(page, object, context);
};

function byAge(a: KubeObject, b: KubeObject): number {
  return (a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1;
}

function replicaSetsText(sets: readonly ReplicaSet[]): string {
  const texts = sets.map(
    ({ metadata, spec, status }) =>
      `${metadata.name} (${status?.replicas ?? 0}/${spec.replicas ?? 1} replicas created)`,
  );
  return texts.join(", ") || "<none>";
}

/** A replica set. */
export const describeReplicaSet: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as ReplicaSet;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Namespace:\t${metadata.namespace}`);
  page.line(0, `Selector:\t${formatLabelSelector(spec.selector)}`);
  metadataLines(page, object);
  controlledBy(page, object);
  page.line(0, `Replicas:\t${status?.replicas ?? 0} current / ${spec.replicas ?? 1} desired`);
  page.line(0, `Pods Status:\t${await podsStatus(object, spec.selector, context)}`);
  templateLines(page, spec.template);
  conditionLines(page, status ?? {});
  await describeEvents(page, object, context);
};

/** A replication controller. */
export const describeReplicationController: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as ReplicationController;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Namespace:\t${metadata.namespace}`);
  page.line(0, `Selector:\t${labelsText(spec?.selector)}`);
  metadataLines(page, object);
  page.line(0, `Replicas:\t${status?.replicas ?? 0} current / ${spec?.replicas ?? 1} desired`);
  const selector = { matchLabels: spec?.selector ?? {} };
  page.line(0, `Pods Status:\t${await podsStatus(object, selector, context)}`);
  templateLines(page, spec?.template);
  conditionLines(page, status ?? {});
  await describeEvents(page, object, context);
};

/** A daemon set. */
export const describeDaemonSet: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as DaemonSet;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Namespace:\t${metadata.namespace}`);
  page.line(0, `Selector:\t${selectorFromObject(spec.selector).toString()}`);
  page.line(0, `Node-Selector:\t${labelsText(spec.template?.spec?.nodeSelector)}`);
  metadataLines(page, object);
  page.line(0, `Desired Number of Nodes Scheduled: ${status?.desiredNumberScheduled ?? 0}`);
  page.line(0, `Current Number of Nodes Scheduled: ${status?.currentNumberScheduled ?? 0}`);
  page.line(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status?.updatedNumberScheduled ?? 0}`);
  page.line(0, `Number of Nodes Scheduled with Available Pods: ${status?.numberAvailable ?? 0}`);
  page.line(0, `Number of Nodes Misscheduled: ${status?.numberMisscheduled ?? 0}`);
  page.line(0, `Pods Status:\t${await podsStatus(object, spec.selector, context)}`);
  templateLines(page, spec.template);
  await describeEvents(page, object, context);
};

/** A stateful set with its volume claims. */
export const describeStatefulSet: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as StatefulSet;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Namespace:\t${metadata.namespace}`);
  page.line(0, `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`);
  page.line(0, `Selector:\t${selectorFromObject(spec.selector).toString()}`);
  metadataLines(page, object);
  page.line(0, `Replicas:\t${spec.replicas ?? 1} desired | ${status?.replicas ?? 0} total`);
  page.line(0, `Update Strategy:\t${spec.updateStrategy?.type ?? ""}`);
  const { rollingUpdate } = spec.updateStrategy ?? {};
  if (rollingUpdate?.partition !== undefined) {
    page.line(1, `Partition:\t${rollingUpdate.partition}`);
    if (rollingUpdate.maxUnavailable !== undefined) page.line(1, `MaxUnavailable:\t${rollingUpdate.maxUnavailable}`);
  }
  page.line(0, `Pods Status:\t${await podsStatus(object, spec.selector, context)}`);
  templateLines(page, spec.template);
  claimTemplates(page, (spec.volumeClaimTemplates ?? []) as readonly PersistentVolumeClaim[]);
  await describeEvents(page, object, context);
};

function claimTemplates(page: Page, claims: readonly PersistentVolumeClaim[]): void {
  page.line(0, claims.length === 0 ? "Volume Claims:\t<none>" : "Volume Claims:");
  for (const { metadata, spec } of claims) {
    page.line(1, `Name:\t${metadata.name}`);
    page.line(1, `StorageClass:\t${spec.storageClassName ?? ""}`);
    labelLines(page, "Labels", metadata.labels, "  ");
    multiline(
      page,
      "Annotations",
      sortedEntries(metadata.annotations).map(([key, value]) => `${key}=${value}`),
      "  ",
    );
    const size = spec.resources?.requests?.["storage"];
    page.line(1, `Capacity:\t${size === undefined ? "<default>" : canonicalQuantity(size)}`);
    page.line(1, `Access Modes:\t[${(spec.accessModes ?? []).join(" ")}]`);
  }
}
