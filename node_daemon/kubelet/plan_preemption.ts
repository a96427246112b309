import type { Pod } from "../../core/kinds/pod.ts";
import { qosClass } from "../../core/kinds/pod_resources.ts";
import { isCriticalPod } from "./critical_pod.ts";
import { requestsByName } from "./lacking_resources.ts";

/** How much of each resource has to be freed. */
type Requirements = ReadonlyMap<string, number>;

/**
 * The pods to end so that a critical pod finds what it lacks: as few as possible, those without requests first, those whose
 * requests are their limits last. Pure.
 *
 * @returns the text of what cannot be freed when there are no such pods
 * @see k8s.io/kubernetes/pkg/kubelet/preemption/preemption.go
 */
export function planPreemption(pod: Pod, others: readonly Pod[], lacking: Requirements): readonly Pod[] | string {
  const candidates = others.filter((other) => isPreemptable(pod, other));
  const missing = subtract(lacking, candidates);
  if (missing.size > 0) return textOf(missing);
  const ofClass = (name: string) => candidates.filter((other) => qosClass(other) === name);
  const [bestEffort, burstable] = [ofClass("BestEffort"), ofClass("Burstable")];
  const guaranteed = fewest(ofClass("Guaranteed"), subtract(lacking, [...bestEffort, ...burstable]));
  const some = fewest(burstable, subtract(lacking, [...bestEffort, ...guaranteed]));
  return [...fewest(bestEffort, subtract(lacking, [...some, ...guaranteed])), ...some, ...guaranteed];
}

function isPreemptable(pod: Pod, other: Pod): boolean {
  if (isCriticalPod(pod) && !isCriticalPod(other)) return true;
  const [own, others] = [pod.spec.priority, other.spec.priority];
  return own !== undefined && others !== undefined && own > others;
}

/** Pods that together free what is required, each time the one that frees most of it. */
function fewest(pods: readonly Pod[], required: Requirements): readonly Pod[] {
  let left = pods;
  let missing = required;
  const chosen: Pod[] = [];
  while (missing.size > 0 && left.length > 0) {
    const best = left.reduce((best, pod) => {
      const difference = distance(missing, pod) - distance(missing, best);
      return difference < 0 || (difference === 0 && isSmaller(pod, best)) ? pod : best;
    });
    chosen.push(best);
    missing = subtract(missing, [best]);
    left = left.filter((pod) => pod !== best);
  }
  return chosen;
}

/** How far a pod is from freeing all that is required, every resource weighing the same. */
function distance(required: Requirements, pod: Pod): number {
  const requests = requestsByName(pod);
  let sum = 0;
  for (const [name, amount] of required) sum += (Math.max(0, amount - (requests.get(name) ?? 0)) / amount) ** 2;
  return sum;
}

function isSmaller(a: Pod, b: Pod): boolean {
  const [one, other] = [requestsByName(a), requestsByName(b)];
  for (const name of ["memory", "cpu"]) {
    const difference = (one.get(name) ?? 0) - (other.get(name) ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return true;
}

function subtract(required: Requirements, pods: readonly Pod[]): Requirements {
  const left = new Map(required);
  for (const pod of pods)
    for (const [name, amount] of requestsByName(pod)) {
      const missing = left.get(name);
      if (missing === undefined) continue;
      if (missing > amount) left.set(name, missing - amount);
      else left.delete(name);
    }
  return left;
}

function textOf(required: Requirements): string {
  return `[${[...required].map(([name, amount]) => `(res: ${name}, q: ${amount}), `).join("")}]`;
}
