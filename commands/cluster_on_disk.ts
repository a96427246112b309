import type { Cluster } from "../cluster/start_cluster.ts";
import { mergeContext } from "../core/client/edit_kubeconfig.ts";
import { kubeconfigPaths, loadKubeconfig } from "../core/client/load_kubeconfig.ts";
import type { FlagOf, FlagValues, FlagWithDefault } from "../core/flags/flag.ts";
import { joinPath, resolvePath } from "../core/platform/files.ts";
import { localAddresses } from "../core/platform/network.ts";
import { environmentVariable, homeDirectory } from "../core/platform/process.ts";
import { daemonLogger, loggingFlags } from "./daemon.ts";
import type { CommandEnv } from "./env.ts";
import { UsageError } from "./verb.ts";

/** Name of the context that `wherry up` puts into the kubeconfig. */
const contextName = "wherry";
const loopback = "127.0.0.1";

/** Flags of {@linkcode clusterFlags}. */
export interface ClusterFlags {
  readonly "log-level": FlagWithDefault<"string", string>;
  readonly "data-dir": FlagOf<"string">;
  readonly "bind-address": FlagWithDefault<"string", string>;
  readonly "secure-port": FlagWithDefault<"number", number>;
  readonly "container-runtime": FlagWithDefault<"string", string>;
  readonly "pod-infra-container-image": FlagOf<"string">;
  readonly nodes: FlagWithDefault<"number", number>;
  readonly "nodeport-addresses": FlagOf<"list">;
}

/** A cluster that was started, and where its kubeconfig is. */
export interface OpenCluster {
  readonly cluster: Cluster;
  readonly dataDir: string;
  readonly kubeconfig: string;
  /** Whether its context is the current one, so that nothing need be typed to reach it. */
  readonly isCurrent: boolean;
  /** An address of this machine on which node ports are served. */
  readonly nodePortAddress: string;
}

/** The flags of verbs that start a whole cluster in this process. */
export const clusterFlags: ClusterFlags = {
  "log-level": { ...loggingFlags["log-level"], default: "warn" },
  "data-dir": {
    type: "string",
    placeholder: "path",
    description: "Folder that keeps the cluster; default $WHERRY_DATA_DIR, else ~/.wherry.",
  },
  "bind-address": {
    type: "string",
    default: "127.0.0.1",
    placeholder: "address",
    description: "Address to serve the API on.",
  },
  "secure-port": {
    type: "number",
    default: 6443,
    placeholder: "port",
    description: "Port to serve the API on; 0 takes any free one.",
  },
  "container-runtime": {
    type: "string",
    default: "auto",
    placeholder: "name",
    description: "What runs containers: process, docker, or auto: docker where an engine answers.",
  },
  "pod-infra-container-image": {
    type: "string",
    placeholder: "image",
    description: "Image of the container that holds a pod's network (docker).",
  },
  nodes: { type: "number", default: 1, placeholder: "n", description: "Nodes to start." },
  "nodeport-addresses": {
    type: "list",
    placeholder: "range",
    description: "Addresses on which node ports are served, as ranges; default 127.0.0.1.",
  },
};

/** Starts the cluster of a folder, and writes how to reach it into kubeconfigs. */
export async function openCluster(flags: FlagValues<ClusterFlags>, env: CommandEnv): Promise<OpenCluster> {
  const { startCluster } = await import("../cluster/start_cluster.ts");
  const dataDir = resolvePath(
    flags["data-dir"] ?? environmentVariable("WHERRY_DATA_DIR") ?? joinPath(homeDirectory(), ".wherry"),
  );
  const runtime = runtimeNamed(flags["container-runtime"]);
  const ranges = flags["nodeport-addresses"].flatMap((text) => text.split(","));
  const nodePortRanges = ranges.length > 0 ? ranges : [loopback];
  const cluster = await startCluster({
    dataDir,
    host: flags["bind-address"],
    port: flags["secure-port"],
    nodes: flags.nodes,
    runtime,
    podInfraImage: flags["pod-infra-container-image"],
    nodeIP: loopback,
    nodePortRanges,
    clock: env.clock,
    random: env.random,
    log: daemonLogger(flags, env),
    signal: env.signal,
  });
  try {
    const own = joinPath(dataDir, "kubeconfig");
    const context = { name: contextName, cluster: cluster.credentials.cluster, user: cluster.credentials.user };
    await mergeContext(own, context, { setCurrent: true });
    const [path = own] = kubeconfigPaths({ path: env.kubeconfig });
    // Whoever works with other clusters keeps the context they chose.
    const before = env.kubeconfig === undefined ? (await loadKubeconfig()).currentContext : undefined;
    const isCurrent = before === undefined || before === contextName;
    if (path !== own) await mergeContext(path, context, { setCurrent: isCurrent });
    const [served = loopback] = localAddresses(nodePortRanges);
    // What is served on every address is served on this one.
    const nodePortAddress = served === "0.0.0.0" || served === "::" ? loopback : served;
    return { cluster, dataDir, kubeconfig: path, isCurrent, nodePortAddress };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

function runtimeNamed(name: string): "process" | "docker" | "auto" {
  if (name === "process" || name === "docker" || name === "auto") return name;
  throw new UsageError(`invalid --container-runtime "${name}": use process, docker or auto`);
}

/** What to type after the program's name to reach the cluster. */
export function contextHint(isCurrent: boolean): string {
  return isCurrent ? "" : ` --context ${contextName}`;
}
