import type { StringMap } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Pod, Toleration } from "../../core/kinds/pod.ts";
import { type RuntimeClass, runtimeClass as runtimeClassKind } from "../../core/kinds/runtime_class.ts";
import type { Registries } from "../registry/registry.ts";
import { amountsOf } from "./_amounts.ts";
import { isAboutPods, podOf, refusal } from "./_requests.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/**
 * Gives pods what the class of their runtime says: overhead, node selector, tolerations.
 *
 * @see https://kubernetes.io/docs/concepts/containers/runtime-class/
 */
export function runtimeClass({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const classes = registries.for(runtimeClassKind);

  async function classOf(request: AdmissionRequest): Promise<RuntimeClass | undefined> {
    const { runtimeClassName } = podOf(request).spec;
    if (runtimeClassName === undefined) return undefined;
    try {
      return (await classes.get({ name: runtimeClassName })).object;
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      throw refusal(request, `pod rejected: RuntimeClass "${runtimeClassName}" not found`);
    }
  }

  return {
    name: "RuntimeClass",
    operations: ["CREATE"],
    async mutate(request) {
      if (!isAboutPods(request)) return request.object;
      const found = await classOf(request);
      return found ? scheduled(request, withOverhead(request, podOf(request), found), found) : request.object;
    },
    async validate(request) {
      if (!isAboutPods(request)) return;
      const found = await classOf(request);
      const { overhead } = podOf(request).spec;
      if (found?.overhead && !sameAmounts(overhead, found.overhead.podFixed))
        throw refusal(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      if (!found?.overhead && overhead !== undefined)
        throw refusal(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    },
  };
}

function withOverhead(request: AdmissionRequest, pod: Pod, { overhead }: RuntimeClass): Pod {
  if (!overhead?.podFixed) return pod;
  if (pod.spec.overhead !== undefined && !sameAmounts(pod.spec.overhead, overhead.podFixed))
    throw refusal(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  return { ...pod, spec: { ...pod.spec, overhead: overhead.podFixed } };
}

function scheduled(request: AdmissionRequest, pod: Pod, { scheduling }: RuntimeClass): Pod {
  if (!scheduling) return pod;
  const own: StringMap = pod.spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {}))
    if (Object.hasOwn(own, key) && own[key] !== value)
      throw refusal(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`,
      );
  const nodeSelector = { ...own, ...scheduling.nodeSelector };
  const tolerations = [...(pod.spec.tolerations ?? []), ...(scheduling.tolerations ?? [])];
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
      ...(tolerations.length > 0 ? { tolerations: distinct(tolerations) } : {}),
    },
  };
}

function distinct(tolerations: readonly Toleration[]): readonly Toleration[] {
  const texts = new Set<string>();
  return tolerations.filter((one) => {
    const { key, operator = "Equal", value, effect, tolerationSeconds } = one;
    const text = JSON.stringify([key, operator, value, effect, tolerationSeconds]);
    return !texts.has(text) && texts.add(text);
  });
}

function sameAmounts(a: Pod["spec"]["overhead"], b: Pod["spec"]["overhead"]): boolean {
  const [left, right] = [amountsOf(a), amountsOf(b)];
  return left.size === right.size && [...left].every(([name, { nano }]) => right.get(name)?.nano === nano);
}
