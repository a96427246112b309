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
import { startNode } from "../node_daemon/node.ts";
import { playedCare, workstationCare } from "../node_daemon/node_care.ts";
import { findDocker } from "../node_daemon/runtime/find_docker.ts";
import type { RuntimeName } from "../node_daemon/runtime/mod.ts";
import { ClusterNodes } from "./cluster_nodes.ts";
import { clusterOf } from "./cluster_of.ts";
import { type ClusterState, readState, writeState } from "./cluster_state.ts";
import { claimLoopbackRanges, hostServiceRange, type LoopbackRanges, podRangeOf } from "./loopback_ranges.ts";
import { nodesTakePods } from "./nodes_take_pods.ts";
import type { Cluster, ClusterOptions } from "./start_cluster.ts";

/** Milliseconds that a start waits for nodes to be ready: a runtime that does not answer is no reason to give up. */
const readyLimitMs = 1000;

/** Starts a cluster of this machine's processes, containers or, with the runtime `fake`, of neither. */
export async function startProcesses(options: ClusterOptions): Promise<Cluster> {
  const { clock = systemClock, log = silentLogger, dataDir, signal, nodes: count = 1 } = options;
  const random = options.random ?? (options.seed === undefined ? systemRandom : seededRandom(options.seed));
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`Cannot start a cluster: nodes must be a whole number, not ${count}`);
  const parts = new DisposalStack();
  try {
    const runtime = await chooseRuntime(options.runtime, clock);
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
          clusterCidr: podRangeOf(ranges, { isPlayed: runtime === "fake", nodes: count }),
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
    const addNode = nodeStarter({
      ...options,
      master,
      nodes,
      count,
      secondByte,
      rootDir,
      runtime,
      clientCa,
      clock,
      random,
      log,
    });
    await Promise.all(Array.from({ length: count }, addNode));
    await nodesTakePods(nodes.names, { informers: master.informers, clock: systemClock, limitMs: readyLimitMs });
    nodesStarted.resolve();
    return clusterOf({ master, nodes, addNode, token: state.token, clock, parts, caPem: clientCa });
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

/** What {@linkcode nodeStarter} needs. */
interface NodeStarterOptions extends Pick<ClusterOptions, "nodeIP" | "nodePortRanges" | "podInfraImage" | "signal"> {
  readonly master: Master;
  /** Takes the nodes that were started. */
  readonly nodes: ClusterNodes;
  /** How many there will be at first. */
  readonly count: number;
  readonly secondByte: number;
  readonly rootDir: string;
  readonly runtime: RuntimeName;
  readonly clientCa: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Starts one node more at each call, and resolves with its name. */
function nodeStarter(options: NodeStarterOptions): () => Promise<string> {
  const { master, nodes, count, secondByte, rootDir, runtime, clientCa, clock, random, log, signal } = options;
  const isPlayed = runtime === "fake";
  const addressOf = (index: number) => (count === 1 && index === 0 && options.nodeIP) || nodeAddress(secondByte, index);
  const nodePortAddresses = options.nodePortRanges
    ? localAddresses(options.nodePortRanges)
    : Array.from({ length: Math.max(1, count) }, (_, index) => addressOf(index));
  const nodeNames = new Set<string>();
  return async () => {
    const index = nodeNames.size;
    const nodeName = `node-${index}`;
    nodeNames.add(nodeName);
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
      proxy: index === 0 ? { nodePortAddresses, neighbours: nodeNames } : false,
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

/** The last addresses of the pod range, which no node's pods get: 127.X.127.1 and up. */
function nodeAddress(secondByte: number, index: number): string {
  return `127.${secondByte}.${127 - Math.floor(index / 250)}.${(index % 250) + 1}`;
}
