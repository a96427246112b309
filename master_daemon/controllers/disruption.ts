import { selectorFromObject } from "../../core/api/labels.ts";
import { controllerOf, type KubeObject, keyOf, type ObjectKey } from "../../core/api/meta.ts";
import {
  deployment,
  type Pod,
  type PodDisruptionBudget,
  pod,
  podDisruptionBudget,
  replicaSet,
  replicationController,
  statefulSet,
} from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { dependsOnScale, failedStatus, planDisruption } from "./_plan_disruption.ts";
import { wantedReplicas } from "./_rollout.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

const owners = [replicaSet, deployment, statefulSet, replicationController];

/** Keeps in budgets' status how many pods may be evicted now. */
export const disruptionController: Controller = {
  name: "disruption-controller",
  account: "disruption-controller",
  reconciles: podDisruptionBudget,
  watches: [
    watching<Pod>({
      kind: pod,
      keys: (object, lister) =>
        lister(podDisruptionBudget)
          .list(object.metadata.namespace)
          .filter((budget) => selects(budget, object))
          .map(keyOf),
    }),
    // Their sizes are looked up; what follows from a new one is a change of pods.
    ...owners.map((kind) => ({ kind, keys: () => [] })),
  ],
  async reconcile(key, context) {
    const observed = context.lister(podDisruptionBudget).get(key);
    return observed ? reconcile(observed, context) : undefined;
  },
};

function selects({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return spec?.selector !== undefined && selectorFromObject(spec.selector).matches(metadata.labels ?? {});
}

async function reconcile(budget: PodDisruptionBudget, context: ControllerContext): Promise<ReconcileResult> {
  const { clock, lister, event } = context;
  const pods = lister(pod)
    .list(budget.metadata.namespace)
    .filter((one) => selects(budget, one));
  if (pods.length === 0) event(budget, { type: "Normal", reason: "NoPods", message: "No matching pods found" });
  const scale = dependsOnScale(budget) ? scaleOf(pods, lister) : { expected: 0, unmanaged: [] };
  if ("failure" in scale) {
    const message = `Failed to calculate the number of expected pods: ${scale.failure}`;
    event(budget, { type: "Warning", reason: "CalculateExpectedPodCountFailed", message });
    await writeStatus(budget, failedStatus(budget, scale.failure, clock.now()), context);
    return undefined;
  }
  if (scale.unmanaged.length > 0) {
    const about = `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(budget.spec?.selector)}) were found to be unmanaged.`;
    const advice =
      'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.';
    event(budget, { type: "Warning", reason: "UnmanagedPods", message: `${about} ${advice}` });
  }
  const plan = planDisruption({ budget, pods, expectedScale: scale.expected, nowMs: clock.now() });
  const { namespace } = budget.metadata;
  for (const one of plan.notDeleted) {
    const message = `Pod was expected by PDB ${namespace}/${budget.metadata.name} to be deleted but it wasn't`;
    event(one, { type: "Warning", reason: "NotDeleted", message });
  }
  await writeStatus(budget, plan.status, context);
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
}

async function writeStatus(
  budget: PodDisruptionBudget,
  status: NonNullable<PodDisruptionBudget["status"]>,
  { client, signal }: ControllerContext,
): Promise<void> {
  if (semanticEqual(status, budget.status)) return;
  await client.updateStatus(podDisruptionBudget, { ...budget, status }, { signal });
}

/** How many pods the controllers of some pods want together, and which pods have none. */
type Scale = { readonly expected: number; readonly unmanaged: readonly Pod[] } | { readonly failure: string };

function scaleOf(pods: readonly Pod[], lister: ControllerContext["lister"]): Scale {
  const sizes = new Map<string, number>();
  const unmanaged: Pod[] = [];
  for (const one of pods) {
    const owner = controllerOf(one);
    if (!owner) {
      unmanaged.push(one);
      continue;
    }
    const found = controllerSize({ ...owner, namespace: one.metadata.namespace }, lister);
    if (!found) return { failure: `found no controllers for pod ${JSON.stringify(one.metadata.name)}` };
    sizes.set(found.uid, found.size);
  }
  return { expected: [...sizes.values()].reduce((sum, size) => sum + size, 0), unmanaged };
}

/** An object that says how many pods it wants. */
interface SizedObject extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

/** The controller of a pod, or what controls that, with the number of pods that it wants. */
function controllerSize(
  { kind, name, uid, namespace }: ObjectKey & { readonly kind: string; readonly uid: string },
  lister: ControllerContext["lister"],
): { readonly uid: string; readonly size: number } | undefined {
  const key = { namespace, name };
  if (kind === "ReplicaSet") {
    const set = lister(replicaSet).get(key);
    if (set?.metadata.uid !== uid) return undefined;
    const above = controllerOf(set);
    if (!above) return { uid, size: wantedReplicas(set) };
    return above.kind === "Deployment"
      ? controllerSize({ ...above, namespace }, lister)
      : { uid, size: wantedReplicas(set) };
  }
  const sized = new Map([deployment, statefulSet, replicationController].map((one) => [one.kind, one]));
  const type = sized.get(kind);
  const found = type && lister<SizedObject>(type).get(key);
  if (found?.metadata.uid !== uid) return undefined;
  return { uid, size: found.spec?.replicas ?? 1 };
}
