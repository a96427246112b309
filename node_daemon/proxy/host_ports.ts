import { keyOf, keyText } from "../../core/api/meta.ts";
import type { InformerFactory } from "../../core/client/informer.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { Proxier, type ProxierOptions } from "./proxier.ts";
import type { ProxyRule } from "./rules.ts";

/** Options of {@linkcode startHostPorts}. */
export interface HostPortsOptions extends ProxierOptions {
  readonly informers: InformerFactory;
  readonly nodeName: string;
  /** Where ports are served whose container names no address. */
  readonly nodeIPs: readonly string[];
}

/**
 * Leads the host ports of a node's pods to them, for runtimes that do not do so themselves.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#ports `hostPort`
 */
export function startHostPorts(options: HostPortsOptions): AsyncDisposable {
  const { informers, nodeName, nodeIPs, log } = options;
  const parts = new DisposalStack();
  const proxier = parts.use(new Proxier(options));
  // The kubelet watches the same.
  const pods = informers.informer(pod, { fieldSelector: `spec.nodeName=${nodeName}` });
  parts.defer(
    pods.onChange(({ type, object }) => {
      const key = keyText(keyOf(object));
      const rules = type === "deleted" ? [] : hostPortRules(object, nodeIPs);
      proxier.apply(key, rules).catch((error: unknown) => {
        log.error("Cannot serve the host ports of a pod", { pod: key, error: String(error) });
      });
    }),
  );
  return parts;
}

/** What the proxy has to do for one pod: a rule for each of its host ports and each address of the node. Pure. */
export function hostPortRules(object: Pod, nodeIPs: readonly string[]): readonly ProxyRule[] {
  const { spec, status = {} } = object;
  const { podIP } = status;
  if (!podIP || spec.hostNetwork || isPodTerminal(object)) return [];
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ containerPort, hostPort, hostIP, protocol = "TCP" }) => {
      if (!hostPort || protocol === "SCTP") return [];
      const addresses = !hostIP || hostIP === "0.0.0.0" || hostIP === "::" ? nodeIPs : [hostIP];
      return addresses.map((address) => ({
        service: `pod ${keyText(keyOf(object))}`,
        protocol,
        address,
        port: hostPort,
        endpoints: [{ ip: podIP, port: containerPort }],
        balancer: undefined,
        affinityTimeoutMs: undefined,
      }));
    }),
  );
}
