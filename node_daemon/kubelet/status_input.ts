import type { PodStatus } from "../../core/kinds/pod.ts";
import type { PodFailure } from "./plan_pod.ts";
import type { PodView } from "./pod_view.ts";

/** What a status is made from, besides the view of the pod. */
export interface StatusInput extends PodView {
  /** The status last made (or read from the API): keeps times, addresses and counts that the runtime has forgotten. */
  readonly previous: PodStatus | undefined;
  /** Last words of containers that ended, by container id. */
  readonly messages: ReadonlyMap<string, string>;
  /** `stopping`: on its way out; `ended`: nothing runs and nothing will again. */
  readonly ending: "no" | "stopping" | "ended";
  /** Why the pod as a whole failed. */
  readonly failure: PodFailure | undefined;
  readonly nodeIPs: readonly string[];
  /** Prefix of container ids, e.g. `docker`. */
  readonly runtimeName: string;
}

/** Milliseconds since the epoch as Kubernetes' Time. */
export function statusTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Whether main containers may run: init containers are through. */
export function initialised({ pod, containers }: StatusInput): boolean {
  const names = new Set(pod.spec.containers.map(({ name }) => name));
  return containers.some(({ name }) => names.has(name));
}
