import type { EndpointSlice } from "../../core/kinds/endpoint_slice.ts";
import type { Service } from "../../core/kinds/service.ts";

/** Where traffic may go. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/** One address that the proxy listens on, and where its traffic goes. */
export interface ProxyRule {
  /** Whom it serves, for messages: `namespace/name:port`. */
  readonly service: string;
  readonly protocol: "TCP" | "UDP";
  readonly address: string;
  readonly port: number;
  /** Never empty means it listens; empty means connections are refused. */
  readonly endpoints: readonly Endpoint[];
  /** Name of a balancer; undefined: the proxy's default. */
  readonly balancer: string | undefined;
  /** Set for session affinity by client address. */
  readonly affinityTimeoutMs: number | undefined;
}

/** What the rules of a service depend on besides its objects. */
export interface RuleOptions {
  readonly nodeName: string;
  /** Other nodes of this machine whose traffic the proxy carries, so that what is on them is local, too. May grow. */
  readonly neighbours?: ReadonlySet<string> | undefined;
  /** Zone of the node, where it is known. */
  readonly zone?: string | undefined;
  /** Addresses on which node ports are served. */
  readonly nodePortAddresses: readonly string[];
}

/** Annotation of a Service that names its balancer. */
const balancerAnnotation = "wherry.dev/balancer";

/**
 * What the proxy has to do for one service. Pure.
 *
 * @param slices the service's EndpointSlices
 * @see https://kubernetes.io/docs/reference/networking/virtual-ips/
 */
export function serviceRules(
  service: Service,
  slices: readonly EndpointSlice[],
  options: RuleOptions,
): readonly ProxyRule[] {
  const { spec, metadata } = service;
  if (!spec || spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") return [];
  const affinityTimeoutMs =
    spec.sessionAffinity === "ClientIP"
      ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) * 1000
      : undefined;
  const rules: ProxyRule[] = [];
  for (const port of spec.ports ?? []) {
    const protocol = port.protocol ?? "TCP";
    if (protocol === "SCTP") continue;
    const common = {
      service: `${metadata.namespace}/${metadata.name}:${port.name || port.port}`,
      protocol,
      balancer: metadata.annotations?.[balancerAnnotation],
      affinityTimeoutMs,
    };
    const all = endpointsFor(slices, port.name ?? "", protocol);
    const near = nearest(all, options);
    const inside = spec.internalTrafficPolicy === "Local" ? onNodes(all, options) : near;
    for (const address of spec.clusterIPs ?? [spec.clusterIP]) {
      rules.push({ ...common, address, port: port.port, endpoints: usable(inside) });
    }
    if (port.nodePort && spec.type !== "ClusterIP") {
      const outside = spec.externalTrafficPolicy === "Local" ? onNodes(all, options) : near;
      for (const address of options.nodePortAddresses) {
        rules.push({ ...common, address, port: port.nodePort, endpoints: usable(outside) });
      }
    }
  }
  return rules;
}

interface Candidate extends Endpoint {
  readonly nodeName: string | undefined;
  readonly ready: boolean;
  readonly servingWhileTerminating: boolean;
  /** Whose traffic it is meant for; empty: anybody's. */
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
}

function endpointsFor(slices: readonly EndpointSlice[], portName: string, protocol: string): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    const port = slice.ports?.find((p) => (p.name ?? "") === portName && (p.protocol ?? "TCP") === protocol)?.port;
    if (!port) continue;
    for (const { addresses, conditions, nodeName, hints } of slice.endpoints) {
      const ip = addresses[0];
      if (!ip) continue;
      const terminating = conditions?.terminating === true;
      found.set(`${ip}:${port}`, {
        ip,
        port,
        nodeName,
        ready: conditions?.ready !== false && !terminating,
        servingWhileTerminating: terminating && conditions?.serving !== false,
        forNodes: (hints?.forNodes ?? []).map(({ name }) => name),
        forZones: (hints?.forZones ?? []).map(({ name }) => name),
      });
    }
  }
  return [...found.values()];
}

function onNodes(candidates: readonly Candidate[], options: RuleOptions): Candidate[] {
  return candidates.filter(({ nodeName }) => isServed(nodeName, options));
}

function isServed(name: string | undefined, { nodeName, neighbours }: RuleOptions): boolean {
  return name !== undefined && (name === nodeName || neighbours?.has(name) === true);
}

/**
 * Those that are meant for this node, else for its zone; all where one does not say whom it is meant for, or none is
 * meant for us.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#traffic-distribution
 */
function nearest(all: readonly Candidate[], options: RuleOptions): readonly Candidate[] {
  const ready = all.filter((candidate) => candidate.ready);
  for (const [names, isOurs] of [
    ["forNodes", (name: string) => isServed(name, options)],
    ["forZones", (name: string) => name === options.zone],
  ] as const) {
    if (!ready.every((candidate) => candidate[names].length > 0)) continue;
    const ours = ready.filter((candidate) => candidate[names].some(isOurs));
    if (ours.length > 0) return ours;
  }
  return all;
}

/** The ready ones; when none is, those that still serve while they terminate. Sorted, so that equal sets are equal lists. */
function usable(candidates: readonly Candidate[]): Endpoint[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  const chosen = ready.length > 0 ? ready : candidates.filter((candidate) => candidate.servingWhileTerminating);
  return chosen
    .map(({ ip, port }) => ({ ip, port }))
    .sort((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : a.port - b.port));
}
