/**
 * The scheduler: gives every pod a node.
 *
 * - Deciding is synchronous and in memory (`placePod`); writing is asynchronous and many at once.
 * - Plug-ins decide what fits and what is better (`plugins/mod.ts`); the queue decides who is next and when to try again.
 * - It is an ordinary client of the API.
 */
export type {
  ClusterEvent,
  QueuedPod,
  Rejection,
  SchedulerPlugin,
  WaitingPod,
  WaitingPods,
  WeightedPlugin,
} from "./framework.ts";
export { plugins } from "./plugins/mod.ts";
export type { SchedulerConfiguration, SchedulerProfile } from "./profiles.ts";
export { defaultConfiguration } from "./profiles.ts";
export { type RunningScheduler, type RunSchedulerOptions, runScheduler } from "./scheduler.ts";
