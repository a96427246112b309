import { findCondition, setCondition } from "../../core/api/meta.ts";
import { observed } from "../../core/kinds/observed_generation.ts";
import type { ContainerStatus, PodCondition, PodPhase } from "../../core/kinds/pod.ts";
import { isSidecar } from "../../core/kinds/pod_resources.ts";
import { compact } from "../../core/util/compact.ts";
import { disruptionTarget } from "./pod_evictions.ts";
import { latestSandbox, resizeFailure } from "./pod_view.ts";
import { initialised, type StatusInput, statusTime } from "./status_input.ts";

/** The conditions that the kubelet owns, in Kubernetes' order. Others stay as they are in the API. */
export function conditionsOf(
  input: StatusInput,
  phase: PodPhase,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
): readonly PodCondition[] {
  const containersReady = containersReadyCondition(phase, input, inits, mains);
  const owned: readonly ConditionCore[] = [
    ...resizeConditions(input),
    { type: "PodReadyToStartContainers", status: hasNetwork(input) ? "True" : "False" },
    initializedCondition(phase, input, inits),
    readyCondition(input, containersReady),
    containersReady,
    { type: "PodScheduled", status: "True" },
    ...(input.eviction?.disruption ? [disruptionTarget(input.eviction.message)] : []),
  ];
  let conditions: readonly PodCondition[] = [];
  for (const condition of owned) {
    const next = compact<PodCondition>({
      type: condition.type,
      status: condition.status,
      reason: condition.reason,
      message: condition.message,
      observedGeneration: condition.observedGeneration ?? input.pod.metadata.generation,
      lastTransitionTime: statusTime(input.now),
    });
    const current = findCondition(input.previous?.conditions, condition.type);
    conditions = [...conditions, setCondition(current ? [current] : [], next)[0] ?? next];
  }
  return conditions;
}

/** What the pod asks for and does not have (yet). */
function resizeConditions({ resize = {}, failures, ending }: StatusInput): readonly ConditionCore[] {
  const { pending, inProgress } = resize;
  if (ending === "ended") return [];
  const failure = failures.get(resizeFailure);
  const waits: ConditionCore[] = pending
    ? [
        {
          type: "PodResizePending",
          status: "True",
          ...observed(pending),
          reason: pending.reason,
          message: pending.message,
        },
      ]
    : [];
  const error = failure ? { reason: "Error", message: failure.message } : {};
  return inProgress
    ? [...waits, { type: "PodResizeInProgress", status: "True", ...observed(inProgress), ...error }]
    : waits;
}

/** The types that are the kubelet's alone: what it does not give is not there. */
export const ownedConditions: ReadonlySet<string> = new Set([
  "PodResizePending",
  "PodResizeInProgress",
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
]);

function hasNetwork({ sandboxes }: StatusInput): boolean {
  return latestSandbox(sandboxes)?.ready === true;
}

type ConditionCore = Pick<PodCondition, "type" | "status" | "reason" | "message" | "observedGeneration">;

function initializedCondition(phase: PodPhase, input: StatusInput, inits: readonly ContainerStatus[]): ConditionCore {
  const incomplete = incompleteInits(input, inits);
  if (phase === "Succeeded") return { type: "Initialized", status: "True", reason: "PodCompleted" };
  if (incomplete.length === 0) return { type: "Initialized", status: "True" };
  return {
    type: "Initialized",
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${incomplete.map(({ name }) => name).join(" ")}]`,
  };
}

function containersReadyCondition(
  phase: PodPhase,
  { pod }: StatusInput,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
): ConditionCore {
  const type = "ContainersReady";
  if (phase === "Succeeded") return { type, status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  const sidecars = inits.filter((_, index) => pod.spec.initContainers?.[index]?.restartPolicy === "Always");
  const unready = [...sidecars, ...mains].filter(({ ready }) => !ready);
  if (unready.length === 0) return { type, status: "True" };
  return {
    type,
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.map(({ name }) => name).join(" ")}]`,
  };
}

/** ContainersReady and every readiness gate. */
function readyCondition({ pod }: StatusInput, containersReady: ConditionCore): ConditionCore {
  if (containersReady.status !== "True") return { ...containersReady, type: "Ready" };
  const unmet = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = findCondition(pod.status?.conditions, conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (unmet.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: unmet.join(", ") };
}

/** Init containers that the pod still waits for. */
export function incompleteInits(input: StatusInput, inits: readonly ContainerStatus[]): readonly ContainerStatus[] {
  if (initialised(input)) return [];
  const specs = input.pod.spec.initContainers ?? [];
  return inits.filter((status, index) => {
    const spec = specs[index];
    return spec && isSidecar(spec) ? !status.started : status.state?.terminated?.exitCode !== 0;
  });
}
