import type { Pod } from "../../../core/kinds/pod.ts";
import { type CpuTopology, cpuTopology, type MachineFacts } from "../../../core/platform/machine.ts";
import { buildMetrics, processMetrics } from "../../../core/platform/process_usage.ts";
import type { Clock } from "../../../core/util/clock.ts";
import type { Logger } from "../../../core/util/log.ts";
import { type MetricFamily, renderMetrics } from "../../../core/util/prometheus.ts";
import { gitVersion, kubernetesVersion } from "../../../core/version.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import { cadvisorMetrics, readDetails } from "./cadvisor_metrics.ts";
import { machineInfo } from "./machine_info.ts";
import { usageByPod } from "./pod_usage.ts";
import { resourceMetrics } from "./resource_metrics.ts";
import { summaryOf } from "./summary.ts";
import type { Summary } from "./summary_document.ts";
import { type DiskSample, UsageReader } from "./usage_reader.ts";

/** Options of {@linkcode StatsDocuments}. */
export interface StatsOptions {
  readonly nodeName: string;
  readonly machine: MachineFacts;
  readonly rootDir: string;
  readonly runtime: ContainerRuntime;
  readonly pods: { list(): readonly Pod[] };
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the node daemon tells of the use of its machine, made when it is asked for. */
export class StatsDocuments {
  readonly #options: StatsOptions;
  readonly #reader: UsageReader;
  /** It does not change while the machine runs. */
  #topology: Promise<CpuTopology | undefined> | undefined;

  /** @param signal ends every look */
  constructor(options: StatsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#reader = new UsageReader(options, signal);
  }

  /**
   * `/stats/summary`.
   *
   * @returns with the seconds over which CPU use was measured
   */
  async summary({
    onlyCpuAndMemory,
  }: {
    readonly onlyCpuAndMemory: boolean;
  }): Promise<{ readonly summary: Summary; readonly windowSeconds: number }> {
    const { nodeName, machine, pods } = this.#options;
    const [samples, disk] = await Promise.all([
      this.#reader.pair(),
      onlyCpuAndMemory ? undefined : this.#reader.disk(),
    ]);
    const summary = summaryOf({
      nodeName,
      memoryCapacityBytes: machine.memoryBytes,
      samples,
      pods: usageByPod(pods.list(), samples),
      disk,
    });
    return { summary, windowSeconds: (samples.now.monotonic - samples.before.monotonic) / 1000 };
  }

  /** `/metrics/resource`. */
  async resourceMetrics(): Promise<string> {
    const sample = await this.#reader.sample();
    return renderMetrics(resourceMetrics(sample, usageByPod(this.#options.pods.list(), { now: sample })));
  }

  /** `/metrics/cadvisor`. */
  async cadvisorMetrics(): Promise<string> {
    const { machine, runtime, pods } = this.#options;
    const [sample, disk] = await Promise.all([this.#reader.sample(), this.#reader.disk()]);
    const usage = usageByPod(pods.list(), { now: sample });
    const [details, topology] = await Promise.all([readDetails(sample), this.#cpuTopology()]);
    const runtimeVersion = runtime.version;
    return renderMetrics(cadvisorMetrics({ machine, topology, runtimeVersion, sample, disk, details, pods: usage }));
  }

  /** `/metrics`: of the daemon itself, and of the volumes of claims. */
  async ownMetrics(signal: AbortSignal): Promise<string> {
    const { nodeName, runtime, pods } = this.#options;
    const [own, containers, disk] = await Promise.all([
      processMetrics(),
      // An engine that is down does not keep the daemon from telling of itself.
      runtime.listContainers({ signal }).catch(() => []),
      this.#reader.disk(),
    ]);
    const states = ["created", "running", "exited"] as const;
    const running = new Set(containers.filter(({ state }) => state === "running").map(({ podUid }) => podUid));
    return renderMetrics([
      gauge("kubelet_node_name", "The node's name; always 1.", [{ labels: { node: nodeName }, value: 1 }]),
      gauge(
        "kubelet_running_containers",
        "Containers by state.",
        states.map((state) => ({
          labels: { container_state: state },
          value: containers.filter((container) => container.state === state).length,
        })),
      ),
      gauge("kubelet_running_pods", "Pods with a container that runs.", [{ value: running.size }]),
      ...volumeMetrics(disk, pods.list()),
      buildMetrics({ major: kubernetesVersion.major, minor: kubernetesVersion.minor, gitVersion }),
      ...own,
    ]);
  }

  /** `/spec`: the machine. */
  async machineInfo(): Promise<object> {
    const [{ machine: usage, at }, { node }, topology] = await Promise.all([
      this.#reader.sample(),
      this.#reader.disk(),
      this.#cpuTopology(),
    ]);
    return machineInfo({ facts: this.#options.machine, topology, usage, fileSystem: node, at });
  }

  #cpuTopology(): Promise<CpuTopology | undefined> {
    this.#topology ??= cpuTopology();
    return this.#topology;
  }
}

function gauge(name: string, help: string, samples: MetricFamily["samples"]): MetricFamily {
  return { name, type: "gauge", help, samples };
}

/** How full the volumes of claims are. @see https://kubernetes.io/docs/reference/instrumentation/metrics/ */
function volumeMetrics({ volumes }: DiskSample, pods: readonly Pod[]): readonly MetricFamily[] {
  const claimed = volumes.flatMap((volume) => {
    const pod = pods.find(({ metadata }) => metadata.uid === volume.podUid);
    const claim = pod?.spec.volumes?.find(({ name }) => name === volume.name)?.persistentVolumeClaim?.claimName;
    const labels = { namespace: pod?.metadata.namespace ?? "", persistentvolumeclaim: claim ?? "" };
    return claim === undefined ? [] : [{ labels, volume }];
  });
  const family = (name: string, help: string, figure: (volume: DiskSample["volumes"][number]) => number) =>
    gauge(
      `kubelet_volume_stats_${name}`,
      help,
      claimed.map(({ labels, volume }) => ({ labels, value: figure(volume) })),
    );
  return [
    family("available_bytes", "Bytes that are free.", ({ fileSystem }) => fileSystem.freeBytes),
    family("capacity_bytes", "Bytes that there are.", ({ fileSystem }) => fileSystem.totalBytes),
    family("used_bytes", "Bytes in use.", ({ bytes }) => bytes),
    family("inodes", "Files that there is room for.", ({ fileSystem }) => fileSystem.inodes),
    family("inodes_free", "Files that there is room for still.", ({ fileSystem }) => fileSystem.inodesFree),
    family("inodes_used", "Files.", ({ inodes }) => inodes),
  ];
}
