import type { Container as ContainerSpec } from "../../core/kinds/pod.ts";
import type { StartAction } from "./plan_pod.ts";
import { nextAttempt, type PodView } from "./pod_view.ts";

/** What a container may be told of its pod that is known only when the sandbox runs. */
const addressFields: ReadonlySet<string> = new Set(["status.podIP", "status.podIPs"]);

/**
 * Containers of a pod that can be made while its first sandbox starts: what they need is known. Those that are not made
 * then are made when it is their turn. Pure.
 */
export function planPreparation({ pod, containers }: Pick<PodView, "pod" | "containers">): readonly StartAction[] {
  const { initContainers = [] } = pod.spec;
  // What containers may use together is the sandbox's to say, once it runs.
  const isGrouped = pod.spec.resources !== undefined;
  if (containers.length > 0 || initContainers.length > 0 || isGrouped) return [];
  const images = new Set(pod.spec.volumes?.flatMap(({ name, image }) => (image ? [name] : [])));
  const hasImages = ({ volumeMounts = [] }: ContainerSpec) => volumeMounts.some(({ name }) => images.has(name));
  return pod.spec.containers
    .filter((spec) => isKnown(spec) && !hasImages(spec))
    .map((spec) => ({
      kind: "main",
      spec,
      attempt: nextAttempt(pod, spec.name, undefined),
      backOffMs: 0,
      resume: undefined,
    }));
}

/** Whether it depends on no address, and holds no path until it is started. */
function isKnown({ env = [], volumeMounts = [] }: ContainerSpec): boolean {
  return (
    !env.some(({ valueFrom }) => addressFields.has(valueFrom?.fieldRef?.fieldPath ?? "")) &&
    !volumeMounts.some(({ subPath, subPathExpr }) => subPath || subPathExpr)
  );
}
