import type { Pod } from "../../core/kinds/pod.ts";

/** Domain of a cluster that has no other. */
export const defaultClusterDomain = "cluster.local";

/** Longest host name of the kernel. */
const maxKernelName = 64;

/** What a pod is called in its own network. */
export interface PodHostname {
  /** One label of DNS. */
  readonly hostname: string;
  /** Only for a pod with a `subdomain`: where that service's pods have their names. */
  readonly domain: string | undefined;
  /** What the kernel of the pod's containers says. */
  readonly kernelName: string;
}

/**
 * The names of a pod.
 *
 * @throws Error when it is to be called by its whole name, and that is too long
 * @see https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-hostname-and-subdomain-fields
 */
export function podHostname({ metadata, spec }: Pod, clusterDomain: string = defaultClusterDomain): PodHostname {
  const { hostname: wanted, subdomain, setHostnameAsFQDN = false } = spec;
  const hostname = wanted || (metadata.name ?? "").slice(0, 63).replace(/[-.]+$/, "");
  const domain = subdomain ? `${subdomain}.${metadata.namespace ?? "default"}.svc.${clusterDomain}` : undefined;
  if (!setHostnameAsFQDN || domain === undefined) return { hostname, domain, kernelName: hostname };
  const kernelName = `${hostname}.${domain}`;
  if (kernelName.length > maxKernelName) {
    throw new Error(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${kernelName} is too long (${maxKernelName} characters is the max, ${kernelName.length} characters requested)`,
    );
  }
  return { hostname, domain, kernelName };
}
