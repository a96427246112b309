import type { ExtenderOptions } from "./extender.ts";
import type { WeightedPlugin } from "./framework.ts";
import { plugins } from "./plugins/mod.ts";

/** How the pods that name one scheduler are placed. */
export interface SchedulerProfile {
  readonly schedulerName: string;
  readonly plugins: readonly WeightedPlugin[];
  /** How many percent of the nodes that fit are enough to choose among; 0: fewer in larger clusters. */
  readonly percentageOfNodesToScore?: number | undefined;
}

/** What a scheduler is told. @see https://kubernetes.io/docs/reference/scheduling/config/ */
export interface SchedulerConfiguration {
  /** At least one. */
  readonly profiles: readonly SchedulerProfile[];
  /** Milliseconds. Default 1000. */
  readonly podInitialBackoffMs?: number | undefined;
  /** Servers outside that are asked about nodes, in that order. Default: none. */
  readonly extenders?: readonly ExtenderOptions[] | undefined;
  /** Milliseconds. Default 10000. */
  readonly podMaxBackoffMs?: number | undefined;
}

/** The scheduler that pods name when they name none. */
export const defaultSchedulerName = "default-scheduler";

/** Kubernetes' own configuration. */
export const defaultConfiguration: SchedulerConfiguration = {
  profiles: [{ schedulerName: defaultSchedulerName, plugins }],
};
