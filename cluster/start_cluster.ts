import type { ResourceType } from "../core/api/kind.ts";
import type { JsonObject, KubeObject, ObjectKey } from "../core/api/meta.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import type { Client } from "../core/client/client.ts";
import { exec } from "../core/client/exec.ts";
import type { KubeconfigCluster, KubeconfigUser } from "../core/client/load_kubeconfig.ts";
import { type LogOptions, logLines } from "../core/client/logs.ts";
import { type WaitDeletedOptions, type WaitOptions, waitFor } from "../core/client/wait_for.ts";
import { systemClock } from "../core/platform/clock.ts";
import { joinPath, temporaryFolder } from "../core/platform/files.ts";
import { LocalRoutes } from "../core/platform/local_routes.ts";
import { localAddresses } from "../core/platform/network.ts";
import { type Random, seededRandom, systemRandom } from "../core/platform/random.ts";
import { randomToken } from "../core/platform/uuid.ts";
import type { Clock } from "../core/util/clock.ts";
import { deferred } from "../core/util/deferred.ts";
import { DisposalStack } from "../core/util/disposal_stack.ts";
import { type Logger, silentLogger } from "../core/util/log.ts";
import { type Master, startMaster } from "../master_daemon/master.ts";
import type { MasterOptions } from "../master_daemon/master_options.ts";
import { startNode } from "../node_daemon/node.ts";
import { playedCare, workstationCare } from "../node_daemon/node_care.ts";
import { findDocker } from "../node_daemon/runtime/find_docker.ts";
import type { RuntimeName } from "../node_daemon/runtime/mod.ts";
import { applyManifests } from "./apply_manifests.ts";
import { ClusterNodes } from "./cluster_nodes.ts";
import { type ClusterState, readState, writeState } from "./cluster_state.ts";
import { claimLoopbackRanges, hostServiceRange, type LoopbackRanges, podRangeOf } from "./loopback_ranges.ts";
import { nodesTakePods } from "./nodes_take_pods.ts";
import type { SimulatedCluster, SimulationOptions } from "./simulation/simulated_cluster.ts";

/** Milliseconds that a start waits for nodes to be ready: a runtime that does not answer is no reason to give up. */
const readyLimitMs = 1000;

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

async function startProcesses(options: ClusterOptions): Promise<Cluster> {
  const { clock = systemClock, log = silentLogger, dataDir, signal, nodes: count = 1 } = options;
  const random = options.random ?? (options.seed === undefined ? systemRandom : seededRandom(options.seed));
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`Cannot start a cluster: nodes must be a whole number, not ${count}`);
  const parts = new DisposalStack();
  try {
    const runtime = await chooseRuntime(options.runtime, clock);
    const isPlayed = runtime === "fake";
    const kept = dataDir === undefined ? undefined : await readState(dataDir);
    const ranges = parts.use(await claimLoopbackRanges({ random, preferred: kept?.secondByte }));
    const { secondByte } = ranges;
    const routes = parts.use(new LocalRoutes());
    const serviceRange = await openServiceRange({ kept: kept?.serviceRange, runtime, ranges, routes });
    const state: ClusterState = kept ?? { token: randomToken(), secondByte, serviceRange };
    if (dataDir !== undefined && !kept) await writeState(dataDir, state);
    const nodesStarted = deferred<void>();
    const master = parts.use(
      await startMaster({
        first: nodesStarted.promise,
        dataDir,
        listen: { host: options.host, port: options.port ?? 0 },
        tokens: new Map([[state.token, { username: "admin", groups: ["system:masters"] }]]),
        serviceClusterIpRange: serviceRange,
        controllers: {
          ...options.controllers,
          clusterCidr: podRangeOf(ranges, { isPlayed, nodes: count }),
        },
        clock,
        random,
        log,
        signal,
      }),
    );
    const rootDir =
      dataDir === undefined ? parts.use(await temporaryFolder("wherry-")).path : joinPath(dataDir, "nodes");
    const nodes = parts.use(new ClusterNodes({ clock, random, log, lasting: dataDir !== undefined }));
    const clientCa = await master.ca();
    const addressOf = (index: number) =>
      (count === 1 && index === 0 && options.nodeIP) || nodeAddress(secondByte, index);
    const nodePortAddresses = options.nodePortRanges
      ? localAddresses(options.nodePortRanges)
      : Array.from({ length: Math.max(1, count) }, (_, index) => addressOf(index));
    let started = 0;
    const addNode = async (): Promise<string> => {
      const index = started++;
      const nodeName = `node-${index}`;
      const nodeRoot = joinPath(rootDir, nodeName);
      const address = addressOf(index);
      const node = await startNode({
        client: master.nodeClient(nodeName),
        informers: master.informers,
        nodeName,
        nodeIPs: [address],
        rootDir: nodeRoot,
        runtime,
        sandboxImage: options.podInfraImage,
        clientCa,
        serverAddress: address,
        serverPort: 0,
        // One proxy serves the machine: the nodes share its addresses.
        proxy: index === 0 ? { nodePortAddresses } : false,
        // Containers that are played ask for no names.
        dns: isPlayed && index > 0 ? false : undefined,
        care: isPlayed ? playedCare : workstationCare,
        clock,
        random,
        log: log.with({ node: nodeName }),
        signal,
      });
      nodes.add(node, nodeRoot);
      return nodeName;
    };
    await Promise.all(Array.from({ length: count }, addNode));
    await nodesTakePods(nodes.names, { informers: master.informers, clock: systemClock, limitMs: readyLimitMs });
    nodesStarted.resolve();
    return clusterOf({ master, nodes, addNode, token: state.token, clock, parts, caPem: clientCa });
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

/** What `auto` means on this machine. */
async function chooseRuntime(name: RuntimeName = "process", clock: Clock): Promise<RuntimeName> {
  if (name !== "auto") return name;
  return (await findDocker({ clock })) ? "docker" : "process";
}

/**
 * The range of the services' addresses, which this machine answers for. Containers on a bridge have a loopback of their
 * own: where the system lets us, their services get addresses that lead to this host. Processes need none of that.
 */
async function openServiceRange({
  kept,
  runtime,
  ranges,
  routes,
}: {
  readonly kept: string | undefined;
  readonly runtime: RuntimeName;
  readonly ranges: LoopbackRanges;
  readonly routes: LocalRoutes;
}): Promise<string> {
  const hostRange = runtime === "docker" ? hostServiceRange(ranges.secondByte) : undefined;
  const wanted = kept ?? hostRange ?? ranges.serviceRange;
  if (wanted.startsWith("127.") || (await routes.add(wanted))) return wanted;
  return kept ?? ranges.serviceRange;
}

function clusterOf({
  master,
  nodes,
  addNode,
  token,
  clock,
  parts,
  caPem,
}: {
  readonly master: Master;
  readonly nodes: ClusterNodes;
  addNode(): Promise<string>;
  readonly token: string;
  readonly clock: Clock;
  readonly parts: DisposalStack;
  readonly caPem: string;
}): Cluster {
  const { client, url = "" } = master;
  const credentials = { cluster: { server: url, "certificate-authority-data": btoa(caPem) }, user: { token } };
  return {
    client,
    url,
    credentials,
    kubeconfig: formatYaml(kubeconfigOf(credentials)),
    clock,
    get runtime() {
      return nodes.runtime ?? "none";
    },
    get nodes() {
      return nodes.names;
    },
    apply: (manifests) => applyManifests(client, manifests),
    // The two forms of waitFor() differ only in what they resolve with.
    waitFor: (<T extends KubeObject>(kind: ResourceType<T>, key: ObjectKey, options: WaitOptions<T>) =>
      waitFor(client, kind, key, { clock, ...options })) as Cluster["waitFor"],
    logs: (pod, options) => logLines(client, pod, options),
    async exec(pod, command, { stdin, ...options } = {}) {
      const [stdout, stderr] = [new TextSink(), new TextSink()];
      const code = await exec(client, pod, {
        ...options,
        command,
        ...(stdin === undefined ? {} : { stdin: bytesOf(stdin) }),
        stdout: (bytes) => stdout.write(bytes),
        stderr: (bytes) => stderr.write(bytes),
      });
      return { code, stdout: stdout.text(), stderr: stderr.text() };
    },
    addNode,
    killNode: (name) => nodes.kill(name),
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

/** Collects bytes that are text. */
class TextSink {
  readonly #decoder = new TextDecoder();
  #text = "";

  write(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
  }

  text(): string {
    return this.#text + this.#decoder.decode();
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, void> {
  yield new TextEncoder().encode(text);
}

/** The last addresses of the pod range, which no node's pods get: 127.X.127.1 and up. */
function nodeAddress(secondByte: number, index: number): string {
  return `127.${secondByte}.${127 - Math.floor(index / 250)}.${(index % 250) + 1}`;
}

function kubeconfigOf({ cluster, user }: Cluster["credentials"]): JsonObject {
  const name = "wherry";
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { ...cluster } as JsonObject }],
    users: [{ name, user: { ...user } as JsonObject }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
}
