import { keyText } from "../../core/api/meta.ts";
import { type HostPort, hostPorts } from "../../core/kinds/host_ports.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import { claimKeys } from "../../core/kinds/pod_claims.ts";
import { podRequests, type ResourceAmounts } from "../../core/kinds/pod_resources.ts";
import { type PodTerms, podTerms } from "./_affinity_terms.ts";
import { nonZeroRequests } from "./_non_zero_requests.ts";

/** What a pod takes of a node, and wants of its neighbours. */
export interface PodNeeds {
  readonly requests: ResourceAmounts;
  /** Requests with a guess for containers that ask for nothing. */
  readonly nonZero: { readonly milliCpu: number; readonly memoryBytes: number };
  readonly ports: readonly HostPort[];
  readonly priority: number;
  readonly terms: PodTerms;
  /** Its claims, as texts. */
  readonly claims: readonly string[];
}

const known = new WeakMap<Pod, PodNeeds>();

/** The needs of a pod. Objects do not change: what was found out once about one is kept as long as it is. */
export function podNeeds(pod: Pod): PodNeeds {
  const present = known.get(pod);
  if (present) return present;
  const needs: PodNeeds = {
    requests: podRequests(pod),
    nonZero: nonZeroRequests(pod),
    ports: hostPorts(pod),
    priority: pod.spec.priority ?? 0,
    terms: podTerms(pod),
    claims: claimKeys(pod).map(keyText),
  };
  known.set(pod, needs);
  return needs;
}
