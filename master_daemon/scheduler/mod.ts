/**
 * The scheduler: gives every pod a node.
 *
 * - Deciding is synchronous and in memory (`placePod`); writing is asynchronous and many at once.
 * - Plug-ins decide what fits and what is better (`plugins/mod.ts`); the queue decides who is next and when to try again.
 * - It is an ordinary client of the API.
 */
export type { SchedulerPlugin, WaitingPods } from "./framework.ts";
export { defaultConfiguration, type SchedulerConfiguration } from "./profiles.ts";
export { runScheduler } from "./scheduler.ts";
