import type { Pod } from "../../core/kinds/pod.ts";
import { criticalPriority } from "./critical_pod.ts";

/** How much time a node that shuts down gives its pods, by their priority: from each on, up to the next. Least important first. */
export type ShutdownPeriods = readonly { readonly priority: number; readonly seconds: number }[];

/** Pods that end together. */
export interface ShutdownGroup {
  /** Time that all of them have. */
  readonly seconds: number;
  readonly pods: readonly { readonly uid: string; readonly gracePeriodSeconds: number }[];
}

/** The periods of a node that tells only critical pods from others. */
export function criticalPodsLast(options: {
  /** All the time that there is. */
  readonly gracePeriodSeconds: number;
  /** The part at its end that is kept for critical pods. */
  readonly criticalPodsSeconds: number;
}): ShutdownPeriods {
  const { gracePeriodSeconds, criticalPodsSeconds } = options;
  return [
    { priority: 0, seconds: gracePeriodSeconds - criticalPodsSeconds },
    { priority: criticalPriority, seconds: criticalPodsSeconds },
  ];
}

/**
 * In which order a node that shuts down ends its pods: the least important first, each with its own grace period or what there is
 * for its group. Pods below all priorities go with the first group. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#pod-priority-graceful-node-shutdown
 */
export function planShutdown(pods: readonly Pod[], periods: ShutdownPeriods): readonly ShutdownGroup[] {
  const groupOf = ({ spec: { priority = 0 } }: Pod) =>
    Math.max(
      0,
      periods.findLastIndex((period) => period.priority <= priority),
    );
  return periods
    .map(({ seconds }, index) => ({
      seconds,
      pods: pods
        .filter((pod) => groupOf(pod) === index)
        .map(({ metadata, spec }) => ({
          uid: metadata.uid ?? "",
          gracePeriodSeconds: Math.min(seconds, spec.terminationGracePeriodSeconds ?? seconds),
        })),
    }))
    .filter(({ pods: members }) => members.length > 0);
}
