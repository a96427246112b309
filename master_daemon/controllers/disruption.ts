import { selectorFromObject } from "../../core/api/labels.ts";
import { keyOf, keyText } from "../../core/api/meta.ts";
import { type Pod, type PodDisruptionBudget, pod, podDisruptionBudget } from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { scaleOf, sizedKinds } from "./_disruption_scale.ts";
import { dependsOnScale, failedStatus, planDisruption } from "./_plan_disruption.ts";
import { selectorText } from "./_selector_text.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

/**
 * Keeps in budgets' status how many pods may be evicted now. It remembers of which pods it has told that several budgets
 * select them: make it anew for every run.
 */
export function disruptionController(): Controller {
  /** Uids by the key of the budget that came first. */
  const told = new Map<string, ReadonlySet<string>>();
  return {
    name: "disruption-controller",
    account: "disruption-controller",
    reconciles: podDisruptionBudget,
    watches: [
      watching<Pod>({
        kind: pod,
        keys: (object, lister) =>
          budgetsOf(object, lister(podDisruptionBudget).list(object.metadata.namespace)).map(keyOf),
      }),
      // Their sizes are looked up; what follows from a new one is a change of pods.
      ...sizedKinds.map((kind) => ({ kind, keys: () => [] })),
    ],
    async reconcile(key, context) {
      const observed = context.lister(podDisruptionBudget).get(key);
      const name = keyText(key);
      if (!observed) {
        told.delete(name);
        return undefined;
      }
      const pods = context
        .lister(pod)
        .list(key.namespace)
        .filter((one) => selects(observed, one));
      const shared = tellOfShared(observed, pods, told.get(name) ?? new Set(), context);
      if (shared.size > 0) told.set(name, shared);
      else told.delete(name);
      return reconcile(observed, pods, context);
    },
  };
}

function budgetsOf(object: Pod, budgets: readonly PodDisruptionBudget[]): readonly PodDisruptionBudget[] {
  return budgets.filter((budget) => selects(budget, object));
}

/**
 * Says of pods that other budgets select, too, that they do: nobody can evict such a pod. The first budget by name speaks.
 *
 * @param told uids of the pods of which it was said before
 * @returns uids of all of them
 */
function tellOfShared(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  told: ReadonlySet<string>,
  { lister, event }: ControllerContext,
): ReadonlySet<string> {
  const shared = new Set<string>();
  const { namespace, name = "" } = budget.metadata;
  const budgets = lister(podDisruptionBudget).list(namespace);
  if (budgets.length < 2) return shared;
  for (const one of pods) {
    const names = budgetsOf(one, budgets).map(({ metadata }) => metadata.name ?? "");
    if (names.length < 2 || names.some((other) => other < name)) continue;
    const { uid = "" } = one.metadata;
    shared.add(uid);
    if (told.has(uid)) continue;
    const about = `${JSON.stringify(namespace)}/${JSON.stringify(one.metadata.name)}`;
    const message = `Pod ${about} matches multiple PodDisruptionBudgets.  Chose ${JSON.stringify(name)} arbitrarily.`;
    event(one, { type: "Warning", reason: "MultiplePodDisruptionBudgets", message });
  }
  return shared;
}

function selects({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return spec?.selector !== undefined && selectorFromObject(spec.selector).matches(metadata.labels ?? {});
}

async function reconcile(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  context: ControllerContext,
): Promise<ReconcileResult> {
  const { clock, event } = context;
  if (pods.length === 0) event(budget, { type: "Normal", reason: "NoPods", message: "No matching pods found" });
  const scale = dependsOnScale(budget) ? await scaleOf(pods, context) : { expected: 0, unmanaged: [] };
  if ("failure" in scale) {
    const message = `Failed to calculate the number of expected pods: ${scale.failure}`;
    event(budget, { type: "Warning", reason: "CalculateExpectedPodCountFailed", message });
    await writeStatus(budget, failedStatus(budget, scale.failure, clock.now()), context);
    return undefined;
  }
  if (scale.unmanaged.length > 0) {
    const about = `Pods selected by this PodDisruptionBudget (selector: ${selectorText(budget.spec?.selector)}) were found to be unmanaged.`;
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
  return { requeueAfterMs: plan.requeueAfterMs };
}

async function writeStatus(
  budget: PodDisruptionBudget,
  status: NonNullable<PodDisruptionBudget["status"]>,
  { client, signal }: ControllerContext,
): Promise<void> {
  if (semanticEqual(status, budget.status)) return;
  await client.updateStatus(podDisruptionBudget, { ...budget, status }, { signal });
}
