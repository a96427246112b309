import { selectorFromObject } from "../../core/api/labels.ts";
import { keyOf } from "../../core/api/meta.ts";
import { type Pod, type PodDisruptionBudget, pod, podDisruptionBudget } from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { scaleOf, sizedKinds } from "./_disruption_scale.ts";
import { dependsOnScale, failedStatus, planDisruption } from "./_plan_disruption.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

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
    ...sizedKinds.map((kind) => ({ kind, keys: () => [] })),
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
  const scale = dependsOnScale(budget) ? await scaleOf(pods, context) : { expected: 0, unmanaged: [] };
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
