import { bytesValue } from "../../../core/api/quantity.ts";
import type { Pod } from "../../../core/kinds/pod.ts";
import { podRequests } from "../../../core/kinds/pod_resources.ts";
import type { FsStats, PodSummary } from "../stats/summary_document.ts";
import { factsOf, type Observations, type Signal, type StarvedResource } from "./signals.ts";
import { amountOf, amountText, type Threshold } from "./thresholds.ts";

/** What pods use, by their uid. */
export type PodUses = ReadonlyMap<string, PodSummary>;

/** Where what pods write counts: images may have a file system of their own, where containers write, too. */
export interface DiskLayout {
  readonly imagesApart: boolean;
}

/**
 * Pods in the order in which a node ends them: those that use more than they asked for first, then by priority, then by
 * how much more they use. For processes nobody asks: there it is priority and use. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction
 */
export function rankPods(
  pods: readonly Pod[],
  uses: PodUses,
  { signal, layout }: { readonly signal: Signal; readonly layout: DiskLayout },
): readonly Pod[] {
  const { resource } = factsOf(signal);
  const ranked = pods.map((pod) => {
    const use = uses.get(pod.metadata.uid ?? "");
    const used = use && useOf(pod, use, { signal, layout });
    const above = used === undefined ? Number.POSITIVE_INFINITY : used - requestOf(pod, resource);
    // Nothing is known of its use: it goes before those that keep to what they asked for.
    return { pod, exceeds: resource !== "pids" && above > 0, priority: pod.spec.priority ?? 0, above };
  });
  ranked.sort((a, b) => {
    if (a.exceeds !== b.exceeds) return a.exceeds ? -1 : 1;
    if (a.priority !== b.priority) return a.priority - b.priority;
    return a.above === b.above ? 0 : b.above - a.above;
  });
  return ranked.map(({ pod }) => pod);
}

function requestOf(pod: Pod, resource: StarvedResource): number {
  const { memoryBytes, ephemeralStorageBytes } = podRequests(pod);
  return resource === "memory" ? memoryBytes : resource === "ephemeral-storage" ? ephemeralStorageBytes : 0;
}

function useOf(
  pod: Pod,
  use: PodSummary,
  { signal, layout }: { readonly signal: Signal; readonly layout: DiskLayout },
): number {
  const { resource } = factsOf(signal);
  if (resource === "memory") return use.memory?.workingSetBytes ?? 0;
  if (resource === "pids") return use.process_stats?.process_count ?? 0;
  const ofImages = signal.startsWith("imagefs.");
  const roots = use.containers.map(({ rootfs }) => rootfs);
  const others = [...use.containers.map(({ logs }) => logs), ...ownVolumes(pod, use)];
  const parts = !layout.imagesApart ? [...roots, ...others] : ofImages ? roots : others;
  const amount = (part: FsStats | undefined) => (resource === "inodes" ? part?.inodesUsed : part?.usedBytes) ?? 0;
  return parts.reduce((sum, part) => sum + amount(part), 0);
}

/** Volumes on the node's disk that go with the pod. */
function ownVolumes({ spec }: Pod, { volume = [] }: PodSummary): readonly FsStats[] {
  return volume.filter(({ name }) => {
    const found = spec.volumes?.find((one) => one.name === name);
    return (
      found !== undefined && !found.persistentVolumeClaim && !found.hostPath && found.emptyDir?.medium !== "Memory"
    );
  });
}

/** Why a pod is ended, in Kubernetes' words. */
export function evictionMessage(
  pod: Pod,
  {
    threshold,
    observations,
    use,
  }: { readonly threshold: Threshold; readonly observations: Observations; readonly use: PodSummary | undefined },
): string {
  const { resource } = factsOf(threshold.signal);
  const observed = observations.get(threshold.signal);
  let message = `The node was low on resource: ${resource}. `;
  if (observed) {
    const quantity = amountText(amountOf(threshold.value, observed), "BinarySI");
    const isCount = resource === "inodes" || resource === "pids";
    const available = amountText(observed.available, isCount ? "DecimalSI" : "BinarySI");
    message += `Threshold quantity: ${quantity}, available: ${available}. `;
  }
  if (resource !== "memory" && resource !== "ephemeral-storage") return message;
  const specs = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  for (const { name, memory, rootfs, logs } of use?.containers ?? []) {
    const spec = specs.find((one) => one.name === name);
    const written =
      rootfs?.usedBytes === undefined || logs?.usedBytes === undefined ? undefined : rootfs.usedBytes + logs.usedBytes;
    const used = resource === "memory" ? memory.workingSetBytes : written;
    const request = bytesValue(spec?.resources?.requests?.[resource]);
    if (!spec || used === undefined || used <= request) continue;
    const asked = spec.resources?.requests?.[resource] ?? "0";
    message += `Container ${name} was using ${amountText(used, "BinarySI")}, request is ${asked}, has larger consumption of ${resource}. `;
  }
  return message;
}
