import type { Toleration } from "../../core/kinds/pod.ts";
import { isExtended } from "../../core/kinds/resource_names.ts";
import { isAboutPods, podOf } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Lets pods that ask for an extended resource onto the nodes that are tainted with its name. Off by default.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration
 */
export const extendedResourceToleration: AdmissionPlugin = {
  name: "ExtendedResourceToleration",
  operations: ["CREATE", "UPDATE"],
  async mutate(request) {
    if (!isAboutPods(request)) return request.object;
    const pod = podOf(request);
    const { containers, initContainers = [], tolerations = [] } = pod.spec;
    const names = [...containers, ...initContainers].flatMap(({ resources }) => Object.keys(resources?.requests ?? {}));
    const wanted = [...new Set(names.filter(isExtended))]
      .sort()
      .map((key): Toleration => ({ key, operator: "Exists", effect: "NoSchedule" }));
    const missing = wanted.filter(
      ({ key }) =>
        !tolerations.some((one) => one.key === key && one.effect === "NoSchedule" && one.operator === "Exists"),
    );
    if (missing.length === 0) return pod;
    return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...missing] } };
  },
};
