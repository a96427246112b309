import type { Client } from "../core/client/client.ts";
import { ConnectionError } from "../core/client/connection_error.ts";
import type { FlagValues } from "../core/flags/flag.ts";
import type { NodeFlags } from "../core/flags/node_flags.ts";
import { configMap } from "../core/kinds/configmap.ts";
import { readTextFile } from "../core/platform/files.ts";
import { localAddresses } from "../core/platform/network.ts";
import { stateDirectory } from "../core/platform/process.ts";
import type { Clock } from "../core/util/clock.ts";
import { compact } from "../core/util/compact.ts";
import type { Logger } from "../core/util/log.ts";
import { parseLabels, parseTaints } from "./flags.ts";
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
  const caFile = flags["client-ca-file"];
  const clientCa = caFile === undefined ? await publishedAuthority({ client, ...rest }) : await readTextFile(caFile);
  if (clientCa === undefined) throw new Error(`Cannot read --client-ca-file: there is no file ${caFile}`);
  const nodePortRanges = flags["nodeport-addresses"].flatMap((text) => text.split(","));
  const nodePortAddresses = nodePortRanges.length > 0 ? localAddresses(nodePortRanges) : undefined;
  return await startNode({
    ...rest,
    client,
    nodeName: flags["hostname-override"],
    nodeIPs: flags["node-ip"].flatMap((text) => text.split(",")),
    rootDir: flags["root-dir"] ?? stateDirectory("node"),
    runtime: runtimeName(flags["container-runtime"]),
    sandboxImage: flags["pod-infra-container-image"],
    podCidr: flags["pod-cidr"],
    clientCa,
    serverAddress: flags.address,
    serverPort: flags.port,
    proxy: flags["run-proxy"] ? compact({ nodePortAddresses, balancer: flags["proxy-balancer"] }) : false,
    labels: parseLabels(flags["node-labels"]),
    taints: parseTaints(flags["register-with-taints"]),
    maxPods: flags["max-pods"],
    drainOnExit: flags["drain-on-exit"],
  });
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
