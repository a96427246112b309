import { isAboutPods, podOf, refusal } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

const hostname = "kubernetes.io/hostname";

/**
 * Refuses pods that keep others out of more than their own node. Off by default.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#limitpodhardantiaffinitytopology
 */
export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: "LimitPodHardAntiAffinityTopology",
  operations: ["CREATE", "UPDATE"],
  async validate(request) {
    if (!isAboutPods(request)) return;
    const terms = podOf(request).spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const wide = terms.find(({ topologyKey }) => topologyKey !== hostname);
    if (!wide) return;
    throw refusal(
      request,
      `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${wide.topologyKey} but only key ${hostname} is allowed`,
    );
  },
};
