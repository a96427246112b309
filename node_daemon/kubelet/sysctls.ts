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

/**
 * What is wrong with the first kernel parameter of a pod that this node does not let it set.
 *
 * @param unsafe those besides the safe ones that it does; with `*` at the end all that begin so
 */
export function forbiddenSysctl({ spec }: Pod, unsafe: readonly string[]): string | undefined {
  const { hostNetwork = false, hostIPC = false } = spec;
  for (const { name } of sysctlsOf(spec)) {
    if (!safe.has(name) && !unsafe.some((pattern) => fits(name, pattern)))
      return `forbidden sysctl: ${JSON.stringify(name)} not allowlisted`;
    const scope = scopeOf(name);
    if ((scope === "net" && hostNetwork) || (scope === "ipc" && hostIPC))
      return `forbidden sysctl: ${JSON.stringify(name)} not allowed with host ${scope} enabled`;
  }
  return undefined;
}

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** What has a value of its own of a kernel parameter, or of all that begin so; undefined: nothing, it is the machine's. */
export function scopeOf(name: string): "ipc" | "net" | undefined {
  if (name.startsWith("net.")) return "net";
  return name === "kernel.sem" || /^(kernel\.shm|kernel\.msg|fs\.mqueue\.)/.test(name) ? "ipc" : undefined;
}

/** Kernel parameters by name, with dots. */
export function sysctlsOf(spec: Pod["spec"]): readonly { readonly name: string; readonly value: string }[] {
  return (spec.securityContext?.sysctls ?? []).map(({ name, value }) => ({ name: name.replaceAll("/", "."), value }));
}
