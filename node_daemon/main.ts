import type { Client } from "../core/client/client.ts";
import { ConnectionError } from "../core/client/connection_error.ts";
import type { FlagValues } from "../core/flags/flag.ts";
import type { NodeFlags } from "../core/flags/node_flags.ts";
import { configMap } from "../core/kinds/configmap.ts";
import { readTextFile, resolvePath } from "../core/platform/files.ts";
import { localAddresses } from "../core/platform/network.ts";
import { stateDirectory } from "../core/platform/process.ts";
import type { Clock } from "../core/util/clock.ts";
import { compact } from "../core/util/compact.ts";
import { parseDuration } from "../core/util/duration.ts";
import type { Logger } from "../core/util/log.ts";
import { carePolicy, logLimits, shutdownPeriods } from "./care_flags.ts";
import { parseLabels, parseSysctls, parseTaints, parseUlimits } from "./flags.ts";
import { fileSource } from "./kubelet/sources/file.ts";
import { httpSource } from "./kubelet/sources/http.ts";
import type { PodSource } from "./kubelet/sources/source.ts";
import { type NodeDaemon, startNode } from "./node.ts";
import type { RuntimeName } from "./runtime/mod.ts";

/** What the flags of the node daemon say. */
export type NodeFlagValues = FlagValues<NodeFlags>;

/** Options of {@linkcode startNodeDaemon}. */
export interface NodeDaemonOptions {
  readonly flags: NodeFlagValues;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The node daemon as its flags describe it. @throws SyntaxError for flags that cannot be read */
export async function startNodeDaemon({ flags, client, ...rest }: NodeDaemonOptions): Promise<NodeDaemon> {
  const clientCa = flags.standalone ? undefined : await authorityOf({ flags, client, ...rest });
  const nodePortRanges = flags["nodeport-addresses"].flatMap((text) => text.split(","));
  const nodePortAddresses = nodePortRanges.length > 0 ? localAddresses(nodePortRanges) : undefined;
  return await startNode({
    ...rest,
    client,
    nodeName: flags["hostname-override"],
    nodeIPs: flags["node-ip"].flatMap((text) => text.split(",")),
    rootDir: flags["root-dir"] ?? stateDirectory("node"),
    runtime: runtimeName(flags["container-runtime"]),
    logLimits: logLimits(flags),
    sandboxImage: flags["pod-infra-container-image"],
    defaultUlimits: parseUlimits(flags["default-ulimit"]),
    podCidr: flags["pod-cidr"] ?? (flags.standalone ? standalonePodCidr : undefined),
    clientCa,
    serverAddress: flags.address,
    serverPort: flags.port,
    proxy: flags["run-proxy"] ? compact({ nodePortAddresses, balancer: flags["proxy-balancer"] }) : false,
    dns: flags["run-dns"] ? {} : false,
    clusterDns: flags["cluster-dns"].flatMap((text) => text.split(",")),
    clusterDomain: flags["cluster-domain"],
    resolvConf: flags["resolv-conf"],
    labels: parseLabels(flags["node-labels"]),
    taints: parseTaints(flags["register-with-taints"]),
    maxPods: flags["max-pods"],
    unsafeSysctls: parseSysctls(flags["allowed-unsafe-sysctls"]),
    care: carePolicy(flags),
    shutdown: shutdownPeriods(flags),
    drainOnExit: flags["drain-on-exit"],
    sources: podSources(flags),
    podSocket: flags["pod-socket"],
    standalone: flags.standalone,
  });
}

/** Addresses of pods where no master gives any: of this machine alone. */
const standalonePodCidr = "127.64.0.0/24";

/** Who may use the daemon's server: whom the flags name, or the master. */
async function authorityOf({ flags, ...rest }: NodeDaemonOptions): Promise<string> {
  const file = flags["client-ca-file"];
  if (file === undefined) return await publishedAuthority(rest);
  const authority = await readTextFile(file);
  if (authority === undefined) throw new Error(`Cannot read --client-ca-file: there is no file ${file}`);
  return authority;
}

/** Where pods come from besides the API. @throws SyntaxError for flags that cannot be read */
function podSources(flags: NodeFlagValues): readonly PodSource[] {
  const path = flags["pod-manifest-path"];
  const url = flags["manifest-url"];
  const sources: PodSource[] = [];
  if (path) sources.push(fileSource({ path: resolvePath(path), checkMs: durationOf(flags, "file-check-frequency") }));
  if (!url) return sources;
  if (!/^https?:\/\/[^/]/.test(url)) throw new SyntaxError(`Cannot use --manifest-url: use http or https, not ${url}`);
  const headers = flags["manifest-url-header"].map((text): readonly [string, string] => {
    const colon = text.indexOf(":");
    if (colon < 1) throw new SyntaxError("Cannot read --manifest-url-header: use name:value");
    return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  });
  return [...sources, httpSource({ url, headers, checkMs: durationOf(flags, "http-check-frequency") })];
}

/** Milliseconds; at least one second, so that nothing is asked at full speed. */
function durationOf(flags: NodeFlagValues, name: "file-check-frequency" | "http-check-frequency"): number {
  return Math.max(1000, parseDuration(flags[name]));
}

const authenticationConfig = { namespace: "kube-system", name: "extension-apiserver-authentication" };
const retryMs = 1000;

/**
 * The authority of the certificate that the master will show, as the master itself says over a connection that is
 * trusted. Waits for a master that is not up yet: daemons are started in any order.
 */
async function publishedAuthority({ client, clock, log, signal }: Omit<NodeDaemonOptions, "flags">): Promise<string> {
  for (;;) {
    try {
      const { data } = await client.get(configMap, authenticationConfig, { signal });
      const authority = data?.["client-ca-file"];
      if (authority) return authority;
      throw new Error(
        `Cannot tell the master from others: ConfigMap ${authenticationConfig.name} names no client-ca-file; pass --client-ca-file`,
      );
    } catch (error) {
      if (!(error instanceof ConnectionError) || error.code !== "ECONNREFUSED") throw error;
      log.warn("Waiting for the master", { error: error.message });
      await clock.sleep(retryMs, { signal });
    }
  }
}

const runtimeNames: readonly RuntimeName[] = ["auto", "process", "docker", "fake"];

function runtimeName(text: string): RuntimeName {
  const name = runtimeNames.find((known) => known === text);
  if (!name)
    throw new SyntaxError(`Cannot use --container-runtime ${JSON.stringify(text)}: use ${runtimeNames.join(", ")}`);
  return name;
}
