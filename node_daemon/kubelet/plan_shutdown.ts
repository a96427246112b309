import type { Pod } from "../../core/kinds/pod.ts";
import { criticalPriority } from "./critical_pod.ts";

/** How much time a node that shuts down gives its pods, in seconds. */
export interface ShutdownPeriods {
  /** All of it. */
  readonly gracePeriodSeconds: number;
  /** The part at its end that is kept for critical pods. */
  readonly criticalPodsSeconds: number;
}

/** Pods that end together. */
export interface ShutdownGroup {
  /** Time that all of them have. */
  readonly seconds: number;
  readonly pods: readonly { readonly uid: string; readonly gracePeriodSeconds: number }[];
}

/**
 * In which order a node that shuts down ends its pods: the critical ones last, each with its own grace period or what is left
 * for its group. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#graceful-node-shutdown
 */
export function planShutdown(
  pods: readonly Pod[],
  { gracePeriodSeconds, criticalPodsSeconds }: ShutdownPeriods,
): readonly ShutdownGroup[] {
  const isCritical = ({ spec }: Pod) => (spec.priority ?? 0) >= criticalPriority;
  const group = (seconds: number, members: readonly Pod[]): ShutdownGroup => ({
    seconds,
    pods: members.map(({ metadata, spec }) => ({
      uid: metadata.uid ?? "",
      gracePeriodSeconds: Math.min(seconds, spec.terminationGracePeriodSeconds ?? seconds),
    })),
  });
  return [
    group(
      gracePeriodSeconds - criticalPodsSeconds,
      pods.filter((pod) => !isCritical(pod)),
    ),
    group(criticalPodsSeconds, pods.filter(isCritical)),
  ].filter(({ pods: members }) => members.length > 0);
}
