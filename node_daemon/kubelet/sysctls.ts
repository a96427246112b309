import type { Pod } from "../../core/kinds/pod.ts";

/**
 * Kernel parameters that a pod may set without harm to its neighbours.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
 */
const safe: ReadonlySet<string> = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);

/** The first kernel parameter of a pod that this node does not let it set, in the API's spelling. */
export function forbiddenSysctl({ spec }: Pod): string | undefined {
  const { hostNetwork = false, hostIPC = false } = spec;
  return sysctlsOf(spec)
    .map(({ name }) => name)
    .find((name) => !safe.has(name) || (hostNetwork && name.startsWith("net.")) || (hostIPC && isIpc(name)));
}

/** Kernel parameters by name, with dots. */
export function sysctlsOf(spec: Pod["spec"]): readonly { readonly name: string; readonly value: string }[] {
  return (spec.securityContext?.sysctls ?? []).map(({ name, value }) => ({ name: name.replaceAll("/", "."), value }));
}

function isIpc(name: string): boolean {
  return name.startsWith("kernel.shm") || name.startsWith("kernel.msg") || name === "kernel.sem";
}
