/**
 * Balancers by name.
 *
 * - One balancer per file; a line here makes it available to flags, annotations and files.
 * - Session affinity is not a balancer: it wraps one (`../affinity.ts`).
 */
import type { BalancerFactory } from "./balancer.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";

/** Every balancer under the name that users give. */
export const balancers: ReadonlyMap<string, BalancerFactory> = new Map<string, BalancerFactory>([
  ["round-robin", roundRobin],
  ["random", random],
]);

/** The balancer used where none is named. */
export const defaultBalancer = "round-robin";
