import { formatQuantity, milliCpu as milliOf } from "../../core/api/quantity.ts";
import type { MetricTarget, MetricValueStatus } from "../../core/kinds/horizontal_pod_autoscaler.ts";
import type { Container, Pod } from "../../core/kinds/pod.ts";
import { isPodReady, podCondition } from "../../core/kinds/pod_helpers.ts";

/** What was measured of a pod. */
export interface PodSample {
  /** In thousandths. */
  readonly milli: number;
  /** When the window ended, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly windowMs: number;
}

/** What a metric is: for each pod by its name, or in all; or why that cannot be told. */
export type Observation =
  | { readonly samples: ReadonlyMap<string, PodSample> }
  | { readonly milli: number }
  | { readonly failure: string };

/** What the sums depend on besides the metric. */
export interface CalculatorState {
  /** The pods of what is scaled. */
  readonly pods: readonly Pod[];
  /** How many pods there are to be now. */
  readonly specReplicas: number;
  /** How many there are. */
  readonly statusReplicas: number;
  /** Parts of the target by which the metric may be less, or more, without anything being done. */
  readonly tolerance: { readonly down: number; readonly up: number };
  /** After its start a pod's use of CPU counts only as far as it was measured while the pod was ready. */
  readonly cpuInitializationPeriodMs: number;
  /** A pod that became unready for the last time within so long after its start was never ready. */
  readonly initialReadinessDelayMs: number;
  readonly nowMs: number;
}

/** How many pods a metric asks for, and what it is now. */
export interface Proposal {
  readonly replicas: number;
  readonly current: MetricValueStatus;
}

/** Why a metric says nothing, in kube-controller-manager's words. */
export class NoProposalError extends Error {
  override readonly name = "NoProposalError";
}

/** What is asked for by the use of a resource, of whole pods or of one container of each. @throws NoProposalError */
export function resourceReplicas(
  { resource, container, target }: { resource: string; container?: string | undefined; target: MetricTarget },
  samples: ReadonlyMap<string, PodSample>,
  state: CalculatorState,
): Proposal {
  if (target.averageValue !== undefined) return plainReplicas(milliOf(target.averageValue), samples, state, resource);
  const wanted = target.averageUtilization;
  if (wanted === undefined)
    throw new NoProposalError(
      "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
    );
  const groups = groupPods(samples, state, resource);
  const measured = measuredPods(samples, groups);
  const requests = podRequests(state.pods, resource, container);
  const ratioOf = (used: ReadonlyMap<string, number>) => utilization(used, requests, wanted);
  const { ratio, percent, average } = ratioOf(measured);
  // What nothing is known of counts, when pods are to go, as if it used what it asked for, or all of the target.
  const full = (name: string) => Math.floor(((requests.get(name) ?? 0) * Math.max(100, wanted)) / 100);
  // At the target exactly, they are left out.
  const assume = (name: string) => (ratio === 1 ? undefined : ratio < 1 ? full(name) : 0);
  const replicas = replicasFor(ratio, measured, groups, state, { assume, ratioOf: (used) => ratioOf(used).ratio });
  return { replicas, current: { averageUtilization: percent, averageValue: quantity(average) } };
}

/** What is asked for by a metric of which each pod is to have so much. @throws NoProposalError */
export function plainReplicas(
  targetMilli: number,
  samples: ReadonlyMap<string, PodSample>,
  state: CalculatorState,
  resource?: string,
): Proposal {
  const groups = groupPods(samples, state, resource);
  const measured = measuredPods(samples, groups);
  const average = (used: ReadonlyMap<string, number>) => Math.trunc(sum(used.values()) / used.size);
  const ratioOf = (used: ReadonlyMap<string, number>) => average(used) / targetMilli;
  const ratio = ratioOf(measured);
  const assume = () => (ratio < 1 ? targetMilli : 0);
  const replicas = replicasFor(ratio, measured, groups, state, { assume, ratioOf });
  return { replicas, current: { averageValue: quantity(average(measured)) } };
}

/** What is asked for by a metric that is to have a value in all. @throws NoProposalError */
export function valueReplicas(targetMilli: number, milli: number, state: CalculatorState): Proposal {
  const { pods, specReplicas } = state;
  const current = { value: quantity(milli) };
  const ratio = milli / targetMilli;
  if (specReplicas === 0) return { replicas: Math.ceil(ratio), current };
  if (isWithin(ratio, state)) return { replicas: specReplicas, current };
  if (pods.length === 0)
    throw new NoProposalError(
      "unable to calculate ready pods: no pods returned by selector while calculating replica count",
    );
  const ready = pods.filter((pod) => pod.status?.phase === "Running" && isPodReady(pod)).length;
  return { replicas: Math.ceil(ratio * ready), current };
}

/** What is asked for by a metric of which there is to be so much for each pod. */
export function averageReplicas(targetMilli: number, milli: number, state: CalculatorState): Proposal {
  const { statusReplicas } = state;
  const ratio = milli / (targetMilli * statusReplicas);
  const replicas = isWithin(ratio, state) ? statusReplicas : Math.ceil(milli / targetMilli);
  return { replicas, current: { averageValue: quantity(Math.ceil(milli / Math.max(1, statusReplicas))) } };
}

interface PodGroups {
  readonly readyCount: number;
  /** Whose use does not count: not ready yet. */
  readonly unready: ReadonlySet<string>;
  /** Of which nothing was measured. */
  readonly missing: ReadonlySet<string>;
  /** Going or failed. */
  readonly ignored: ReadonlySet<string>;
}

function groupPods(
  samples: ReadonlyMap<string, PodSample>,
  state: CalculatorState,
  resource: string | undefined,
): PodGroups {
  if (state.pods.length === 0)
    throw new NoProposalError("no pods returned by selector while calculating replica count");
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let readyCount = 0;
  for (const pod of state.pods) {
    const { name = "" } = pod.metadata;
    const sample = samples.get(name);
    if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Failed") ignored.add(name);
    else if (pod.status?.phase === "Pending") unready.add(name);
    else if (!sample) missing.add(name);
    else if (resource === "cpu" && isStarting(pod, sample, state)) unready.add(name);
    else readyCount++;
  }
  return { readyCount, unready, missing, ignored };
}

/** Whether what a pod uses now says nothing of what it will use. */
function isStarting(pod: Pod, sample: PodSample, state: CalculatorState): boolean {
  const ready = podCondition(pod, "Ready");
  const { startTime } = pod.status ?? {};
  if (!ready || startTime === undefined) return true;
  const startMs = Date.parse(startTime);
  const changedMs = Date.parse(ready.lastTransitionTime ?? startTime);
  if (startMs + state.cpuInitializationPeriodMs > state.nowMs)
    return ready.status === "False" || sample.atMs < changedMs + sample.windowMs;
  return ready.status === "False" && startMs + state.initialReadinessDelayMs > changedMs;
}

function measuredPods(
  samples: ReadonlyMap<string, PodSample>,
  { unready, ignored }: PodGroups,
): ReadonlyMap<string, number> {
  const counted = [...samples].filter(([name]) => !unready.has(name) && !ignored.has(name));
  if (counted.length === 0)
    throw new NoProposalError("did not receive metrics for targeted pods (pods might be unready)");
  return new Map(counted.map(([name, { milli }]) => [name, milli]));
}

/**
 * What follows from the part of the target that is used. Pods of which nothing is known, or that start, are taken to
 * use what makes the change smaller; where they would turn its direction, nothing is changed.
 */
function replicasFor(
  ratio: number,
  measured: ReadonlyMap<string, number>,
  { readyCount, unready, missing }: PodGroups,
  state: CalculatorState,
  { assume, ratioOf }: { assume(name: string): number | undefined; ratioOf(used: ReadonlyMap<string, number>): number },
): number {
  const { specReplicas } = state;
  const countsUnready = unready.size > 0 && ratio > 1;
  if (!countsUnready && missing.size === 0)
    return isWithin(ratio, state) ? specReplicas : Math.ceil(ratio * readyCount);
  const assumed = new Map(measured);
  for (const name of missing) {
    const milli = assume(name);
    if (milli !== undefined) assumed.set(name, milli);
  }
  if (countsUnready) for (const name of unready) assumed.set(name, 0);
  const next = ratioOf(assumed);
  if (isWithin(next, state) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return specReplicas;
  const replicas = Math.ceil(next * assumed.size);
  const turned = (next < 1 && replicas > specReplicas) || (next > 1 && replicas < specReplicas);
  return turned ? specReplicas : replicas;
}

function isWithin(ratio: number, { tolerance }: CalculatorState): boolean {
  return 1 - tolerance.down <= ratio && ratio <= 1 + tolerance.up;
}

function utilization(
  used: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
  targetPercent: number,
): { readonly ratio: number; readonly percent: number; readonly average: number } {
  const known = [...used].filter(([name]) => requests.has(name));
  const requested = sum(known.map(([name]) => requests.get(name) ?? 0));
  if (requested === 0) throw new NoProposalError("no metrics returned matched known pods");
  const total = sum(known.map(([, milli]) => milli));
  const percent = Math.trunc((total * 100) / requested);
  return { ratio: percent / targetPercent, percent, average: Math.trunc(total / known.length) };
}

/** What pods ask for of a resource, in thousandths; of the whole pod where that is said. @throws NoProposalError */
function podRequests(
  pods: readonly Pod[],
  resource: string,
  container: string | undefined,
): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name ?? "", podRequest(pod, resource, container)]));
}

function podRequest({ metadata, spec }: Pod, resource: string, container: string | undefined): number {
  const whole = container === undefined ? requestOf(spec, resource) : undefined;
  if (whole !== undefined) return milliOf(whole);
  const lasting = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const counted = [...spec.containers, ...lasting].filter(({ name }) => container === undefined || name === container);
  return sum(counted.map((one) => containerRequest(one, resource, metadata.name ?? "")));
}

function containerRequest(container: Container, resource: string, podName: string): number {
  const amount = requestOf(container, resource);
  if (amount !== undefined) return milliOf(amount);
  throw new NoProposalError(`missing request for ${resource} in container ${container.name} of Pod ${podName}`);
}

function requestOf({ resources }: Pick<Container, "resources">, resource: string): string | number | undefined {
  const { requests } = resources ?? {};
  return requests && Object.hasOwn(requests, resource) ? requests[resource] : undefined;
}

function quantity(milli: number): string {
  return formatQuantity({ nano: BigInt(Math.round(milli)) * 1_000_000n, format: "DecimalSI" });
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const one of numbers) total += one;
  return total;
}
