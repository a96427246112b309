import type { StringMap } from "../../core/api/meta.ts";
import { bytesValue, milliCpu, parseQuantity } from "../../core/api/quantity.ts";
import { splitFieldPath } from "../../core/kinds/field_ref_validation.ts";
import type { Container, Pod, ResourceFieldSelector } from "../../core/kinds/pod.ts";

/** What the downward API knows besides the pod: addresses are known before they stand in its status. */
export interface PodFacts {
  readonly pod: Pod;
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
  /** What a container without limits may use: the node's allocatable. */
  readonly allocatable: StringMap;
}

/**
 * The value of a field of the pod, as `fieldRef` gives it.
 *
 * @throws Error `unsupported fieldPath: x`
 * @see https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields
 */
export function podField(fieldPath: string, { pod, podIPs, hostIPs }: PodFacts): string {
  const { path, key } = splitFieldPath(fieldPath);
  const { metadata, spec } = pod;
  const map =
    path === "metadata.labels" ? metadata.labels : path === "metadata.annotations" ? metadata.annotations : undefined;
  if (key !== undefined) return map !== undefined && Object.hasOwn(map, key) ? (map[key] ?? "") : "";
  switch (path) {
    case "metadata.labels":
    case "metadata.annotations":
      return formatMap(map ?? {});
    case "metadata.name":
      return metadata.name ?? "";
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
      return hostIPs[0] ?? "";
    case "status.hostIPs":
      return hostIPs.join(",");
    case "status.podIP":
      return podIPs[0] ?? "";
    case "status.podIPs":
      return podIPs.join(",");
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** A map as the downward API writes it: a line `key="value"` each, sorted. */
function formatMap(map: StringMap): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");
}

/**
 * A request or limit of a container, as `resourceFieldRef` gives it: in units of the divisor, rounded up. Where the
 * container sets no limit, what the node has to give.
 *
 * @throws Error for an unknown container or resource
 */
export function resourceField(
  { containerName, resource, divisor }: ResourceFieldSelector,
  facts: PodFacts,
  own: Container | undefined,
): string {
  const { spec } = facts.pod;
  const container = containerName
    ? [...spec.containers, ...(spec.initContainers ?? [])].find(({ name }) => name === containerName)
    : own;
  if (!container) throw new Error(`container "${containerName ?? ""}" not found`);
  const [side = "", name = ""] = splitOnce(resource);
  if (side !== "limits" && side !== "requests") throw new Error(`unsupported container resource : ${resource}`);
  const { limits = {}, requests = {} } = container.resources ?? {};
  const written = side === "limits" ? (limits[name] ?? facts.allocatable[name]) : requests[name];
  const unit = divisor === undefined || String(divisor) === "0" ? "1" : divisor;
  if (name === "cpu") return String(Math.ceil(milliCpu(written) / milliCpu(unit)));
  return String(divideUp(BigInt(bytesValue(written)), parseQuantity(unit).nano / 1_000_000_000n || 1n));
}

function splitOnce(text: string): readonly string[] {
  const dot = text.indexOf(".");
  return dot < 0 ? [text] : [text.slice(0, dot), text.slice(dot + 1)];
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
