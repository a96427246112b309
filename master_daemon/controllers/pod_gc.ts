import { findCondition, keyOf, setCondition } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type Node, node, type Pod, pod } from "../../core/kinds/mod.ts";
import { observed } from "../../core/kinds/observed_generation.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { timestamp } from "../../core/util/clock.ts";
import { unlessGone } from "./_errors.ts";
import { byNode, podsByNode } from "./_pods_by_node.ts";
import { type Controller, type ControllerContext, watching } from "./controller.ts";

/** Options of {@linkcode podGcController}. */
export interface PodGcOptions {
  /** Ended pods that are kept; 0 or less keeps all. Default 12500. */
  readonly terminatedPodGcThreshold?: number | undefined;
}

/** Milliseconds for which a pod's node must be missing before the pod is forced out. */
const quarantineMs = 40_000;

const endedIndex = "pod.ended";
const indexes = {
  ...podsByNode,
  [endedIndex]: (object: Pod): readonly string[] => (isPodTerminal(object) ? [""] : []),
};

/**
 * Removes pods that nobody else will: of nodes that are gone, marked for deletion before they got a node, and ended ones
 * beyond a number.
 */
export function podGcController({ terminatedPodGcThreshold = 12_500 }: PodGcOptions = {}): Controller {
  /** Since when a node was seen to be missing, by its name, in monotonic milliseconds. */
  const missingSince = new Map<string, number>();
  return {
    name: "pod-garbage-collector",
    account: "pod-garbage-collector",
    reconciles: pod,
    watches: [
      watching({ kind: pod, indexes, keys: () => [] }),
      {
        kind: node,
        keys: ({ metadata: { name = "" } }, lister) => {
          const current = lister(node).get({ name });
          return current && !isOutOfService(current) ? [] : lister(pod).byIndex(byNode, name).map(keyOf);
        },
      },
    ],
    async reconcile(key, context) {
      const { clock, lister } = context;
      const one = lister(pod).get(key);
      if (!one) return undefined;
      if (isPodTerminal(one)) await removeOldest(terminatedPodGcThreshold, context);
      const { nodeName } = one.spec;
      if (!nodeName) {
        if (one.metadata.deletionTimestamp) await forceOut(one, undefined, context);
        return undefined;
      }
      const host = lister(node).get({ name: nodeName });
      if (host) {
        missingSince.delete(nodeName);
        // Its daemon will not say that the pod is gone.
        if (one.metadata.deletionTimestamp && isOutOfService(host)) await forceOut(one, undefined, context);
        return undefined;
      }
      const since = missingSince.get(nodeName) ?? clock.monotonic();
      missingSince.set(nodeName, since);
      const leftMs = since + quarantineMs - clock.monotonic();
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      if (await exists(nodeName, context)) return { requeueAfterMs: quarantineMs };
      await forceOut(one, "PodGC: node no longer exists", context);
      if (lister(pod).byIndex(byNode, nodeName).length <= 1) missingSince.delete(nodeName);
      return undefined;
    },
  };
}

/** Whether a person has said of a node that is not ready that nothing runs on it any more. */
function isOutOfService({ spec, status }: Node): boolean {
  const isReady = findCondition(status?.conditions, "Ready")?.status === "True";
  return !isReady && (spec?.taints ?? []).some(({ key }) => key === "node.kubernetes.io/out-of-service");
}

async function exists(name: string, { client, signal }: ControllerContext): Promise<boolean> {
  return (await unlessGone(client.get(node, { name }, { signal }))) !== undefined;
}

/**
 * Deletes without waiting for a node's daemon. A pod that had not ended is first said to have failed: finalizers may keep it.
 *
 * @param message why it is disrupted, where that was not the wish of whoever deleted it
 */
async function forceOut(one: Pod, message: string | undefined, context: ControllerContext): Promise<void> {
  const { client, clock, signal } = context;
  if (!isPodTerminal(one)) {
    const reason = "DeletionByPodGC";
    const target = { type: "DisruptionTarget", status: "True", ...observed(one.metadata), reason } as const;
    const lastTransitionTime = timestamp(clock);
    const status: Pod["status"] = { ...one.status, phase: "Failed" };
    const failed: Pod =
      message === undefined
        ? { ...one, status }
        : {
            ...one,
            status: {
              ...status,
              conditions: setCondition(status.conditions, { ...target, message, lastTransitionTime }),
            },
          };
    await unlessGone(client.updateStatus(pod, failed, { signal }));
  }
  await unlessGone(client.delete(pod, keyOf(one), { signal, gracePeriodSeconds: 0, preconditions: sameObject(one) }));
}

async function removeOldest(threshold: number, { client, lister, signal }: ControllerContext): Promise<void> {
  if (threshold <= 0) return;
  const ended = lister(pod).byIndex(endedIndex, "");
  if (ended.length <= threshold) return;
  // Those that a node drove out tell the least, and go first.
  const order = ({ metadata, status }: Pod) =>
    `${status?.phase === "Failed" && status.reason === "Evicted" ? 0 : 1} ${metadata.creationTimestamp} ${metadata.name}`;
  const oldest = ended.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)).slice(0, ended.length - threshold);
  for (const one of oldest) {
    try {
      await client.delete(pod, keyOf(one), { signal, gracePeriodSeconds: 0, preconditions: sameObject(one) });
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }
}
