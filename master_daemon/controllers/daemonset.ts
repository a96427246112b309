import { type KubeObject, keyOf, type ObjectKey } from "../../core/api/meta.ts";
import {
  type ControllerRevision,
  controllerRevision,
  type DaemonSet,
  daemonSet,
  type Node,
  node,
  type Pod,
  pod,
} from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { callsAtOnce, forEachLimited, slowStart } from "./_batches.ts";
import { claim, claimIndexes, keysOfMatchingOwners } from "./_claim.ts";
import { podHash } from "./_daemon_pods.ts";
import { isNamespaceTerminating, unlessGone } from "./_errors.ts";
import {
  deleteRevisions,
  duplicatesOf,
  ensureRevision,
  planRevision,
  revisionHashLabel,
  sortRevisions,
} from "./_history.ts";
import { type DaemonSetPlan, planDaemonSet } from "./_plan_daemon_set.ts";
import { createPod, deletePod } from "./_pod_control.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

/** Failed daemons are replaced after a second, later after up to 15 minutes. */
const failedBackoff = { baseMs: 1000, maxMs: 900_000 };

/** Keeps one pod on every node that fits. It remembers which daemons failed: make it anew for every run. */
export function daemonSetController(): Controller {
  const nodes = new NodesSeen();
  let backoff: Backoff | undefined;
  return {
    name: "daemonset-controller",
    account: "daemon-set-controller",
    reconciles: daemonSet,
    owns: [pod, controllerRevision],
    watches: [
      { kind: pod, indexes: claimIndexes, keys: keysOfAdopters },
      { kind: controllerRevision, indexes: claimIndexes, keys: keysOfAdopters },
      watching<Node>({
        kind: node,
        keys: (object, lister) =>
          nodes.isNews(object, lister(node).get(keyOf(object))) ? lister(daemonSet).list().map(keyOf) : [],
      }),
    ],
    async reconcile(key, context) {
      const observed = context.lister(daemonSet).get(key);
      // Of one that is being deleted, history and pods may be gone in any order: nothing true can be said about it.
      if (!observed || observed.metadata.deletionTimestamp) return undefined;
      backoff ??= new Backoff({ ...failedBackoff, clock: context.clock });
      return reconcile(observed, backoff, context);
    },
  };
}

function keysOfAdopters(object: KubeObject, lister: ControllerContext["lister"]): readonly ObjectKey[] {
  return keysOfMatchingOwners(object, lister(daemonSet));
}

/** Remembers of nodes what daemons depend on, so that heartbeats are no news. */
class NodesSeen {
  readonly #seen = new Map<string, string>();

  /** @param current the node as it is now; undefined when it is gone */
  isNews(object: Node, current: Node | undefined): boolean {
    const { name = "" } = object.metadata;
    if (!current) return this.#seen.delete(name);
    const { metadata, spec } = current;
    const now = JSON.stringify([metadata.labels, spec?.taints]);
    if (this.#seen.get(name) === now) return false;
    this.#seen.set(name, now);
    return true;
  }
}

async function reconcile(set: DaemonSet, backoff: Backoff, context: ControllerContext): Promise<ReconcileResult> {
  const { client, clock, lister, signal, event } = context;
  const { matchLabels, matchExpressions } = set.spec.selector;
  if (Object.keys(matchLabels ?? {}).length + (matchExpressions ?? []).length === 0) {
    const message = "This daemon set is selecting all pods. A non-empty selector is required.";
    event(set, { type: "Warning", reason: "SelectingAll", message });
    return undefined;
  }
  const pods = await claim(pod, set, daemonSet, context);
  const revisions = await claim(controllerRevision, set, daemonSet, context);
  const ensured = await ensureRevision(planRevision(set, revisions, { labelled: true }), set, context);
  if (ensured.type === "collision") {
    const collisionCount = (set.status?.collisionCount ?? 0) + 1;
    const counts = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
    await client.updateStatus(daemonSet, { ...set, status: { ...counts, ...set.status, collisionCount } }, { signal });
    return undefined;
  }
  const current = ensured.revision;
  const duplicates = duplicatesOf(current, set, revisions);
  if (duplicates.length > 0) {
    await merge(duplicates, { current, pods }, context);
    // What is left is looked at when the caches show it.
    return undefined;
  }
  const backoffKey = (name: string) => `${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${name}`;
  const plan = planDaemonSet({
    set,
    nodes: lister(node).list(),
    pods,
    hash: hashOf(current),
    backoffMs: (name) => backoff.remaining(backoffKey(name)),
    nowMs: clock.now(),
  });
  for (const { pod: one, node: name } of plan.ended) {
    tellOfEnded(set, one, name, context);
    if (one.status?.phase === "Failed") backoff.next(backoffKey(name));
  }
  const failure = await carryOut(set, plan, context);
  if (!semanticEqual(plan.status, set.status))
    await client.updateStatus(daemonSet, { ...set, status: plan.status }, { signal });
  if (failure) throw failure.reason;
  await deleteRevisions(surplus(set, pods, revisions, current), context);
  return { requeueAfterMs: plan.requeueAfterMs };
}

/** Gives the pods of duplicate revisions to the one that stays, and deletes the duplicates. */
async function merge(
  duplicates: readonly ControllerRevision[],
  { current, pods }: { readonly current: ControllerRevision; readonly pods: readonly Pod[] },
  context: ControllerContext,
): Promise<void> {
  const hashes = new Set(duplicates.map(hashOf));
  const body = { metadata: { labels: { [revisionHashLabel]: hashOf(current) } } };
  const orphans = pods.filter((one) => hashes.has(podHash(one) ?? "") && podHash(one) !== hashOf(current));
  await forEachLimited(orphans, callsAtOnce, async (one) => {
    await unlessGone(context.client.patch(pod, keyOf(one), { type: "merge", body }, { signal: context.signal }));
  });
  await deleteRevisions(duplicates, context);
}

/** Carries a plan out; gives back the first failure. */
async function carryOut(
  set: DaemonSet,
  { create, remove, ended }: DaemonSetPlan,
  context: ControllerContext,
): Promise<{ readonly reason: unknown } | undefined> {
  const created = await slowStart(create, (wanted) => createPod(set, wanted, context));
  const doomed = [...remove, ...ended.map(({ pod: one }) => one)];
  try {
    await forEachLimited(doomed, callsAtOnce, (one) => deletePod(set, one, context));
  } catch (reason) {
    return { reason };
  }
  const isFailure = created.error !== undefined && !isNamespaceTerminating(created.error);
  return isFailure ? { reason: created.error } : undefined;
}

function tellOfEnded(set: DaemonSet, { metadata, status }: Pod, nodeName: string, { event }: ControllerContext): void {
  const about = `daemon pod ${metadata.namespace}/${metadata.name} on node ${nodeName}`;
  if (status?.phase === "Failed") {
    event(set, { type: "Warning", reason: "FailedDaemonPod", message: `Found failed ${about}, will try to kill it` });
    return;
  }
  const message = `Found succeeded ${about}, will try to delete it`;
  event(set, { type: "Normal", reason: "SucceededDaemonPod", message });
}

/** What the pods of a revision are labelled with. */
function hashOf({ metadata }: ControllerRevision): string {
  return metadata.labels?.[revisionHashLabel] ?? metadata.name ?? "";
}

/** Old revisions beyond the history limit, lowest number first, but for those that pods still have. */
function surplus(
  { spec }: DaemonSet,
  pods: readonly Pod[],
  revisions: readonly ControllerRevision[],
  current: ControllerRevision,
): readonly ControllerRevision[] {
  const used = new Set(pods.map(podHash));
  const old = sortRevisions(revisions).filter(({ metadata }) => metadata.name !== current.metadata.name);
  const count = Math.max(0, old.length - (spec.revisionHistoryLimit ?? 10));
  return old.filter((one) => !used.has(hashOf(one))).slice(0, count);
}
