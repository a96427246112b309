import { type LimitRange, limitRange as limitRangeKind } from "../../core/kinds/limit_range.ts";
import type { PersistentVolumeClaim } from "../../core/kinds/persistent_volume_claim.ts";
import type { Registries } from "../registry/registry.ts";
import { claimProblems, podProblems, withContainerDefaults } from "./_limits.ts";
import { isAbout, isAboutPods, podOf, refusal } from "./_requests.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/**
 * Gives containers the default requests and limits of their namespace's LimitRanges, and holds pods and claims to the
 * minima, maxima and ratios.
 *
 * @see https://kubernetes.io/docs/concepts/policy/limit-range/
 */
export function limitRanger({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const ranges = registries.for(limitRangeKind);

  async function rangesFor(request: AdmissionRequest): Promise<readonly LimitRange[]> {
    const { key, previous } = request;
    if (ranges.isEmpty || previous?.metadata.deletionTimestamp !== undefined) return [];
    const { items } = await ranges.list({ namespace: key.namespace ?? "" });
    return items.map(({ object }) => object);
  }

  return {
    name: "LimitRanger",
    operations: ["CREATE", "UPDATE"],
    async mutate(request) {
      if (!changesResources(request)) return request.object;
      let pod = podOf(request);
      for (const range of await rangesFor(request)) pod = withContainerDefaults(pod, range);
      return pod;
    },
    async validate(request) {
      const isClaim = isAbout(request, "", "persistentvolumeclaims");
      if (!changesResources(request) && !isClaim) return;
      for (const range of await rangesFor(request)) {
        const problems = isClaim
          ? claimProblems(request.object as PersistentVolumeClaim, range)
          : podProblems(podOf(request), range);
        if (problems.length > 0) throw refusal(request, ...problems);
      }
    },
  };
}

/** Whether a pod is made or resized: in any other way, what its containers ask for stays. */
function changesResources(request: AdmissionRequest): boolean {
  const { kind, subresource, operation } = request;
  if (operation === "CREATE") return isAboutPods(request);
  return kind.group === "" && kind.plural === "pods" && subresource === "resize";
}
