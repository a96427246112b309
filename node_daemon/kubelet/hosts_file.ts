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
 * @param nodeFile the node's own, which a pod in the node's network sees
 * @see https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
 */
export function hostsFile({ pod, podIPs }: Pick<PodFacts, "pod" | "podIPs">, nodeFile: string): string {
  const { hostNetwork = false, hostAliases = [] } = pod.spec;
  const text = hostNetwork
    ? `${header} (host network).\n${nodeFile}`
    : `${header}.\n${[...localLines, ...ownLines(pod, podIPs)].map(lineOf).join("")}`;
  if (hostAliases.length === 0) return text;
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => lineOf([ip, ...hostnames]));
  return `${text}\n# Entries added by HostAliases.\n${aliases.join("")}`;
}

function ownLines(pod: Pod, podIPs: readonly string[]): readonly (readonly string[])[] {
  const { hostname, domain } = podHostname(pod);
  return podIPs.map((ip) => (domain === undefined ? [ip, hostname] : [ip, `${hostname}.${domain}`, hostname]));
}

function lineOf(fields: readonly string[]): string {
  return `${fields.join("\t")}\n`;
}
