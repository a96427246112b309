import { bytesValue, milliCpu } from "../../../core/api/quantity.ts";
import type { Container as ContainerSpec, Pod, ResourceList } from "../../../core/kinds/pod.ts";
import { podRequests, qosClass } from "../../../core/kinds/pod_resources.ts";
import { compact } from "../../../core/util/compact.ts";
import type { Container, ContainerLimits, ContainerStats } from "../../runtime/runtime.ts";
import { lackingResources } from "../lacking_resources.ts";
import { limitChanges } from "./container_limits.ts";

/** Why a pod does not get the resources that it asks for now: it may later (`Deferred`), or it never can on this node. */
export interface ResizeRefusal {
  readonly reason: "Deferred" | "Infeasible";
  readonly message: string;
}

/** What there is to give. */
export interface ResizeView {
  readonly allocatable: ResourceList;
  /** The other pods of the node with what was set aside for them. */
  readonly others: readonly Pod[];
}

/**
 * Why a node cannot set aside for a pod that it has what the pod asks for now; undefined when it can. Pure.
 *
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
export function resizeRefusal(pod: Pod, { allocatable, others }: ResizeView): ResizeRefusal | undefined {
  // What it has counts for the others, not for what it asks for.
  const asking: Pod = { ...pod, status: {} };
  const { milliCpu: cpu, memoryBytes } = podRequests(asking);
  const [cpuThere, memoryThere] = [milliCpu(allocatable["cpu"]), bytesValue(allocatable["memory"])];
  const never = (text: string) =>
    ({ reason: "Infeasible", message: `Node didn't have enough capacity: ${text}` }) as const;
  if (memoryBytes > memoryThere) return never(`memory, requested: ${memoryBytes}, capacity: ${memoryThere}`);
  if (cpu > cpuThere) return never(`cpu, requested: ${cpu}, capacity: ${cpuThere}`);
  const [lacking] = lackingResources(asking, { allocatable, others });
  if (!lacking) return undefined;
  const { name, requested, used, capacity } = lacking;
  const figures = `${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: "Deferred", message: `Node didn't have enough resource: ${figures}` };
}

/** A resize that waits to be tried again. */
export interface WaitingResize {
  /** As its pod asks for it. */
  readonly pod: Pod;
  /** The same pod with what is set aside for it. */
  readonly allocated: Pod;
  /** Grows with every resize that has to wait. */
  readonly since: number;
}

const qosOrder = ["Guaranteed", "Burstable", "BestEffort"];

/** Resizes in the order in which they are tried: those that need nothing more, then by priority, by class, by how long they wait. */
export function resizeOrder(waiting: readonly WaitingResize[]): readonly WaitingResize[] {
  const ranks = new Map(waiting.map((one) => [one, rankOf(one)]));
  return waiting.toSorted((a, b) => {
    const [first = [], second = []] = [ranks.get(a), ranks.get(b)];
    const at = first.findIndex((rank, index) => rank !== second[index]);
    return (first[at] ?? 0) - (second[at] ?? 0);
  });
}

function rankOf({ pod, allocated, since }: WaitingResize): readonly number[] {
  const [wanted, present] = [podRequests({ ...pod, status: {} }), podRequests({ ...allocated, status: {} })];
  const isMore = wanted.milliCpu > present.milliCpu || wanted.memoryBytes > present.memoryBytes;
  return [isMore ? 1 : 0, -(pod.spec.priority ?? 0), qosOrder.indexOf(qosClass(pod)), since];
}

/** A container that runs with other limits than it is to have. */
export interface Resize {
  readonly container: Container;
  readonly limits: ContainerLimits;
}

/** A pod whose containers are kept together to other limits than they are to be. */
export interface PodResize {
  readonly sandboxId: string;
  readonly present: ContainerLimits;
  readonly limits: ContainerLimits;
}

/** Whether a container has to start anew to be given these limits. */
export function needsRestart(
  { resizePolicy = [] }: ContainerSpec,
  present: ContainerLimits,
  wanted: ContainerLimits,
): boolean {
  const resources = limitChanges(present, wanted).map((name) => (name === "memoryBytesLimit" ? "memory" : "cpu"));
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === "RestartContainer" && resources.some((name) => name === resourceName),
  );
}

/**
 * The steps that give containers their limits, in order: what becomes less comes before what becomes more, so that the pod
 * never has more than the greater of what it had and gets. What keeps them together has room for each at any time. Pure.
 */
export function resizeSteps(resizes: readonly Resize[], whole?: PodResize): readonly ResizeStep[] {
  const less = resizes.map(({ container, limits }) => ({ id: container.id, limits: lesser(container.limits, limits) }));
  const lowering = less.filter(
    ({ limits }, index) => limitChanges(resizes[index]?.container.limits ?? limits, limits).length > 0,
  );
  const raising = resizes.filter(({ limits }, index) => limitChanges(less[index]?.limits ?? limits, limits).length > 0);
  const raised = raising.map(({ container, limits }) => ({ id: container.id, limits }));
  if (!whole) return [...lowering, ...raised];
  const { sandboxId: id, present, limits } = whole;
  const widest = greater(present, limits);
  const widening = limitChanges(present, widest).length > 0 ? [{ id, limits: widest, isPod: true as const }] : [];
  const fitting =
    limitChanges({ ...present, ...compact(widest) }, limits).length > 0 ? [{ id, limits, isPod: true as const }] : [];
  return [...widening, ...lowering, ...fitting, ...raised];
}

/** Limits of a container, or of what keeps those of a sandbox together. */
export interface ResizeStep {
  readonly id: string;
  readonly limits: ContainerLimits;
  readonly isPod?: true;
}

/** The lesser of each amount; one that is missing is more than any. */
function lesser(present: ContainerLimits | undefined, wanted: ContainerLimits): ContainerLimits {
  return eachAmount((name) => {
    const [from, to] = [present?.[name], wanted[name]];
    return from === undefined && to === undefined ? undefined : Math.min(from ?? Infinity, to ?? Infinity);
  });
}

/** The greater of each amount. One that is missing stays as it is. */
function greater(present: ContainerLimits, wanted: ContainerLimits): ContainerLimits {
  return eachAmount((name) => {
    const [from, to] = [present[name], wanted[name]];
    return from === undefined || to === undefined ? undefined : Math.max(from, to);
  });
}

function eachAmount(of: (name: keyof ContainerLimits) => number | undefined): ContainerLimits {
  return {
    milliCpuRequest: of("milliCpuRequest"),
    milliCpuLimit: of("milliCpuLimit"),
    memoryBytesLimit: of("memoryBytesLimit"),
  };
}

/** Whether the new limits allow less memory. */
export function takesMemory(from: ContainerLimits | undefined, to: ContainerLimits): boolean {
  return (to.memoryBytesLimit ?? Infinity) < (from?.memoryBytesLimit ?? Infinity);
}

/**
 * Why memory must not be taken from containers that use more than they would have; undefined when it may. Pure.
 *
 * @param containers all that run in the pod
 */
export function memoryRefusal(
  resizes: readonly Resize[],
  {
    containers,
    stats,
    whole,
  }: {
    readonly containers: readonly Container[];
    readonly stats: readonly ContainerStats[];
    readonly whole?: PodResize | undefined;
  },
): string | undefined {
  const wanted = new Map(resizes.map(({ container, limits }) => [container.id, limits.memoryBytesLimit]));
  const limitOf = ({ id, limits }: Container) => wanted.get(id) ?? limits?.memoryBytesLimit;
  const used = new Map(stats.map(({ id, memory, memoryBytes }) => [id, memory?.usageBytes ?? memoryBytes]));
  const problems: string[] = [];
  const check = (what: string, limit: number | undefined, present: number | undefined, use: number) => {
    if (limit === undefined || (present !== undefined && limit >= present) || use <= limit) return;
    problems.push(`attempting to set ${what} memory limit (${limit}) below current usage (${use})`);
  };
  const sum = (amounts: readonly (number | undefined)[]) =>
    amounts.reduce<number | undefined>((a, b) => (a === undefined || b === undefined ? undefined : a + b), 0);
  check(
    "pod",
    whole ? whole.limits.memoryBytesLimit : sum(containers.map(limitOf)),
    whole ? whole.present.memoryBytesLimit : sum(containers.map(({ limits }) => limits?.memoryBytesLimit)),
    sum(containers.map(({ id }) => used.get(id) ?? 0)) ?? 0,
  );
  for (const { container } of resizes)
    check(
      `container "${container.name}"`,
      limitOf(container),
      container.limits?.memoryBytesLimit,
      used.get(container.id) ?? 0,
    );
  if (problems.length === 0) return undefined;
  return `cannot decrease memory limits: ${problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`}`;
}
