import { keyOf, keyText } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { Tasks } from "../../core/util/tasks.ts";
import { podUid } from "./_pod_uid.ts";
import type { Slots } from "./_slots.ts";
import { PermitRoom } from "./_waiting_pods.ts";
import type { Extender } from "./extender.ts";
import type { BindContext, CycleState, Refusal, SchedulerPlugin } from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";
import type { SchedulerProfile } from "./profiles.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** What a {@linkcode Binder} works with. */
export interface BinderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly storage: Storage;
  readonly snapshot: Snapshot;
  readonly tasks: Tasks;
  readonly slots: Slots;
  /** Servers outside that may bind pods. */
  readonly extenders: readonly Extender[];
  /** Says which node a pod gets whose binding takes its time. */
  nominate(pod: Pod, nodeName: string): Promise<void>;
  recorderOf(profile: SchedulerProfile): EventRecorder;
  /** Called for a pod that could not be bound. */
  onFailure(pod: Pod): void;
  /** Called for a pod that a plug-in does not permit. */
  onRefusal(placed: PlacedPod, refusal: Refusal): void;
}

/** A pod with the node that it was given. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly node: NodeInfo;
  readonly state: CycleState;
  readonly profile: SchedulerProfile;
}

type PreBinding = (context: BindContext) => Promise<void>;

/** Gives pods their nodes for good: what plug-ins permit and have to do before, then the binding. */
export class Binder {
  readonly #options: BinderOptions;
  readonly #permits: PermitRoom;
  /** By uid, ends the work that comes before a pod's binding. */
  readonly #preBinding = new Map<string, AbortController>();

  constructor(options: BinderOptions) {
    this.#options = options;
    this.#permits = new PermitRoom(options);
  }

  /** Counts a pod on its node at once, and binds it in the background. */
  bind(placed: PlacedPod): void {
    const { snapshot, tasks, slots } = this.#options;
    const { pod, node, state, profile } = placed;
    snapshot.assume(pod, node.name);
    for (const { plugin } of profile.plugins) plugin.reserve?.(pod, node, state);
    const waits = this.#permit(placed);
    if (!waits) return;
    const work = profile.plugins.flatMap(({ plugin }) => {
      const run = plugin.preBind?.(pod, node, state);
      return run ? [{ name: plugin.name, run }] : [];
    });
    if (work.length === 0 && waits.size === 0) slots.run(() => this.#bindNow(placed));
    // It may take minutes, and must not keep others from being bound.
    else tasks.run(() => this.#bindAfter(placed, { waits, work }));
  }

  /** Ends the work for a pod that is gone. */
  cancel(pod: Pod): void {
    this.#preBinding.get(podUid(pod))?.abort(new Error("The pod is gone"));
  }

  /** For which plug-ins a pod has to wait, and how long; undefined when one refuses it. */
  #permit(placed: PlacedPod): ReadonlyMap<SchedulerPlugin, number> | undefined {
    const { pod, node, state, profile } = placed;
    const waits = new Map<SchedulerPlugin, number>();
    for (const { plugin } of profile.plugins) {
      const answer = plugin.permit?.(pod, node, state, this.#permits);
      if (!answer) continue;
      if ("waitMs" in answer) waits.set(plugin, answer.waitMs);
      else {
        this.#takeBack(placed);
        this.#options.onRefusal(placed, { plugin, rejection: answer });
        return undefined;
      }
    }
    return waits;
  }

  async #bindAfter(
    placed: PlacedPod,
    before: {
      readonly waits: ReadonlyMap<SchedulerPlugin, number>;
      readonly work: readonly { readonly name: string; readonly run: PreBinding }[];
    },
  ): Promise<void> {
    const { tasks, nominate, onRefusal } = this.#options;
    const { pod, node } = placed;
    const told = { ...placed, pod: { ...pod, status: { ...pod.status, nominatedNodeName: node.name } } };
    const gone = new AbortController();
    const context = { ...this.#options, signal: AbortSignal.any([tasks.signal, gone.signal]) };
    this.#preBinding.set(podUid(pod), gone);
    try {
      const nominated = nominate(pod, node.name);
      const refusal = await this.#permits.wait(pod, before.waits, context);
      await nominated;
      if (refusal) {
        this.#takeBack(placed);
        onRefusal(told, refusal);
        return;
      }
      await Promise.all(
        before.work.map(({ name, run }) =>
          run(context).catch((error: unknown) => Promise.reject(new StepError("PreBind", name, error))),
        ),
      );
    } catch (error) {
      if (gone.signal.aborted) this.#takeBack(placed);
      else if (!tasks.signal.aborted) this.#notBound(told, error);
      return;
    } finally {
      this.#preBinding.delete(podUid(pod));
    }
    await this.#bindNow(told);
  }

  async #bindNow(placed: PlacedPod): Promise<void> {
    const { tasks, recorderOf } = this.#options;
    const { pod, node, state, profile } = placed;
    const { namespace, name } = pod.metadata;
    try {
      await this.#runBind(placed, { ...this.#options, signal: tasks.signal });
    } catch (error) {
      if (!tasks.signal.aborted) this.#notBound(placed, error);
      return;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${node.name}`;
    recorderOf(profile).record(pod, { type: "Normal", reason: "Scheduled", message });
    for (const { plugin } of profile.plugins) plugin.postBind?.(pod, node, state);
  }

  async #runBind({ pod, node, profile }: PlacedPod, context: BindContext): Promise<void> {
    const outside = this.#options.extenders.find((one) => one.options.bindVerb !== "" && one.isInterested(pod));
    if (outside) return await outside.bind(pod, node.name, context);
    for (const { plugin } of profile.plugins) {
      const bound = plugin.bind?.(pod, node, context);
      if (!bound) continue;
      try {
        await bound;
      } catch (error) {
        throw new StepError("Bind", plugin.name, error);
      }
      return;
    }
    throw new Error("no bind plugin takes the pod");
  }

  /** Gives back what a pod took on its node. */
  #takeBack(placed: PlacedPod): void {
    this.#unreserve(placed);
    this.#options.snapshot.forget(placed.pod);
  }

  #unreserve({ pod, node, state, profile }: PlacedPod): void {
    for (const { plugin } of profile.plugins) plugin.unreserve?.(pod, node, state);
  }

  /** Takes a pod back that could not be bound. */
  #notBound(placed: PlacedPod, error: unknown): void {
    const { log, recorderOf, onFailure } = this.#options;
    const { pod, node, profile } = placed;
    this.#takeBack(placed);
    onFailure(pod);
    const cause = error instanceof StepError ? error.cause : error;
    const fields = { pod: keyText(keyOf(pod)), node: node.name, error: errorMessage(cause) };
    // Gone, or placed by somebody else meanwhile: the cache will tell.
    if (isReason(cause, "NotFound") || isReason(cause, "Conflict")) {
      log.debug("Pod not bound", fields);
      return;
    }
    if (error instanceof StepError && error.step === "PreBind") log.debug("Pod not bound", fields);
    else log.error("Pod not bound", fields);
    recorderOf(profile).record(pod, { type: "Warning", reason: "FailedScheduling", message: errorMessage(error) });
  }
}

/** A plug-in could not do its part of a binding. */
class StepError extends Error {
  readonly step: "PreBind" | "Bind";

  constructor(step: "PreBind" | "Bind", plugin: string, cause: unknown) {
    super(`running ${step} plugin "${plugin}": ${errorMessage(cause)}`, { cause });
    this.step = step;
  }
}
