import type { ResourceType } from "../../core/api/kind.ts";
import { type KubeObject, keyOf, keyText } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { Tasks } from "../../core/util/tasks.ts";
import { podUid } from "./_pod_uid.ts";
import type { Slots } from "./_slots.ts";
import type { BindContext, CycleState } from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";
import type { SchedulerProfile } from "./profiles.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** What is posted to `pods/NAME/binding`. */
interface Binding extends KubeObject {
  readonly target: { readonly apiVersion: "v1"; readonly kind: "Node"; readonly name: string };
}

const podBinding: ResourceType<Binding> = {
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "pods",
  namespaced: true,
};

/** What a {@linkcode Binder} works with. */
export interface BinderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly storage: Storage;
  readonly snapshot: Snapshot;
  readonly tasks: Tasks;
  readonly slots: Slots;
  recorderOf(profile: SchedulerProfile): EventRecorder;
  /** Called for a pod that could not be bound. */
  onFailure(pod: Pod): void;
}

/** A pod with the node that it was given. */
export interface Placed {
  readonly pod: Pod;
  readonly node: NodeInfo;
  readonly state: CycleState;
  readonly profile: SchedulerProfile;
}

/** Gives pods their nodes for good: what plug-ins have to do before, then the binding. */
export class Binder {
  readonly #options: BinderOptions;
  /** By uid, ends the work that comes before a pod's binding. */
  readonly #preBinding = new Map<string, AbortController>();

  constructor(options: BinderOptions) {
    this.#options = options;
  }

  /** Counts a pod on its node at once, and binds it in the background. */
  bind(placed: Placed): void {
    const { snapshot, tasks, slots } = this.#options;
    const { pod, node, state, profile } = placed;
    snapshot.assume(pod, node.name);
    for (const { plugin } of profile.plugins) plugin.reserve?.(pod, node, state);
    const work = profile.plugins.flatMap(({ plugin }) => {
      const run = plugin.preBind?.(pod, node, state);
      return run ? [{ name: plugin.name, run }] : [];
    });
    if (work.length === 0) slots.run(() => this.#bindNow(placed));
    // It may take minutes, and must not keep others from being bound.
    else tasks.run(() => this.#bindAfter(placed, work));
  }

  /** Ends the work for a pod that is gone. */
  cancel(pod: Pod): void {
    this.#preBinding.get(podUid(pod))?.abort(new Error("The pod is gone"));
  }

  async #bindAfter(
    placed: Placed,
    work: readonly { readonly name: string; readonly run: (context: BindContext) => Promise<void> }[],
  ): Promise<void> {
    const { tasks, snapshot } = this.#options;
    const { pod } = placed;
    const gone = new AbortController();
    const context = { ...this.#options, signal: AbortSignal.any([tasks.signal, gone.signal]) };
    this.#preBinding.set(podUid(pod), gone);
    try {
      await Promise.all(
        work.map(({ name, run }) => run(context).catch((error: unknown) => Promise.reject(preBindError(name, error)))),
      );
    } catch (error) {
      if (gone.signal.aborted) {
        this.#unreserve(placed);
        snapshot.forget(pod);
      } else if (!tasks.signal.aborted) this.#notBound(placed, error);
      return;
    } finally {
      this.#preBinding.delete(podUid(pod));
    }
    await this.#bindNow(placed);
  }

  async #bindNow(placed: Placed): Promise<void> {
    const { client, tasks, recorderOf } = this.#options;
    const { pod, node, profile } = placed;
    const { namespace, name = "", uid } = pod.metadata;
    const binding: Binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) },
      target: { apiVersion: "v1", kind: "Node", name: node.name },
    };
    try {
      await client.create(podBinding, binding, { subresource: "binding", signal: tasks.signal });
    } catch (error) {
      if (!tasks.signal.aborted) this.#notBound(placed, error);
      return;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${node.name}`;
    recorderOf(profile).record(pod, { type: "Normal", reason: "Scheduled", message });
  }

  #unreserve({ pod, node, state, profile }: Placed): void {
    for (const { plugin } of profile.plugins) plugin.unreserve?.(pod, node, state);
  }

  /** Takes a pod back that could not be bound. */
  #notBound(placed: Placed, error: unknown): void {
    const { log, snapshot, recorderOf, onFailure } = this.#options;
    const { pod, node, profile } = placed;
    this.#unreserve(placed);
    snapshot.forget(pod);
    onFailure(pod);
    const fields = { pod: keyText(keyOf(pod)), node: node.name, error: errorMessage(error) };
    // Gone, or placed by somebody else meanwhile: the cache will tell.
    if (isReason(error, "NotFound") || isReason(error, "Conflict")) {
      log.debug("Pod not bound", fields);
      return;
    }
    const isEarly = error instanceof PreBindError;
    if (isEarly) log.debug("Pod not bound", fields);
    else log.error("Pod not bound", fields);
    const message = isEarly ? error.message : `running Bind plugin "DefaultBinder": ${errorMessage(error)}`;
    recorderOf(profile).record(pod, { type: "Warning", reason: "FailedScheduling", message });
  }
}

/** A plug-in could not do what comes before the binding. */
class PreBindError extends Error {}

/** Conflicts stay what they are: the cache was behind. */
function preBindError(plugin: string, error: unknown): unknown {
  if (isReason(error, "NotFound") || isReason(error, "Conflict")) return error;
  return new PreBindError(`running PreBind plugin "${plugin}": ${errorMessage(error)}`, { cause: error });
}
