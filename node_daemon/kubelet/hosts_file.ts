import type { Pod } from "../../core/kinds/pod.ts";
import type { PodFacts } from "./pod_fields.ts";
import { podHostname } from "./pod_hostname.ts";

/** Where a container's system looks for the names of hosts. */
export const hostsPath = "/etc/hosts";

/** What tells people, and the kubelet's tests, who writes the file: word for word Kubernetes'. */
const header = "# Kubernetes-managed hosts file";

/** A name for every system, then the pod's own. */
const localLines: readonly (readonly string[])[] = [
  ["127.0.0.1", "localhost"],
  ["::1", "localhost", "ip6-localhost", "ip6-loopback"],
  ["fe00::0", "ip6-localnet"],
  ["fe00::0", "ip6-mcastprefix"],
  ["fe00::1", "ip6-allnodes"],
  ["fe00::2", "ip6-allrouters"],
];

/**
 * The hosts file of a pod's containers. Pure.
 *
 * @param nodeFile the node's own, for a pod in the node's network; empty for others
 * @see https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
 */
export function hostsFile(
  { pod, podIPs }: Pick<PodFacts, "pod" | "podIPs">,
  nodeFile: string,
  clusterDomain?: string,
): string {
  const { hostNetwork = false, hostAliases = [] } = pod.spec;
  const text = hostNetwork
    ? `${header} (host network).\n${nodeFile}`
    : `${header}.\n${nodeFile || textOf(localLines)}${textOf(ownLines(pod, podIPs, clusterDomain))}`;
  if (hostAliases.length === 0) return text;
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => [ip, ...hostnames]);
  return `${text}\n# Entries added by HostAliases.\n${textOf(aliases)}`;
}

function ownLines(
  pod: Pod,
  podIPs: readonly string[],
  clusterDomain: string | undefined,
): readonly (readonly string[])[] {
  const { hostname, domain } = podHostname(pod, clusterDomain);
  return podIPs.map((ip) => (domain === undefined ? [ip, hostname] : [ip, `${hostname}.${domain}`, hostname]));
}

function textOf(lines: readonly (readonly string[])[]): string {
  return lines.map((fields) => `${fields.join("\t")}\n`).join("");
}
