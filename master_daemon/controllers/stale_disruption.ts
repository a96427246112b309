import { findCondition, keyOf, setCondition } from "../../core/api/meta.ts";
import { type Pod, pod } from "../../core/kinds/mod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { timestamp } from "../../core/util/clock.ts";
import { type Controller, watching } from "./controller.ts";

const type = "DisruptionTarget";
/** How long a pod that is to be disrupted may take to be deleted. */
const staleMs = 120_000;

/**
 * Takes back what pods say of a disruption that never came.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
 */
export const staleDisruptionController: Controller = {
  name: "stale-pod-disruption",
  account: "disruption-controller",
  watches: [
    watching<Pod>({ kind: pod, keys: (object) => (disruptedSince(object) === undefined ? [] : [keyOf(object)]) }),
  ],
  async reconcile(key, { client, clock, lister, signal }) {
    const observed = lister(pod).get(key);
    if (!observed) return undefined;
    const since = disruptedSince(observed);
    if (since === undefined) return undefined;
    const leftMs = since + staleMs - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const { status } = observed;
    const conditions = setCondition(status?.conditions, {
      type,
      status: "False",
      lastTransitionTime: timestamp(clock),
    });
    await client.updateStatus(pod, { ...observed, status: { ...status, conditions } }, { signal });
    return undefined;
  },
};

/**
 * When a pod that goes on was marked. What the kubelet says stays: it may take as long as it likes until the pod ends.
 *
 * @returns milliseconds since the epoch
 */
function disruptedSince(object: Pod): number | undefined {
  const condition = findCondition(object.status?.conditions, type);
  if (condition?.status !== "True" || condition.reason === "TerminationByKubelet") return undefined;
  if (object.metadata.deletionTimestamp !== undefined || isPodTerminal(object)) return undefined;
  return Date.parse(condition.lastTransitionTime ?? "") || 0;
}
