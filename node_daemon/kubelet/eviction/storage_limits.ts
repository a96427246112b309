import {
  addQuantities,
  bytesValue,
  canonicalQuantity,
  formatQuantity,
  parseQuantity,
} from "../../../core/api/quantity.ts";
import type { Container, Pod } from "../../../core/kinds/pod.ts";
import type { PodSummary } from "../stats/summary_document.ts";
import type { DiskLayout } from "./rank_pods.ts";

const resource = "ephemeral-storage";

/** Whether the pod says how much it may keep on the node's disk. */
export function hasStorageLimit(pod: Pod): boolean {
  return pod.spec.containers.some((container) => limitOf(container) !== undefined);
}

/**
 * Why a pod has to go that keeps more on the node's disk than it may, in Kubernetes' words; undefined while it does not. What its
 * containers write, their logs and the pod's own volumes count together, and the first two for each container. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/storage/ephemeral-storage/#resource-emphemeralstorage-consumption
 */
export function storageLimitExceeded(pod: Pod, use: PodSummary, { imagesApart }: DiskLayout): string | undefined {
  const limits = pod.spec.containers.flatMap((container) => limitOf(container) ?? []);
  const [first, ...others] = limits.map(parseQuantity);
  if (!first) return undefined;
  const total = formatQuantity(others.reduce(addQuantities, first));
  if ((use[resource]?.usedBytes ?? 0) > bytesValue(total))
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `;
  for (const { name, rootfs, logs } of use.containers) {
    const spec = pod.spec.containers.find((container) => container.name === name);
    const limit = spec && limitOf(spec);
    const used = (logs?.usedBytes ?? 0) + (imagesApart ? 0 : (rootfs?.usedBytes ?? 0));
    if (limit !== undefined && used > bytesValue(limit))
      return `Container ${name} exceeded its local ephemeral storage limit "${canonicalQuantity(limit)}". `;
  }
  return undefined;
}

function limitOf({ resources }: Container): string | number | undefined {
  const limit = resources?.limits?.[resource];
  return limit !== undefined && bytesValue(limit) > 0 ? limit : undefined;
}
