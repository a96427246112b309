import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { ContainerKind } from "./container_notes.ts";

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
