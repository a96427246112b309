import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { ContainerKind } from "./container_notes.ts";
import { configSource } from "./sources/static_pod.ts";

/** Which container of a pod an event is about. */
export interface ContainerReference {
  readonly name: string;
  readonly kind: ContainerKind;
}

/** Where the containers of a kind stand in a pod's spec. */
const memberOf = { init: "initContainers", main: "containers", ephemeral: "ephemeralContainers" } as const;

/** Records Events about pods, in the kubelet's words. */
export class PodEvents {
  readonly #recorder: EventRecorder;

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder;
  }

  normal(pod: Pod, reason: string, message: string, container?: ContainerReference): void {
    this.#record(pod, "Normal", { reason, message, container });
  }

  warning(pod: Pod, reason: string, message: string, container?: ContainerReference): void {
    this.#record(pod, "Warning", { reason, message, container });
  }

  /** A pod of the node's own does not run, because another of its source has its name. */
  duplicate(pod: Pod): void {
    const { name = "", namespace = "", uid = "", annotations = {} } = pod.metadata;
    const message = `Error validating pod ${name}_${namespace}(${uid}) from ${annotations[configSource]} due to duplicate pod name ${JSON.stringify(name)}, ignoring`;
    this.warning(pod, "FailedValidation", message);
  }

  #record(
    pod: Pod,
    type: "Normal" | "Warning",
    {
      reason,
      message,
      container,
    }: { readonly reason: string; readonly message: string; readonly container: ContainerReference | undefined },
  ): void {
    const fieldPath = container && `spec.${memberOf[container.kind]}{${container.name}}`;
    this.#recorder.record(pod, { type, reason, message, ...(fieldPath === undefined ? {} : { fieldPath }) });
  }
}
