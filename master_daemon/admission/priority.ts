import { isReason } from "../../core/api/status.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { type PriorityClass, priorityClass as priorityClassKind } from "../../core/kinds/priority_class.ts";
import type { Registries } from "../registry/registry.ts";
import { isAbout, isAboutPods, podOf, refusal } from "./_requests.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/**
 * Gives pods the priority of their class, and sees to it that one class at most is everybody's default.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
export function priority({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const classes = registries.for(priorityClassKind);

  /** The class that pods have which name none; of several that with the least value. */
  async function defaultClass(): Promise<PriorityClass | undefined> {
    const { items } = await classes.list();
    let least: PriorityClass | undefined;
    for (const { object } of items) {
      if (object.globalDefault && (!least || object.value < least.value)) least = object;
    }
    return least;
  }

  async function classOf(request: AdmissionRequest, name: string): Promise<PriorityClass> {
    try {
      return (await classes.get({ name })).object;
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      throw refusal(request, `no PriorityClass with name ${name} was found`);
    }
  }

  async function withPriority(request: AdmissionRequest): Promise<Pod> {
    const pod = podOf(request);
    const { spec } = pod;
    const found = spec.priorityClassName ? await classOf(request, spec.priorityClassName) : await defaultClass();
    const { value = 0, preemptionPolicy = found ? undefined : "PreemptLowerPriority" } = found ?? {};
    if (spec.priority !== undefined && spec.priority !== value)
      throw refusal(
        request,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    const policy = spec.preemptionPolicy ?? preemptionPolicy;
    if (preemptionPolicy !== undefined && policy !== preemptionPolicy)
      throw refusal(
        request,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    const name = found?.metadata.name;
    return {
      ...pod,
      spec: {
        ...spec,
        ...(name === undefined ? {} : { priorityClassName: name }),
        priority: value,
        ...(policy === undefined ? {} : { preemptionPolicy: policy }),
      },
    };
  }

  return {
    name: "Priority",
    operations: ["CREATE", "UPDATE"],
    async mutate(request) {
      if (!isAboutPods(request)) return request.object;
      if (request.operation === "CREATE") return withPriority(request);
      return keepingPriority(podOf(request), request.previous as Pod);
    },
    async validate(request) {
      if (!isAbout(request, "scheduling.k8s.io", "priorityclasses")) return;
      if (!(request.object as PriorityClass).globalDefault) return;
      const present = (await defaultClass())?.metadata.name;
      if (present === undefined || (request.operation === "UPDATE" && present === request.key.name)) return;
      throw refusal(request, `PriorityClass ${present} is already marked as default. Only one default can exist`);
    },
  };
}

/** Clients that do not know of priorities leave them out. */
function keepingPriority(pod: Pod, { spec: before }: Pod): Pod {
  const { priority: value = before.priority, preemptionPolicy = before.preemptionPolicy } = pod.spec;
  if (value === pod.spec.priority && preemptionPolicy === pod.spec.preemptionPolicy) return pod;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(value === undefined ? {} : { priority: value }),
      ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
    },
  };
}
