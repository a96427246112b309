import type { Pod } from "../../core/kinds/pod.ts";
import type { ResolverConfig } from "../../core/platform/resolver_config.ts";

/** What a node knows of how its pods find names. */
export interface NameSettings {
  /** Servers of the cluster's names, as far as they answer now. */
  servers(): readonly string[];
  /** Domain under which services are, e.g. `cluster.local`. */
  readonly domain: string;
  /** Reads what the node itself uses; absent: pods are to use nothing of it. */
  readonly resolvers?: (() => Promise<ResolverConfig>) | undefined;
}

/** How a pod finds names, and what somebody should know of that. */
export interface PodDns {
  readonly config: ResolverConfig;
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

/** Reason of events about what a pod's `resolv.conf` lacks. */
export const forming = "DNSConfigForming";

const maxServers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;
const maxPathCharacters = 253;
/** That of the pod's namespace, of services and of the cluster. */
const clusterSearches = 3;

/**
 * What pods would lose of a node's own `resolv.conf`; undefined when they lose nothing. Pure.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/network/dns, CheckLimitsForResolvConf
 */
export function resolverLimits(
  { searches }: ResolverConfig,
  { path, domain }: { readonly path: string; readonly domain: string },
): string | undefined {
  const most = domain === "" ? maxSearches : maxSearches - clusterSearches;
  const line = `Resolv.conf file '${path}' contains search line`;
  if (searches.length > most) return `${line} consisting of more than ${most} domains!`;
  if (searches.some((search) => search.length > maxPathCharacters))
    return `Resolv.conf file ${JSON.stringify(path)} contains a search path which length is more than allowed ${maxPathCharacters} chars!`;
  if (searches.join(" ").length <= maxSearchCharacters) return undefined;
  return `${line} which length is more than allowed ${maxSearchCharacters} chars!`;
}

/**
 * How a pod finds names. Pure.
 *
 * @param options.servers the cluster's, which the pod can reach
 * @param options.node what the node uses; undefined: pods are to use nothing of it
 * @see https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
 */
export function podDns(
  { metadata, spec }: Pod,
  options: {
    readonly servers: readonly string[];
    readonly domain: string;
    readonly node: ResolverConfig | undefined;
  },
): PodDns {
  const { name = "", namespace = "", uid = "" } = metadata;
  const { dnsPolicy = "ClusterFirst", dnsConfig = {}, hostNetwork = false } = spec;
  const isCluster = dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && !hostNetwork);
  const isMissing = isCluster && options.servers.length === 0;
  const base =
    dnsPolicy === "None" ? nothing : isCluster && !isMissing ? clusterConfig(namespace, options) : nodeConfig(options);
  const nameservers = unique([...base.nameservers, ...(dnsConfig.nameservers ?? [])]);
  const searches = unique([...base.searches, ...(dnsConfig.searches ?? [])]);
  const config = {
    nameservers: nameservers.slice(0, maxServers),
    searches: fitting(searches),
    options: mergedOptions(base.options, dnsConfig.options ?? []),
  };
  const warnings: PodDns["warnings"][number][] = [];
  if (isMissing) {
    const message = `pod: "${name}_${namespace}(${uid})". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.`;
    warnings.push({ reason: "MissingClusterDNS", message });
  }
  if (config.nameservers.length < nameservers.length) {
    const message = `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${config.nameservers.join(" ")}`;
    warnings.push({ reason: forming, message });
  }
  if (config.searches.length < searches.length) {
    const message = `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${config.searches.join(" ")}`;
    warnings.push({ reason: forming, message });
  }
  return { config, warnings };
}

/** Whether a pod asks for names in a way that is not the default. */
export function asksForOwnNames({ spec }: Pod): boolean {
  const { dnsPolicy = "ClusterFirst", dnsConfig, hostAliases = [] } = spec;
  return (
    dnsPolicy === "None" || dnsPolicy === "ClusterFirstWithHostNet" || dnsConfig !== undefined || hostAliases.length > 0
  );
}

const nothing: ResolverConfig = { nameservers: [], searches: [], options: [] };

function clusterConfig(
  namespace: string,
  {
    servers,
    domain,
    node,
  }: { readonly servers: readonly string[]; readonly domain: string; readonly node: ResolverConfig | undefined },
): ResolverConfig {
  const own = domain === "" ? [] : [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return { nameservers: servers, searches: unique([...own, ...(node?.searches ?? [])]), options: ["ndots:5"] };
}

/** Without resolvers of the node, and without a word, programs would ask their own machine: it is the same, said. */
function nodeConfig({ node }: { readonly node: ResolverConfig | undefined }): ResolverConfig {
  return node ?? { nameservers: ["127.0.0.1"], searches: ["."], options: [] };
}

function fitting(searches: readonly string[]): readonly string[] {
  let kept = searches.slice(0, maxSearches);
  while (kept.join(" ").length > maxSearchCharacters) kept = kept.slice(0, -1);
  return kept;
}

/** What the pod says of an option goes before what was said. */
function mergedOptions(
  base: readonly string[],
  more: readonly { readonly name?: string; readonly value?: string }[],
): readonly string[] {
  const merged = new Map<string, string>();
  for (const option of base) {
    const colon = option.indexOf(":");
    merged.set(colon < 0 ? option : option.slice(0, colon), colon < 0 ? "" : option.slice(colon + 1));
  }
  for (const { name, value = "" } of more) if (name) merged.set(name, value);
  return [...merged].map(([name, value]) => (value === "" ? name : `${name}:${value}`));
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
