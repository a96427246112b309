import type { ResourceType } from "../core/api/kind.ts";
import type { KubeObject, ObjectKey } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import type { KubeconfigCluster, KubeconfigUser } from "../core/client/load_kubeconfig.ts";
import type { LogOptions } from "../core/client/logs.ts";
import type { WaitDeletedOptions, WaitOptions } from "../core/client/wait_for.ts";
import type { Random } from "../core/platform/random.ts";
import type { Clock } from "../core/util/clock.ts";
import type { Logger } from "../core/util/log.ts";
import type { MasterOptions } from "../master_daemon/master_options.ts";
import type { RuntimeName } from "../node_daemon/runtime/mod.ts";
import type { SimulatedCluster, SimulationOptions } from "./simulation/simulated_cluster.ts";
import { startProcesses } from "./start_processes.ts";

/** Options of {@linkcode startCluster}. */
export interface ClusterOptions {
  /** How many nodes. Default 1. */
  readonly nodes?: number | undefined;
  /** What runs containers. Default `process`. */
  readonly runtime?: RuntimeName | undefined;
  /** Folder that keeps the cluster. Default: nothing lasts, and what nodes need on disk is removed at the end. */
  readonly dataDir?: string | undefined;
  /** Address of the API. Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Port of the API; 0, the default: any that is free. */
  readonly port?: number | undefined;
  /**
   * Address of the node, for a cluster of one. Default: addresses out of the cluster's own loopback range, which nobody else
   * reaches. Containers on Docker's bridge do not either: with its address (172.17.0.1, as a rule) they get to node ports and
   * `status.hostIP`, and so does whoever else may send packets there.
   */
  readonly nodeIP?: string | undefined;
  /** Ranges of this machine's addresses on which node ports are served. Default: the nodes' addresses. */
  readonly nodePortRanges?: readonly string[] | undefined;
  /** Image of the docker runtime's pause container. */
  readonly podInfraImage?: string | undefined;
  /** What the controllers take, e.g. `nodeMonitorGracePeriodMs`. */
  readonly controllers?: MasterOptions["controllers"];
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Makes every random choice of the cluster repeatable. */
  readonly seed?: number | undefined;
  /** Default: the machine's randomness, or that of `seed`. */
  readonly random?: Random | undefined;
  /** Default: says nothing. */
  readonly log?: Logger | undefined;
  /** Gives up the start when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** What a command in a container printed, and how it ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A running cluster. Disposing stops its pods and everything else.
 *
 * Its methods are the functions of the same names (`apply`, `waitFor`, `logLines`, `exec`) with its client and its clock.
 */
export interface Cluster extends AsyncDisposable {
  /** Its API, in this process, as an administrator. */
  readonly client: Client;
  /** Its API over TLS, for other programs: see `kubeconfig`. */
  readonly url: string;
  /** How kubeconfigs name it and its administrator. */
  readonly credentials: { readonly cluster: KubeconfigCluster; readonly user: KubeconfigUser };
  /** A kubeconfig file's text, for kubectl and client libraries. */
  readonly kubeconfig: string;
  readonly clock: Clock;
  /** What runs the containers. */
  readonly runtime: string;
  /** Names of the nodes that run. */
  readonly nodes: readonly string[];
  /** Applies objects, or manifests as YAML or JSON text, as `kubectl apply` does. Namespaced objects without a namespace go to `default`. */
  apply(manifests: string | KubeObject | readonly KubeObject[]): Promise<readonly KubeObject[]>;
  /** Waits for a condition, or a predicate, of an object. @throws StatusError Timeout after `timeoutMs` of the cluster's clock */
  waitFor<T extends KubeObject>(kind: ResourceType<T>, key: ObjectKey, options: WaitOptions<T>): Promise<T>;
  /** Waits until an object is gone. */
  waitFor<T extends KubeObject>(
    kind: ResourceType<T>,
    key: ObjectKey,
    options: WaitDeletedOptions,
  ): Promise<T | undefined>;
  /** The lines of a container's log. */
  logs(pod: ObjectKey, options?: LogOptions): AsyncIterable<string>;
  /** Runs a program with its arguments (no shell) in a container, to its end. */
  exec(
    pod: ObjectKey,
    command: readonly string[],
    options?: { readonly container?: string; readonly stdin?: string; readonly signal?: AbortSignal },
  ): Promise<CommandResult>;
  /** Starts one more node. Resolves with its name once it is registered. */
  addNode(): Promise<string>;
  /** Stops a node's daemon as a crash would: its containers go on, nobody tells the master. @throws RangeError for a name that is none */
  killNode(name: string): Promise<void>;
}

/**
 * Starts a whole cluster in this process: API server with a real HTTPS address, store, controllers, scheduler, nodes with
 * their service proxy.
 *
 * @example
 * await using cluster = await startCluster();
 * await cluster.apply(manifest);
 * await cluster.waitFor(deployment, { namespace: "default", name: "web" }, { condition: "Available" });
 */
export function startCluster(options?: ClusterOptions): Promise<Cluster>;
/**
 * Starts a cluster without a machine: its nodes are played, its clock stands still until it is told to move, and all that
 * happens follows from the seed.
 *
 * @example
 * await using cluster = await startCluster({ nodes: 100, runtime: "fake", clock: "fake", seed: 7 });
 * await cluster.apply(manifest);
 * await cluster.killNode("node-3");
 * await cluster.advance("7d");
 */
export function startCluster(options: SimulationOptions): Promise<SimulatedCluster>;
export async function startCluster(
  options: ClusterOptions | SimulationOptions = {},
): Promise<Cluster | SimulatedCluster> {
  if (!isSimulation(options)) return startProcesses(options);
  const { startSimulation } = await import("./simulation/simulated_cluster.ts");
  return startSimulation(options);
}

function isSimulation(options: ClusterOptions | SimulationOptions): options is SimulationOptions {
  return options.clock === "fake";
}
