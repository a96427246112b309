import { findCondition, keyOf, keyText, setCondition } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type Pod, type PodCondition, pod } from "../../core/kinds/mod.ts";
import { observed } from "../../core/kinds/observed_generation.ts";
import { type Clock, timestamp } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";

/** What a {@linkcode StatusWriter} works with. */
export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

type Change = Omit<PodCondition, "lastProbeTime" | "lastTransitionTime">;

/** Writes what the scheduler has to say of pods. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /**
   * Says why a pod has no node yet.
   *
   * @param options.nominatedNodeName the node that it is to get; empty: none any more; undefined: as before
   */
  async unschedulable(
    waiting: Pod,
    {
      message,
      nominatedNodeName,
      reason = "Unschedulable",
    }: {
      readonly message: string;
      readonly nominatedNodeName?: string | undefined;
      /** Default: it fits nowhere. */
      readonly reason?: "Unschedulable" | "SchedulerError";
    },
  ): Promise<void> {
    const nominated = waiting.status?.nominatedNodeName ?? "";
    const isNominatedSo = (nominatedNodeName ?? nominated) === nominated;
    const present = findCondition(waiting.status?.conditions, "PodScheduled");
    const isOfNow = present?.observedGeneration === waiting.metadata.generation;
    const isSaid = isOfNow && present?.status === "False" && present.reason === reason && present.message === message;
    if (isSaid && isNominatedSo) return;
    await this.#write(waiting, {
      condition: { type: "PodScheduled", status: "False", ...observed(waiting.metadata), reason, message },
      ...(isNominatedSo ? {} : { nominatedNodeName: nominatedNodeName || null }),
    });
  }

  /** Says which node a pod is to get, that has to wait for it. */
  async nominate(waiting: Pod, nodeName: string): Promise<void> {
    if (waiting.status?.nominatedNodeName !== nodeName) await this.#write(waiting, { nominatedNodeName: nodeName });
  }

  /** Takes back that a pod is to get a node. */
  async clearNomination(waiting: Pod): Promise<void> {
    if (waiting.status?.nominatedNodeName) await this.#write(waiting, { nominatedNodeName: null });
  }

  /** Makes a pod go for the sake of another. */
  async displace(
    victim: Pod,
    by: { readonly preemptor: Pod; readonly nodeName: string; readonly recorder: EventRecorder },
  ): Promise<void> {
    if (victim.metadata.deletionTimestamp !== undefined) return;
    const { client, log, signal } = this.#options;
    const { preemptor, nodeName, recorder } = by;
    const scheduler = preemptor.spec.schedulerName ?? "default-scheduler";
    const isThere = await this.#write(victim, {
      condition: {
        type: "DisruptionTarget",
        status: "True",
        ...observed(victim.metadata),
        reason: "PreemptionByScheduler",
        message: `${scheduler}: preempting to accommodate a higher priority pod`,
      },
    });
    if (!isThere) return;
    try {
      await client.delete(pod, keyOf(victim), { signal, preconditions: sameObject(victim) });
    } catch (error) {
      if (signal.aborted || isReason(error, "NotFound") || isReason(error, "Conflict")) return;
      log.warn("Pod not displaced", { pod: keyText(keyOf(victim)), error: errorMessage(error) });
      return;
    }
    const message = `Preempted by pod ${preemptor.metadata.uid} on node ${nodeName}`;
    recorder.record(victim, { type: "Normal", reason: "Preempted", message });
  }

  /** False when the pod is gone. */
  async #write(
    object: Pod,
    { condition, nominatedNodeName }: { readonly condition?: Change; readonly nominatedNodeName?: string | null },
  ): Promise<boolean> {
    const { client, clock, log, signal } = this.#options;
    const changed = condition && {
      ...condition,
      lastProbeTime: null,
      lastTransitionTime: timestamp(clock),
    };
    const conditions =
      changed &&
      setCondition<PodCondition>(object.status?.conditions, changed).filter(({ type }) => type === changed.type);
    const status = {
      ...(conditions ? { conditions: conditions.map((one) => ({ ...one })) } : {}),
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    };
    try {
      // Others write other conditions meanwhile.
      await client.patch(
        pod,
        keyOf(object),
        { type: "strategic", body: { status } },
        { subresource: "status", signal },
      );
      return true;
    } catch (error) {
      if (isReason(error, "NotFound")) return false;
      if (!signal.aborted)
        log.warn("Pod condition not written", { pod: keyText(keyOf(object)), error: errorMessage(error) });
      return !signal.aborted;
    }
  }
}
