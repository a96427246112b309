import type { StringMap } from "../../../core/api/meta.ts";
import type { Container, Handler, PodSecurityContext, SecurityContext } from "../../../core/kinds/pod.ts";
import {
  type Check,
  containersOf,
  containersText,
  type JudgedPod,
  namesWhere,
  plural,
  quoted,
  settersText,
  sortedSet,
  unlessUserNamespace,
  type Violation,
} from "./check.ts";

/**
 * The rules of the level `baseline`, in the order that violations are told.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
 */
export const baselineChecks: readonly Check[] = [
  { id: "appArmorProfile", since: [[0, appArmorProfile]] },
  { id: "capabilities_baseline", since: [[0, capabilities]] },
  { id: "hostNamespaces", since: [[0, hostNamespaces]] },
  { id: "hostPathVolumes", since: [[0, hostPathVolumes]] },
  { id: "hostPorts", since: [[0, hostPorts]] },
  { id: "hostProbesAndHostLifecycle", since: [[34, probeHosts]] },
  { id: "privileged", since: [[0, privileged]] },
  // biome-ignore format: one version a line
  { id: "procMount", since: [[0, procMount], [35, unlessUserNamespace(procMount)]] },
  // biome-ignore format: one version a line
  { id: "seLinuxOptions", since: [[0, seLinux("container_t", "container_init_t", "container_kvm_t")],
    [31, seLinux("container_t", "container_init_t", "container_kvm_t", "container_engine_t")]] },
  // biome-ignore format: one version a line
  { id: "seccompProfile_baseline", since: [[0, seccompAnnotations], [19, seccompProfile]] },
  { id: "sysctls", since: sysctlsByVersion() },
  { id: "windowsHostProcess", since: [[0, windowsHostProcess]] },
];

const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

function appArmorProfile(pod: JudgedPod): Violation | undefined {
  const typeOf = (context: PodSecurityContext | SecurityContext | undefined) => context?.appArmorProfile?.type;
  const isBad = (type: string | undefined) => type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";
  const podType = typeOf(pod.spec.securityContext);
  const containers = namesWhere(pod, (context) => isBad(typeOf(context)));
  const types = [podType, ...containersOf(pod).map(({ securityContext }) => typeOf(securityContext))];
  const annotations = Object.entries(pod.metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(appArmorPrefix) && !isAppArmorAnnotation(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const values = [...sortedSet(types.filter((type) => type !== undefined).filter(isBad)), ...annotations];
  if (values.length === 0) return undefined;
  const setters = [
    settersText(isBad(podType), containers),
    annotations.length > 0 ? plural(annotations.length, "annotation", "annotations") : undefined,
  ].filter((text) => text !== undefined);
  return {
    reason: plural(values.length, "forbidden AppArmor profile", "forbidden AppArmor profiles"),
    detail: `${setters.join(" and ")} must not set AppArmor profile type to ${quoted(values)}`,
  };
}

function isAppArmorAnnotation(value: string): boolean {
  return value === "" || value === "runtime/default" || value.startsWith("localhost/");
}

const defaultCapabilities: ReadonlySet<string> = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);

function capabilities(pod: JudgedPod): Violation | undefined {
  const forbidden = (context: SecurityContext) =>
    (context.capabilities?.add ?? []).filter((name) => !defaultCapabilities.has(name));
  const containers = namesWhere(pod, (context) => forbidden(context).length > 0);
  if (containers.length === 0) return undefined;
  const names = sortedSet(containersOf(pod).flatMap(({ securityContext }) => forbidden(securityContext ?? {})));
  return {
    reason: "non-default capabilities",
    detail: `${containersText(containers)} must not include ${quoted(names)} in securityContext.capabilities.add`,
  };
}

function hostNamespaces({ spec }: JudgedPod): Violation | undefined {
  const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((name) => spec[name] === true);
  if (shared.length === 0) return undefined;
  return { reason: "host namespaces", detail: shared.map((name) => `${name}=true`).join(", ") };
}

function hostPathVolumes({ spec }: JudgedPod): Violation | undefined {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return { reason: "hostPath volumes", detail: `${plural(names.length, "volume", "volumes")} ${quoted(names)}` };
}

function hostPorts(pod: JudgedPod): Violation | undefined {
  const portsOf = ({ ports = [] }: Container) => ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []));
  const containers = containersOf(pod).filter((container) => portsOf(container).length > 0);
  if (containers.length === 0) return undefined;
  const ports = sortedSet(containers.flatMap(portsOf));
  const uses = plural(containers.length, "uses", "use");
  const what = plural(ports.length, "hostPort", "hostPorts");
  return {
    reason: "hostPort",
    detail: `${containersText(containers.map(({ name }) => name))} ${uses} ${what} ${ports.join(", ")}`,
  };
}

function probeHosts(pod: JudgedPod): Violation | undefined {
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(handlerHosts);
  const containers = containersOf(pod).filter((container) => hostsOf(container).length > 0);
  if (containers.length === 0) return undefined;
  const hosts = sortedSet(containers.flatMap(hostsOf));
  const uses = plural(containers.length, "uses", "use");
  const what = plural(hosts.length, "probe or lifecycle host", "probe or lifecycle hosts");
  return {
    reason: "probe or lifecycle host",
    detail: `${containersText(sortedSet(containers.map(({ name }) => name)))} ${uses} ${what} ${quoted(hosts)}`,
  };
}

function handlerHosts(handler: Handler | undefined): readonly string[] {
  return [handler?.httpGet?.host, handler?.tcpSocket?.host].filter(
    (host): host is string => typeof host === "string" && host !== "",
  );
}

function privileged(pod: JudgedPod): Violation | undefined {
  const containers = namesWhere(pod, (context) => context.privileged === true);
  if (containers.length === 0) return undefined;
  return {
    reason: "privileged",
    detail: `${containersText(containers)} must not set securityContext.privileged=true`,
  };
}

/** Used by both levels: `restricted` makes no exception for user namespaces. */
export function procMount(pod: JudgedPod): Violation | undefined {
  const isBad = ({ procMount: type }: SecurityContext) => type !== undefined && type !== "Default";
  const containers = namesWhere(pod, isBad);
  if (containers.length === 0) return undefined;
  const contexts = containersOf(pod).map(({ securityContext }) => securityContext ?? {});
  const types = sortedSet(contexts.filter(isBad).map((context) => context.procMount ?? ""));
  return {
    reason: "procMount",
    detail: `${containersText(containers)} must not set securityContext.procMount to ${quoted(types)}`,
  };
}

function seLinux(...types: readonly string[]): (pod: JudgedPod) => Violation | undefined {
  const allowed = new Set(["", ...types]);
  return (pod) => {
    const all = [pod.spec.securityContext, ...containersOf(pod).map(({ securityContext }) => securityContext)];
    const isBad = (context: PodSecurityContext | SecurityContext | undefined) => {
      const { type = "", user = "", role = "" } = context?.seLinuxOptions ?? {};
      return !allowed.has(type) || user !== "" || role !== "";
    };
    const setters = settersText(isBad(pod.spec.securityContext), namesWhere(pod, isBad));
    if (setters === undefined) return undefined;
    const options = all.map((context) => context?.seLinuxOptions ?? {});
    const badTypes = sortedSet(options.map(({ type = "" }) => type).filter((type) => !allowed.has(type)));
    const problems = [
      ...(badTypes.length > 0 ? [`${plural(badTypes.length, "type", "types")} ${quoted(badTypes)}`] : []),
      ...(options.some(({ user }) => user) ? ["user may not be set"] : []),
      ...(options.some(({ role }) => role) ? ["role may not be set"] : []),
    ];
    return {
      reason: "seLinuxOptions",
      detail: `${setters} set forbidden securityContext.seLinuxOptions: ${problems.join("; ")}`,
    };
  };
}

/** Whether a seccomp profile of this type confines anything. */
export function isSeccompType(type: string | undefined): boolean {
  return type === "RuntimeDefault" || type === "Localhost";
}

/** What both levels say about seccomp profiles that are set to the wrong type. */
export function seccompProfile(pod: JudgedPod): Violation | undefined {
  const typeOf = (context: PodSecurityContext | SecurityContext | undefined) => context?.seccompProfile?.type;
  const isBad = (type: string | undefined) => type !== undefined && !isSeccompType(type);
  const podType = typeOf(pod.spec.securityContext);
  const setters = settersText(
    isBad(podType),
    namesWhere(pod, (context) => isBad(typeOf(context))),
  );
  if (setters === undefined) return undefined;
  const types = [podType, ...containersOf(pod).map(({ securityContext }) => typeOf(securityContext))];
  const values = sortedSet(types.filter((type) => type !== undefined).filter(isBad));
  return {
    reason: "seccompProfile",
    detail: `${setters} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
  };
}

const podSeccompAnnotation = "seccomp.security.alpha.kubernetes.io/pod";
const containerSeccompAnnotation = "container.seccomp.security.alpha.kubernetes.io/";

function seccompAnnotations(pod: JudgedPod): Violation | undefined {
  const annotations: StringMap = pod.metadata.annotations ?? {};
  const keys = [podSeccompAnnotation, ...containersOf(pod).map(({ name }) => `${containerSeccompAnnotation}${name}`)];
  const forbidden = sortedSet(
    keys.flatMap((key) => {
      const value = Object.hasOwn(annotations, key) ? annotations[key] : undefined;
      return value === undefined || isSeccompAnnotation(value) ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  if (forbidden.length === 0) return undefined;
  const what = plural(forbidden.length, "annotation", "annotations");
  return { reason: "seccompProfile", detail: `forbidden ${what} ${forbidden.join(", ")}` };
}

function isSeccompAnnotation(value: string): boolean {
  return value === "runtime/default" || value === "docker/default" || value.startsWith("localhost/");
}

function sysctlsByVersion(): Check["since"] {
  const first = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
  ];
  const reserved = [...first, "net.ipv4.ip_local_reserved_ports"];
  const tcp = ["keepalive_time", "fin_timeout", "keepalive_intvl", "keepalive_probes"].map(
    (name) => `net.ipv4.tcp_${name}`,
  );
  const keepAlive = [...reserved, ...tcp];
  const buffers = [...keepAlive, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];
  return [
    [0, sysctls(first)],
    [27, sysctls(reserved)],
    [29, sysctls(keepAlive)],
    [32, sysctls(buffers)],
  ];
}

function sysctls(allowed: readonly string[]): (pod: JudgedPod) => Violation | undefined {
  return ({ spec }) => {
    const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name);
    const forbidden = names.filter((name) => !allowed.includes(name));
    return forbidden.length === 0 ? undefined : { reason: "forbidden sysctls", detail: forbidden.join(", ") };
  };
}

function windowsHostProcess(pod: JudgedPod): Violation | undefined {
  const isBad = (context: PodSecurityContext | SecurityContext | undefined) =>
    context?.windowsOptions?.hostProcess === true;
  const setters = settersText(isBad(pod.spec.securityContext), namesWhere(pod, isBad));
  if (setters === undefined) return undefined;
  return {
    reason: "hostProcess",
    detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true`,
  };
}
