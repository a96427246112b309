import type { Container, ContainerStatus, Pod } from "../../../core/kinds/pod.ts";
import type { ContainerStats, PodNetworkStats } from "../../runtime/runtime.ts";
import type { Sample, SamplePair } from "./usage_reader.ts";

/** A container that runs, with what it uses. */
export interface ContainerUsage {
  readonly stats: ContainerStats;
  readonly spec: Container | undefined;
  readonly image: string;
  /** RFC 3339; undefined as long as the pod's status does not tell. */
  readonly startedAt: string | undefined;
  /** Billionths of a processor; undefined when it is too young to tell. */
  readonly nanoCores: number | undefined;
}

/** A pod of the node with its containers that run. */
export interface PodUsage {
  readonly pod: Pod;
  readonly containers: readonly ContainerUsage[];
  /** Absent when it is on the host's network. */
  readonly network: PodNetworkStats | undefined;
}

/** A container younger than this says little by what it used. */
const leastAgeMs = 100;

/** What the node's pods use, in the order of `pods`. What runs for no pod any more is left out. */
export function usageByPod(
  pods: readonly Pod[],
  { now, before }: { readonly now: Sample; readonly before?: Sample | undefined },
): readonly PodUsage[] {
  const byPod = new Map<string, ContainerStats[]>();
  for (const stats of now.containers) byPod.set(stats.podUid, [...(byPod.get(stats.podUid) ?? []), stats]);
  const earlier = new Map(before?.containers.map((stats) => [stats.id, stats]));
  const networks = new Map(now.networks.map((network) => [network.podUid, network]));
  return pods.map((pod) => {
    const uid = pod.metadata.uid ?? "";
    const containers = (byPod.get(uid) ?? []).map((stats): ContainerUsage => {
      const status = statusesOf(pod).find(({ name }) => name === stats.name);
      const startedAt = status?.state?.running?.startedAt;
      return {
        stats,
        spec: specsOf(pod).find(({ name }) => name === stats.name),
        image: status?.image ?? "",
        startedAt,
        nanoCores: nanoCores(stats, earlier.get(stats.id), startedAt),
      };
    });
    return { pod, containers, network: networks.get(uid) };
  });
}

/** How much of the processors something used between two samples, in billionths of one. */
export function nanoCoresOf({ before, now }: SamplePair, figure: (sample: Sample) => number): number {
  const ms = now.monotonic - before.monotonic;
  return ms > 0 ? Math.max(0, Math.round(((figure(now) - figure(before)) / ms) * 1000)) : 0;
}

/** Between two looks at it; of a container that began in between, since it began. */
function nanoCores(
  stats: ContainerStats,
  earlier: ContainerStats | undefined,
  startedAt: string | undefined,
): number | undefined {
  const from = earlier ?? { at: Date.parse(startedAt ?? ""), cpuNanoseconds: 0 };
  const ms = stats.at - from.at;
  if (!(ms >= leastAgeMs)) return undefined;
  return Math.max(0, Math.round(((stats.cpuNanoseconds - from.cpuNanoseconds) / ms) * 1000));
}

function specsOf({ spec }: Pod): readonly Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function statusesOf({ status }: Pod): readonly ContainerStatus[] {
  return [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
}
