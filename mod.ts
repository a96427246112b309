/**
 * wherry as a library: a typed client of any Kubernetes, the kinds it serves, and whole clusters inside one process.
 *
 * @example
 * import { deployment, startCluster } from "wherry";
 *
 * await using cluster = await startCluster();
 * await cluster.apply(manifest);
 * await cluster.waitFor(deployment, { namespace: "default", name: "web" }, { condition: "Available" });
 */

export type { RestartOptions, SimulatedComponent } from "./cluster/simulation/interruptions.ts";
export type { ApiFaults } from "./cluster/simulation/network.ts";
export type { SimulatedCluster, SimulationOptions } from "./cluster/simulation/simulated_cluster.ts";
export { type Cluster, type ClusterOptions, type CommandResult, startCluster } from "./cluster/start_cluster.ts";
export * from "./core/api/mod.ts";
export * from "./core/client/mod.ts";
export { type RolloutProgress, rolloutProgress } from "./core/kinds/deployment_rollout.ts";
export * from "./core/kinds/mod.ts";
export { systemClock } from "./core/platform/clock.ts";
export { type Random, seededRandom, systemRandom } from "./core/platform/random.ts";
export type { Clock } from "./core/util/clock.ts";
export { FakeClock } from "./core/util/fake_clock.ts";
export { createLogger, type Logger, type LogLevel, silentLogger } from "./core/util/log.ts";
export { version } from "./core/version.ts";
