import type { StringMap } from "../core/api/meta.ts";
import type { Client } from "../core/client/client.ts";
import { createEventRecorder } from "../core/client/event_recorder.ts";
import type { InformerFactory } from "../core/client/informer.ts";
import { createInformers } from "../core/client/informers.ts";
import { localPathFolder } from "../core/kinds/local_path.ts";
import type { Node, Taint } from "../core/kinds/node.ts";
import { servingCertificateAnnotation } from "../core/kinds/node_server.ts";
import { fingerprint, selfSigned } from "../core/platform/certificates.ts";
import { resolvePath } from "../core/platform/files.ts";
import { lockFolder } from "../core/platform/folder_lock.ts";
import { LocalRoutes } from "../core/platform/local_routes.ts";
import { type MachineFacts, machineFacts, primaryAddress } from "../core/platform/machine.ts";
import { fileSystemUsage } from "../core/platform/machine_usage.ts";
import { readResolverConfig, resolverFile } from "../core/platform/resolver_config.ts";
import type { Clock } from "../core/util/clock.ts";
import { compact } from "../core/util/compact.ts";
import { DisposalStack } from "../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../core/util/log.ts";
import type { MetricFamily } from "../core/util/prometheus.ts";
import { gitVersion } from "../core/version.ts";
import { type Dns, startDns } from "./dns/dns.ts";
import { withDeadline } from "./kubelet/deadline.ts";
import { type Kubelet, startKubelet } from "./kubelet/kubelet.ts";
import { LocalPathFolders } from "./kubelet/local_path.ts";
import { type NodeNews, nodeReference } from "./kubelet/node_events.ts";
import { type NodeIdentity, nodeCapacity } from "./kubelet/node_object.ts";
import { type NodeStatusReporter, startNodeStatus } from "./kubelet/node_status.ts";
import type { ShutdownPeriods } from "./kubelet/plan_shutdown.ts";
import { PodFolders } from "./kubelet/pod_folders.ts";
import { defaultClusterDomain } from "./kubelet/pod_hostname.ts";
import { type KubeletServerOptions, startKubeletServer } from "./kubelet/server.ts";
import { fileSource } from "./kubelet/sources/file.ts";
import { startPodEndpoint } from "./kubelet/sources/server.ts";
import type { PodSource } from "./kubelet/sources/source.ts";
import { startNews } from "./kubelet/start_news.ts";
import { ensureFolder } from "./kubelet/volumes/files.ts";
import { kubeletConfiguration } from "./kubelet_configuration.ts";
import { allocatableOf, type NodeCarePolicy, nodeCare } from "./node_care.ts";
import { startHostPorts } from "./proxy/host_ports.ts";
import { startProxy } from "./proxy/proxy.ts";
import { openRuntime, type RuntimeName } from "./runtime/mod.ts";
import type { ContainerRuntime, LogLimits, Ulimit } from "./runtime/runtime.ts";

/** Options of {@linkcode startNode}. */
export interface NodeOptions {
  /** How the API is reached. Stays the caller's. */
  readonly client: Client;
  /** Shared caches; default: its own. */
  readonly informers?: InformerFactory | undefined;
  /** Default: this machine. */
  readonly machine?: MachineFacts | undefined;
  /** Default: the machine's host name. */
  readonly nodeName?: string | undefined;
  /** Addresses of the node, most important first. Default: the machine's first. */
  readonly nodeIPs?: readonly string[] | undefined;
  /** Folder for what belongs to pods. */
  readonly rootDir: string;
  /** `process`, `docker`, `auto`, `fake`, or one that is open already (and stays the caller's). Default `auto`. */
  readonly runtime?: RuntimeName | ContainerRuntime | undefined;
  /** Image of the docker runtime's pause container. */
  readonly sandboxImage?: string | undefined;
  /** How much of containers' logs is kept. Default: `defaultLogLimits`. */
  readonly logLimits?: LogLimits | undefined;
  /** Limits of each process of a pod. Default: those that the runtime's programs have. */
  readonly defaultUlimits?: readonly Ulimit[] | undefined;
  /** Range of pod addresses, where the runtime leaves them to the kubelet. Default: `spec.podCIDR` of the Node, once it is there. */
  readonly podCidr?: string | undefined;
  /** PEM of the authority whose client certificates may use the daemon's server. Absent: there is no server. */
  readonly clientCa?: string | undefined;
  /** Default `0.0.0.0`. */
  readonly serverAddress?: string | undefined;
  /** 0: any that is free. Default 10250. */
  readonly serverPort?: number | undefined;
  /** False: no service proxy. Default: node ports on 127.0.0.1 and the node's own addresses. */
  readonly proxy?:
    | false
    | {
        readonly nodePortAddresses?: readonly string[];
        readonly balancer?: string;
        /** Other nodes of this machine that the proxy serves. */
        readonly neighbours?: ReadonlySet<string>;
      }
    | undefined;
  /** False: names of services are not answered on this node. */
  readonly dns?: false | { readonly port?: number } | undefined;
  /** Servers that pods ask for names. Default: the Service `kube-dns`'s addresses, where they are answered. */
  readonly clusterDns?: readonly string[] | undefined;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string | undefined;
  /** Path of the `resolv.conf` of pods that use the node's resolvers; empty: they use none. Default: the machine's. */
  readonly resolvConf?: string | undefined;
  readonly labels?: StringMap | undefined;
  readonly taints?: readonly Taint[] | undefined;
  /** Default 110. */
  readonly maxPods?: number | undefined;
  /** Kernel parameters that pods may set though others may feel it; with `*` at the end all that begin so. Default: none. */
  readonly unsafeSysctls?: readonly string[] | undefined;
  /** Where pods come from besides the API. */
  readonly sources?: readonly PodSource[] | undefined;
  /** A UNIX socket on which the node takes pods. */
  readonly podSocket?: string | undefined;
  /** There is no API: pods come from the sources alone. Default false. */
  readonly standalone?: boolean | undefined;
  /** How it keeps itself from running out of memory, disk and processes. Default: as Kubernetes does. */
  readonly care?: NodeCarePolicy | undefined;
  /** Ends all pods in order at disposal. Default: they are left running. */
  readonly drainOnExit?: boolean | undefined;
  /** At disposal the node shuts down: it says so, and ends its pods in order in that time. Default: it does not. */
  readonly shutdown?: ShutdownPeriods | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Aborts the start. Later it is disposal that ends the daemon. */
  readonly signal?: AbortSignal | undefined;
}

/** For the master to hear that the node shuts down, or why it did not start. */
const lastReportMs = 3000;
/** The folder is watched: this is for what a watch may miss. */
const socketCheckMs = 20_000;

/** A running node daemon. */
export interface NodeDaemon extends AsyncDisposable {
  readonly nodeName: string;
  /** Port of its server; 0 when there is none. */
  readonly port: number;
  /** Name of the container runtime that was chosen. */
  readonly runtime: string;
  readonly kubelet: Kubelet;
}

/** Starts a node daemon: runtime, kubelet, server, service proxy and DNS. Resolves when the node is registered and its pods are adopted. */
export async function startNode(options: NodeOptions): Promise<NodeDaemon> {
  const { client, clock, random, log, signal } = options;
  const parts = new DisposalStack();
  const failed = new AbortController();
  let onFailure = async (_error: unknown) => {};
  try {
    const { machine = machineFacts() } = options;
    const nodeName = options.nodeName ?? machine.hostname;
    const nodeIPs = options.nodeIPs && options.nodeIPs.length > 0 ? options.nodeIPs : [primaryAddress()];
    const rootDir = resolvePath(options.rootDir);
    await ensureFolder(rootDir, 0o700);
    // Two daemons that manage the same containers would undo each other's work.
    parts.use(await lockFolder(rootDir, "start the node"));

    const runtime = await runtimeOf({ ...options, nodeName }, rootDir, parts);
    const informers = options.informers ?? parts.use(createInformers({ client, clock, random, log }));
    const recorder = parts.use(
      createEventRecorder({ client, clock, random, log, component: "kubelet", host: nodeName }),
    );
    const record = (news: NodeNews) => recorder.record(nodeReference(nodeName), news);
    onFailure = async (error) => {
      record({ type: "Warning", reason: "KubeletSetupFailed", message: errorMessage(error) });
      const waiting = { clock, timeoutMs: lastReportMs, signal: new AbortController().signal };
      await withDeadline(waiting, () => recorder.written()).catch(() => {});
    };
    const maxPods = options.maxPods ?? 110;
    const { totalBytes: diskBytes } = await fileSystemUsage(rootDir);
    const capacity = nodeCapacity({ machine, diskBytes, maxPods });
    const allocatable = allocatableOf(capacity, options.care);

    const kubelet = new LateKubelet();
    const care = parts.use(
      nodeCare({ ...options.care, nodeName, machine, capacity, rootDir, runtime, recorder, clock, log }),
    );
    const stats = { nodeName, machine, rootDir };
    const configuration = kubeletConfiguration(options);
    const server = await serve({ ...options, nodeName, nodeIPs, runtime, kubelet, stats, configuration }, parts);
    const folders = new PodFolders(rootDir);
    const localPath = parts.use(
      new LocalPathFolders({ nodeName, folder: folders.localPathFolder, client, clock, log }),
    );
    const identity: NodeIdentity = {
      name: nodeName,
      machine,
      addresses: nodeIPs,
      labels: options.labels ?? {},
      annotations: { ...server.annotations, [localPathFolder]: folders.localPathFolder },
      taints: options.taints ?? [],
      diskBytes,
      maxPods,
      allocatable,
      port: server.port,
      runtimeVersion: runtime.version,
      runtimeFeatures: {
        supplementalGroupsPolicy: runtime.strictGroups,
        recursiveReadOnlyMounts: runtime.recursiveReadOnly,
      },
      kubeletVersion: gitVersion,
    };
    let range = options.podCidr;
    const localRoutes = parts.use(new LocalRoutes());
    const onNode = async (podCidr: string | undefined) => {
      range = options.podCidr ?? podCidr ?? range;
      if (range === undefined) return;
      // Processes get their addresses on this host itself: 127.0.0.0/8 is there already, other ranges are made so.
      if (runtime.listensOnPodIP && !range.startsWith("127.") && !(await localRoutes.add(range)))
        log.warn("Cannot give pods addresses of this range without the right to change routes", { range });
      kubelet.setPodRange(range);
    };
    const sources = await sourcesOf({ ...options, nodeName }, rootDir, parts);
    if (range !== undefined && sources.length > 0) await onNode(undefined);
    let isShuttingDown = false;
    let reporter: NodeStatusReporter | undefined;
    const register = async () => {
      if (options.standalone) return;
      const onChange = (node: Node) => {
        void onNode(node.spec?.podCIDR);
        localPath.onNode(node);
      };
      const pressure = (looking: AbortSignal) => care.pressure(looking);
      const common = { identity, client, informers, runtime, pressure, recorder, clock, log, signal };
      const shuttingDown = () => isShuttingDown;
      reporter = parts.use(await startNodeStatus({ ...common, shuttingDown, onNode: onChange }));
      care.onChange(() => reporter?.reportSoon());
    };
    const { clusterDns = [], clusterDomain = defaultClusterDomain, resolvConf } = options;
    const resolvers = resolvConf === "" ? undefined : () => readResolverConfig(resolvConf);
    let dns: Dns | undefined;
    const answerNames = async () => {
      if (options.dns === false || options.standalone || clusterDomain === "") return;
      const port = options.dns?.port;
      const nameservers = async () => (await resolvers?.())?.nameservers ?? [];
      const common = { informers, clusterDomain, localRoutes, clock, random, log, signal };
      dns = parts.use(await startDns({ ...common, resolvers: nameservers, port }));
    };
    const run = async () =>
      parts.use(
        await startKubelet({
          nodeName,
          nodeIPs,
          rootDir,
          client,
          informers,
          runtime,
          recorder,
          allocatable,
          pressure: () => care.conditions(),
          imageRecords: care.imageRecords,
          unsafeSysctls: options.unsafeSysctls,
          podRange: range,
          sources,
          standalone: options.standalone,
          names: {
            servers: () => (clusterDns.length > 0 ? clusterDns : (dns?.addresses ?? [])),
            domain: clusterDomain,
            resolvers,
          },
          clock,
          random,
          log,
          signal: signal ? AbortSignal.any([signal, failed.signal]) : failed.signal,
        }),
      );
    // The node's own pods do not wait for a master.
    const running = sources.length > 0 ? run() : undefined;
    running?.catch(() => {});
    await Promise.all([register(), answerNames()]);
    const started = await (running ?? run());
    kubelet.set(started);
    const config = await resolvers?.().catch(() => undefined);
    const resolver = config && { path: resolvConf ?? resolverFile, config };
    for (const news of startNews({ machine, resolver, domain: clusterDomain })) record(news);
    care.start(started);
    if (range !== undefined) started.setPodRange(range);
    if (options.proxy !== false && !options.standalone) {
      const { nodePortAddresses = [...new Set(["127.0.0.1", ...nodeIPs])], ...rest } = options.proxy ?? {};
      const common = { informers, clock, random, log, signal };
      parts.use(await startProxy({ ...common, ...rest, nodeName, nodePortAddresses, localRoutes }));
    }
    if (!runtime.publishesHostPorts && !options.standalone)
      parts.use(startHostPorts({ informers, nodeName, nodeIPs, clock, random, log, localRoutes }));
    // Last, so that it comes first at the end: pods that end still reach their services.
    if (options.drainOnExit && !options.shutdown)
      parts.defer(() => started.drain({ signal: new AbortController().signal }));
    const periods = options.shutdown;
    if (periods)
      parts.defer(async () => {
        isShuttingDown = true;
        record({ type: "Normal", reason: "Shutdown", message: "Shutdown manager detected shutdown event" });
        const { signal } = new AbortController();
        const told = withDeadline({ clock, timeoutMs: lastReportMs, signal }, async (cut) =>
          reporter?.reportNow({ signal: cut }),
        ).catch((error: unknown) => log.warn("Cannot tell that the node shuts down", { error: errorMessage(error) }));
        await Promise.all([told, started.drain({ signal, periods })]);
      });
    return {
      nodeName,
      port: server.port,
      runtime: runtime.name,
      kubelet: started,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    };
  } catch (error) {
    if (!signal?.aborted) await onFailure(error);
    failed.abort(error);
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

/** Where pods come from besides the API. What its socket is told a node keeps in a folder of its own. */
async function sourcesOf(
  { sources = [], podSocket, nodeName, log }: NodeOptions & { readonly nodeName: string },
  rootDir: string,
  parts: DisposalStack,
): Promise<readonly PodSource[]> {
  if (podSocket === undefined) return sources;
  const folder = `${rootDir}/manifests`;
  parts.use(await startPodEndpoint({ socket: podSocket, folder, nodeName, log }));
  return [...sources, fileSource({ path: folder, checkMs: socketCheckMs, source: "server" })];
}

async function runtimeOf(
  {
    runtime = "auto",
    nodeName,
    sandboxImage,
    logLimits,
    defaultUlimits,
    clock,
    random,
    log,
    signal,
  }: NodeOptions & { readonly nodeName: string },
  rootDir: string,
  parts: DisposalStack,
): Promise<ContainerRuntime> {
  if (typeof runtime !== "string") return runtime;
  const given = compact({ podInfraImage: sandboxImage, defaultUlimits });
  return parts.use(
    await openRuntime(runtime, {
      rootDir: `${rootDir}/runtime`,
      nodeName,
      logLimits,
      clock,
      random,
      log,
      signal,
      ...given,
    }),
  );
}

/** The daemon's server, and what the Node has to say so that the master trusts it. */
async function serve(
  {
    clientCa,
    serverAddress = "0.0.0.0",
    serverPort = 10250,
    nodeName,
    nodeIPs,
    runtime,
    kubelet,
    stats,
    configuration,
    client,
    clock,
    log,
  }: NodeOptions & {
    readonly nodeName: string;
    readonly nodeIPs: readonly string[];
    readonly runtime: ContainerRuntime;
    readonly kubelet: LateKubelet;
    readonly stats: KubeletServerOptions["stats"];
    readonly configuration: KubeletServerOptions["configuration"];
  },
  parts: DisposalStack,
): Promise<{ readonly port: number; readonly annotations: StringMap }> {
  if (clientCa === undefined) return { port: 0, annotations: {} };
  const commonName = `system:node:${nodeName}`;
  const { certificate, key } = await selfSigned({ commonName, usage: "server", ipAddresses: nodeIPs, clock });
  const server = parts.use(
    await startKubeletServer({
      host: serverAddress,
      port: serverPort,
      tls: { cert: certificate, key },
      clientCa,
      pods: kubelet.pods,
      probeMetrics: () => kubelet.probeMetrics(),
      runtime,
      access: { nodeName, client, clock },
      stats,
      configuration,
      clock,
      log,
    }),
  );
  return { port: server.port, annotations: { [servingCertificateAnnotation]: fingerprint(certificate) } };
}

/** The kubelet before it has started: the server's port has to be known before the node can be registered. */
class LateKubelet {
  #kubelet: Kubelet | undefined;

  readonly pods: Kubelet["pods"] = {
    get: (namespace, name) => this.#kubelet?.pods.get(namespace, name),
    list: () => this.#kubelet?.pods.list() ?? [],
  };

  probeMetrics(): readonly MetricFamily[] {
    return this.#kubelet?.probeMetrics() ?? [];
  }

  set(kubelet: Kubelet): void {
    this.#kubelet = kubelet;
  }

  setPodRange(cidr: string): void {
    this.#kubelet?.setPodRange(cidr);
  }
}
