import type { Pod } from "../../core/kinds/pod.ts";
import { runtimeClass } from "../../core/kinds/runtime_class.ts";
import type { SandboxConfig } from "../runtime/runtime.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { podHostname } from "./pod_hostname.ts";
import { sysctlsOf } from "./sysctls.ts";

/**
 * A pod's sandbox as the runtime is to make it, with an address of its own where runtimes leave that to the kubelet.
 *
 * @throws Error when the pod asks for a sandbox that no runtime here can make
 */
export async function sandboxConfig(
  pod: Pod,
  attempt: number,
  {
    client,
    runtime,
    addresses,
    names,
    signal,
  }: Pick<KubeletContext, "client" | "runtime" | "addresses" | "names"> & { readonly signal: AbortSignal },
): Promise<SandboxConfig> {
  const { metadata, spec } = pod;
  const { name = "", namespace = "default", uid = "", labels = {} } = metadata;
  // Users of the machine's own in place of those asked for would be less safe than the pod says.
  if (spec.hostUsers === false) {
    throw new Error("can't set `spec.hostUsers: false`, runtime does not support user namespaces");
  }
  const [claim] = spec.resourceClaims ?? [];
  if (claim) throw new Error(`can't prepare \`spec.resourceClaims\` ("${claim.name}"): no driver runs on this node`);
  const { runtimeClassName } = spec;
  const runtimeHandler = runtimeClassName
    ? (await client.get(runtimeClass, { name: runtimeClassName }, { signal })).handler
    : undefined;
  const hostNetwork = spec.hostNetwork ?? false;
  const assigned = runtime.assignsPodIP && !hostNetwork;
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  return {
    name,
    namespace,
    uid,
    attempt,
    runtimeHandler,
    labels,
    hostname: podHostname(pod, names.domain).kernelName,
    podIP: assigned ? await addresses.allocate(uid, { signal }) : undefined,
    hostNetwork,
    hostIPC: spec.hostIPC ?? false,
    sysctls: Object.fromEntries(sysctlsOf(spec).map(({ name, value }) => [name, value])),
    hostPorts: ports.flatMap(({ containerPort, hostPort, hostIP = "", protocol = "TCP" }) =>
      hostPort && !hostNetwork && protocol !== "SCTP" ? [{ containerPort, hostPort, hostIP, protocol }] : [],
    ),
  };
}
