import type { Container, Pod } from "../../core/kinds/pod.ts";
import { isAboutPods, podOf, refusal } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Makes every container pull its image, so that nobody runs a private one without credentials for it. Off by default.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages
 */
export const alwaysPullImages: AdmissionPlugin = {
  name: "AlwaysPullImages",
  operations: ["CREATE", "UPDATE"],
  async mutate(request) {
    return isAboutPods(request) ? pullingAlways(podOf(request)) : request.object;
  },
  async validate(request) {
    if (!isAboutPods(request)) return;
    const { spec } = podOf(request);
    const lists = ["initContainers", "containers", "ephemeralContainers"] as const;
    const wrong = lists.flatMap((list) =>
      (spec[list] ?? []).flatMap(({ imagePullPolicy = "" }, index) =>
        imagePullPolicy === "Always"
          ? []
          : [
              `spec.${list}[${index}].imagePullPolicy: Unsupported value: ${JSON.stringify(imagePullPolicy)}: supported values: "Always"`,
            ],
      ),
    );
    if (wrong.length > 0) throw refusal(request, ...wrong);
  },
};

function pullingAlways(pod: Pod): Pod {
  const always = (container: Container): Container => ({ ...container, imagePullPolicy: "Always" });
  const { containers, initContainers, ephemeralContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(always),
      ...(initContainers ? { initContainers: initContainers.map(always) } : {}),
      ...(ephemeralContainers ? { ephemeralContainers: ephemeralContainers.map(always) } : {}),
    },
  };
}
