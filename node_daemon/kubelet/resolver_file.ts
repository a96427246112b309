import type { Pod } from "../../core/kinds/pod.ts";
import { formatResolverConfig } from "../../core/platform/resolver_config.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { asksForOwnNames, forming, podDns } from "./pod_dns.ts";

/** Where a container's system says whom it asks for names. */
export const resolverPath = "/etc/resolv.conf";

/** Writes how a pod finds names, as it is when its sandbox is made, and records what there is to say of it. */
export async function writeResolverFile(
  pod: Pod,
  { runtime, folders, names, events }: Pick<KubeletContext, "runtime" | "folders" | "names" | "events">,
): Promise<void> {
  if (!runtime.hasOwnFiles) {
    if (asksForOwnNames(pod)) events.warning(pod, forming, cannotGive);
    return;
  }
  if (!folders.areRead) return;
  // Only what shares the node's network reaches its loopback addresses.
  const isOnNode = runtime.assignsPodIP || pod.spec.hostNetwork === true;
  const servers = names.servers().filter((address) => isOnNode || !/^(127\.|::1$)/.test(address));
  const { config, warnings } = podDns(pod, { servers, domain: names.domain, node: await names.resolvers?.() });
  for (const { reason, message } of warnings) events.warning(pod, reason, message);
  await folders.writeResolverFile(pod.metadata.uid ?? "", formatResolverConfig(config));
}

const cannotGive =
  "The node's runtime cannot give the pod files of its own in /etc: it finds names as the node does, without dnsPolicy, dnsConfig and hostAliases";
