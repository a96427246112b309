import type { Selector } from "../../core/api/labels.ts";
import { keyText, type ObjectKey } from "../../core/api/meta.ts";
import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerStatus,
  horizontalPodAutoscaler,
} from "../../core/kinds/horizontal_pod_autoscaler.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { AutoscalerMemory } from "./_autoscaler_limits.ts";
import { observe, parseScaleSelector } from "./_autoscaler_metrics.ts";
import {
  type AutoscalerPlan,
  type AutoscalerSettings,
  asksMetrics,
  planAutoscaler,
  rescaled,
  withoutScale,
  withoutSelector,
} from "./_plan_autoscaler.ts";
import { groupOf, resourcesOfKind, type ScalableResource, type Scale, scalesOf } from "./_scales.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

/** Options of {@linkcode horizontalPodAutoscalerController}, named as kube-controller-manager's flags. */
export interface HorizontalPodAutoscalerOptions {
  /** Time between two looks at an autoscaler. Default 15 s. */
  readonly horizontalPodAutoscalerSyncPeriodMs?: number | undefined;
  /** For how long more pods stay than the metrics ask for. Default 5 min. */
  readonly horizontalPodAutoscalerDownscaleStabilizationMs?: number | undefined;
  /** Part of the target by which a metric may differ. Default 0.1. */
  readonly horizontalPodAutoscalerTolerance?: number | undefined;
  /** Time after a pod's start during which its use of CPU may not count. Default 5 min. */
  readonly horizontalPodAutoscalerCpuInitializationPeriodMs?: number | undefined;
  /** Time after a pod's start during which it counts as never ready. Default 30 s. */
  readonly horizontalPodAutoscalerInitialReadinessDelayMs?: number | undefined;
}

/** What is remembered of an autoscaler. */
interface Remembered {
  readonly uid: string | undefined;
  /** When it is looked at again. */
  dueAtMs: number;
  memory: AutoscalerMemory;
  /** Of the pods of its target. */
  selector?: Selector;
}

/**
 * Keeps the size of workloads at what their load asks for. Looks at each autoscaler once in a period, the first time a
 * period after it came; what happens in between changes nothing.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
 */
export function horizontalPodAutoscalerController(options: HorizontalPodAutoscalerOptions = {}): Controller {
  const periodMs = options.horizontalPodAutoscalerSyncPeriodMs ?? 15_000;
  const settings: AutoscalerSettings = {
    tolerance: options.horizontalPodAutoscalerTolerance ?? 0.1,
    cpuInitializationPeriodMs: options.horizontalPodAutoscalerCpuInitializationPeriodMs ?? 300_000,
    initialReadinessDelayMs: options.horizontalPodAutoscalerInitialReadinessDelayMs ?? 30_000,
    downscaleStabilizationMs: options.horizontalPodAutoscalerDownscaleStabilizationMs ?? 300_000,
  };
  const all = new Map<string, Remembered>();
  return {
    name: "horizontal-pod-autoscaler",
    account: "horizontal-pod-autoscaler",
    reconciles: horizontalPodAutoscaler,
    // Pods are looked up; none of their changes leads anywhere.
    watches: [{ kind: pod, keys: () => [] }],
    async reconcile(key, context): Promise<ReconcileResult> {
      const autoscaler = context.lister(horizontalPodAutoscaler).get(key);
      const known = all.get(keyText(key));
      if (!autoscaler) {
        all.delete(keyText(key));
        return undefined;
      }
      const { uid } = autoscaler.metadata;
      const nowMs = context.clock.monotonic();
      if (!known || known.uid !== uid) {
        all.set(keyText(key), { uid, dueAtMs: nowMs + periodMs, memory: { recommendations: [], changes: [] } });
        return { requeueAfterMs: periodMs };
      }
      if (nowMs < known.dueAtMs) return { requeueAfterMs: known.dueAtMs - nowMs };
      known.dueAtMs = nowMs + periodMs;
      await look({ autoscaler, known, all, settings, context });
      return { requeueAfterMs: periodMs };
    },
  };
}

interface Look {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly known: Remembered;
  /** Of every autoscaler, by its key. */
  readonly all: ReadonlyMap<string, Remembered>;
  readonly settings: AutoscalerSettings;
  readonly context: ControllerContext;
}

async function look(one: Look): Promise<void> {
  const { autoscaler, context } = one;
  const target = await targetOf(autoscaler, context);
  if ("failure" in target) {
    warn(one, { reason: "FailedGetScale", message: target.failure });
    return writeStatus(autoscaler, withoutScale(autoscaler, target.failure, context.clock.now()), context);
  }
  const specReplicas = target.scale.spec?.replicas ?? 0;
  const selected = asksMetrics(autoscaler, specReplicas) ? podsOf(target.scale, one) : { pods: [] };
  if ("reason" in selected) {
    const { event = selected } = selected;
    for (const reason of [event.reason, "FailedComputeMetricsReplicas"]) warn(one, { reason, message: event.message });
    const observed = { autoscaler, specReplicas, nowMs: context.clock.now() };
    return writeStatus(autoscaler, withoutSelector(observed, selected), context);
  }
  const plan = await planOf(target.scale, selected, one);
  one.known.memory = plan.memory;
  for (const warning of plan.warnings) warn(one, warning);
  return writeStatus(autoscaler, plan.rescale ? await rescale(plan, plan.rescale, target, one) : plan.status, context);
}

function warn({ autoscaler, context }: Look, text: { readonly reason: string; readonly message: string }): void {
  context.event(autoscaler, { type: "Warning", ...text });
}

/** Asks for the metrics, where they matter. */
async function planOf(
  scale: Scale,
  { pods, selector }: { readonly pods: readonly Pod[]; readonly selector?: Selector },
  { autoscaler, known, settings, context }: Look,
): Promise<AutoscalerPlan> {
  const { client, signal, clock } = context;
  const { namespace = "" } = autoscaler.metadata;
  const observations = selector
    ? (autoscaler.spec.metrics ?? []).map((metric) => observe(metric, { client, namespace, selector, signal }))
    : [];
  return planAutoscaler({
    autoscaler,
    specReplicas: scale.spec?.replicas ?? 0,
    statusReplicas: scale.status?.replicas ?? 0,
    pods,
    observations: await Promise.all(observations),
    memory: known.memory,
    settings,
    nowMs: clock.now(),
  });
}

/** Gives what is scaled its new size. */
async function rescale(
  plan: AutoscalerPlan,
  { replicas, reason }: NonNullable<AutoscalerPlan["rescale"]>,
  { scale, type }: Target,
  one: Look,
): Promise<HorizontalPodAutoscalerStatus> {
  const { client, clock, signal, event } = one.context;
  const text = `New size: ${replicas}; reason: ${reason}`;
  let failure: string | undefined;
  try {
    const next: Scale = { ...scale, spec: { ...scale.spec, replicas } };
    await client.update(scalesOf(type), next, { subresource: "scale", signal });
    event(one.autoscaler, { type: "Normal", reason: "SuccessfulRescale", message: text });
  } catch (error) {
    signal.throwIfAborted();
    failure = errorMessage(error);
    warn(one, { reason: "FailedRescale", message: `${text}; error: ${failure}` });
  }
  const done = rescaled(plan, { from: scale.spec?.replicas ?? 0, to: replicas, nowMs: clock.now(), failure });
  one.known.memory = done.memory;
  return done.status;
}

interface Target {
  readonly scale: Scale;
  readonly type: ScalableResource;
}

/** The scale of what is scaled, by the first version that has it; or why there is none. */
async function targetOf(
  { metadata, spec }: HorizontalPodAutoscaler,
  { client, signal }: ControllerContext,
): Promise<Target | { readonly failure: string }> {
  const { apiVersion = "v1", kind, name } = spec.scaleTargetRef;
  if (apiVersion.split("/").length > 2) return { failure: `unexpected GroupVersion string: ${apiVersion}` };
  const key: ObjectKey = { namespace: metadata.namespace, name };
  let first: string | undefined;
  try {
    for (const type of await resourcesOfKind(client, { apiVersion, kind }, { signal })) {
      try {
        return { scale: await client.get(scalesOf(type), key, { subresource: "scale", signal }), type };
      } catch (error) {
        signal.throwIfAborted();
        first ??= errorMessage(error);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    first = errorMessage(error);
  }
  const group = groupOf(apiVersion);
  return { failure: first ?? `no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}` };
}

/** The pods of what is scaled; or why they cannot be told, in the words of the condition and, where they differ, of the event. */
function podsOf(
  { status }: Scale,
  { autoscaler, known, all, context }: Look,
):
  | { readonly pods: readonly Pod[]; readonly selector?: Selector }
  | { reason: string; message: string; event?: { reason: string; message: string } } {
  if (!status?.selector) {
    const event = { reason: "SelectorRequired", message: "selector is required" };
    return { reason: "InvalidSelector", message: "the HPA target's scale is missing a selector", event };
  }
  let selector: Selector;
  try {
    selector = parseScaleSelector(status.selector);
  } catch (error) {
    return { reason: "InvalidSelector", message: errorMessage(error) };
  }
  known.selector = selector;
  const { namespace } = autoscaler.metadata;
  const pods = context
    .lister(pod)
    .list(namespace)
    .filter(({ metadata }) => selector.matches(metadata.labels));
  const claiming = context
    .lister(horizontalPodAutoscaler)
    .list(namespace)
    .filter((one) => {
      const other = all.get(keyText({ namespace, name: one.metadata.name ?? "" }))?.selector;
      return other !== undefined && pods.some(({ metadata }) => other.matches(metadata.labels));
    })
    .map(({ metadata }) => `${namespace}/${metadata.name}`);
  if (claiming.length < 2) return { pods, selector };
  const message = `pods by selector ${status.selector} are controlled by multiple HPAs: [${claiming.sort().join(" ")}]`;
  return { reason: "AmbiguousSelector", message };
}

async function writeStatus(
  autoscaler: HorizontalPodAutoscaler,
  status: HorizontalPodAutoscalerStatus,
  { client, signal, event }: ControllerContext,
): Promise<void> {
  if (semanticEqual(status, autoscaler.status)) return;
  try {
    await client.updateStatus(horizontalPodAutoscaler, { ...autoscaler, status }, { signal });
  } catch (error) {
    signal.throwIfAborted();
    event(autoscaler, { type: "Warning", reason: "FailedUpdateStatus", message: errorMessage(error) });
    throw error;
  }
}
