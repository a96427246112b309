import { compact } from "../util/compact.ts";
import { semanticEqual } from "./semantic_equal.ts";
import type { Service, ServicePort, ServiceSpec } from "./service.ts";
import { needsHealthCheck } from "./service_defaults.ts";

/** A service as a client means it: its addresses agree, and an update has what was given to it before. */
export function withAllocations(next: Service, previous?: Service): Service {
  const matching = withMatchingAddresses(next, previous);
  return previous ? keepAllocations(matching, previous) : matching;
}

/**
 * Gives `clusterIPs` what a client that knows of `clusterIP` only says by it. Who names `clusterIPs` names both.
 *
 * @see k8s.io/kubernetes/pkg/registry/core/service/storage, normalizeClusterIPs
 */
function withMatchingAddresses(next: Service, previous: Service | undefined): Service {
  const { clusterIP = "", clusterIPs } = next.spec ?? {};
  const of = (addresses: readonly string[] | undefined) => ({
    ...next,
    spec: compact<ServiceSpec>({ ...next.spec, clusterIPs: addresses }),
  });
  if (!previous) return clusterIP && !clusterIPs?.length ? of([clusterIP]) : next;
  const { clusterIP: old = "", clusterIPs: oldAddresses } = previous.spec ?? {};
  if (clusterIP === old) return clusterIPs?.length ? next : of(oldAddresses);
  if (!semanticEqual(clusterIPs, oldAddresses)) return next;
  return of(clusterIP ? [clusterIP] : undefined);
}

/**
 * What an update keeps of the allocations that it does not mention, and drops of those its new type has no use for:
 * clients apply services without the cluster IP and node ports that they were given.
 *
 * @see k8s.io/kubernetes/pkg/registry/core/service, patchAllocatedValues and dropTypeDependentFields
 */
function keepAllocations(next: Service, previous: Service): Service {
  const old = previous.spec ?? {};
  const spec = keepHealthCheckPort(dropUnused(next.spec ?? {}, old), old);
  const cleared = spec.clusterIP === undefined || spec.clusterIP === "";
  const keepsAddress = spec.type !== "ExternalName" && old.type !== "ExternalName";
  const patched = compact<ServiceSpec>({
    ...spec,
    ...(keepsAddress && cleared ? { clusterIP: old.clusterIP } : {}),
    ...(keepsAddress && !spec.clusterIPs?.length ? { clusterIPs: old.clusterIPs } : {}),
    ...(keepsAddress && !spec.ipFamilies?.length ? { ipFamilies: old.ipFamilies } : {}),
    ...(keepsAddress && spec.ipFamilyPolicy === undefined ? { ipFamilyPolicy: old.ipFamilyPolicy } : {}),
    ports: hasNodePorts(spec) && hasNodePorts(old) ? keepNodePorts(spec.ports, old.ports ?? []) : spec.ports,
  });
  return { ...next, spec: patched };
}

/** Keeps the port that balancers ask for the service's health, or drops it when nobody asks any more. */
function keepHealthCheckPort(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  const { healthCheckNodePort } = old;
  if (!needsHealthCheck(old) || (spec.healthCheckNodePort ?? healthCheckNodePort) !== healthCheckNodePort) return spec;
  return compact<ServiceSpec>({
    ...spec,
    healthCheckNodePort: needsHealthCheck(spec) ? healthCheckNodePort : undefined,
  });
}

/** Whether a service of this type may have ports on nodes. */
export function hasNodePorts({ type }: ServiceSpec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

function keepNodePorts(
  ports: readonly ServicePort[] | undefined,
  old: readonly ServicePort[],
): readonly ServicePort[] | undefined {
  const keyOf = ({ port, protocol }: ServicePort) => `${port}/${protocol ?? "TCP"}`;
  const allocated = new Map(old.map((port) => [keyOf(port), port.nodePort]));
  const taken = new Set(ports?.map((port) => port.nodePort));
  return ports?.map((port) => {
    const nodePort = allocated.get(keyOf(port));
    return port.nodePort || nodePort === undefined || taken.has(nodePort) ? port : { ...port, nodePort };
  });
}

/** Drops what was allocated for the old type, unless the update sets it anew. */
function dropUnused(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  if (spec.type === old.type) return spec;
  const dropNodePorts = hasNodePorts(old) && !hasNodePorts(spec);
  const known = new Set(old.ports?.map((port) => port.nodePort));
  return compact<ServiceSpec>({
    ...(spec.type === "ExternalName" ? dropAddresses(spec, old) : spec),
    ...(dropNodePorts
      ? {
          ports: spec.ports?.map(({ nodePort, ...port }) =>
            nodePort === undefined || known.has(nodePort) ? port : { ...port, nodePort },
          ),
          ...(spec.externalTrafficPolicy === old.externalTrafficPolicy && !spec.externalIPs?.length
            ? { externalTrafficPolicy: undefined }
            : {}),
        }
      : {}),
    ...(old.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts
      ? { allocateLoadBalancerNodePorts: undefined }
      : {}),
    ...(old.type === "LoadBalancer" && spec.loadBalancerClass === old.loadBalancerClass
      ? { loadBalancerClass: undefined }
      : {}),
  });
}

/** A name outside of the cluster has no addresses. Those that the update changes stay, to be refused. */
function dropAddresses(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  const isSame = (now: readonly string[] | undefined, before: readonly string[] = []) =>
    !now?.length || (now.length === before.length && now.every((value, index) => value === before[index]));
  const hasSameAddress = !spec.clusterIP || spec.clusterIP === old.clusterIP;
  const dropsAddresses = hasSameAddress && isSame(spec.clusterIPs, old.clusterIPs);
  return compact<ServiceSpec>({
    ...spec,
    ...(dropsAddresses ? { clusterIP: undefined, clusterIPs: undefined } : {}),
    ...(isSame(spec.ipFamilies, old.ipFamilies) ? { ipFamilies: undefined } : {}),
    ...(spec.ipFamilyPolicy === old.ipFamilyPolicy ? { ipFamilyPolicy: undefined } : {}),
  });
}
