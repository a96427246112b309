import type { QueuedPod, SchedulerPlugin } from "../framework.ts";

/** Pods of higher priority are tried first; of those alike, who waits longer. */
export const prioritySort: SchedulerPlugin = { name: "PrioritySort", queueSort: byPriority };

/** Whether `a` is of higher priority than `b`, or waits longer. */
export function byPriority(a: QueuedPod, b: QueuedPod): boolean {
  const [priority, other] = [a.pod.spec.priority ?? 0, b.pod.spec.priority ?? 0];
  return priority > other || (priority === other && a.order < b.order);
}
