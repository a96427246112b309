import type { JsonObject } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { createEventRecorder, type EventRecorder } from "../../core/client/event_recorder.ts";
import type { CacheChange, Informer, InformerFactory } from "../../core/client/informer.ts";
import { type Node, node, type Pod, pod } from "../../core/kinds/mod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { Binder } from "./_binder.ts";
import { isOtherNode, isOtherPod } from "./_changes.ts";
import { failureMessage } from "./_failure_message.ts";
import { Slots } from "./_slots.ts";
import { StatusWriter } from "./_status_writer.ts";
import { Victims } from "./_victims.ts";
import { InformedCluster } from "./cluster_view.ts";
import { Diagnoses } from "./diagnoses.ts";
import { Extender } from "./extender.ts";
import type { Refusal } from "./framework.ts";
import { type PlaceOptions, placePod } from "./place_pod.ts";
import type { Placement, Unplaced } from "./placement.ts";
import {
  defaultConfiguration,
  defaultSchedulerName,
  type SchedulerConfiguration,
  type SchedulerProfile,
} from "./profiles.ts";
import { SchedulingQueue, type SchedulingQueueOptions } from "./queue.ts";
import { Snapshot } from "./snapshot.ts";
import { Storage } from "./storage.ts";

/** What the scheduler runs with. */
export interface RunSchedulerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Default: Kubernetes' own. */
  readonly configuration?: SchedulerConfiguration | undefined;
}

/** A scheduler that runs, and remembers why it did what it did. */
export interface RunningScheduler extends AsyncDisposable {
  /** What came of placing a pod the last time; undefined when that is not remembered. */
  explain(key: { readonly namespace: string; readonly name: string }): JsonObject | undefined;
}

/** Most writes that are under way at once: bindings and conditions. */
const maxInFlight = 64;
const placedInARow = 32;

/**
 * Gives pods their nodes until disposed or aborted.
 *
 * - One pod after the other is placed, synchronously, on what is in memory; the binding is written in the background while
 *   the next one is placed. A pod counts on its node from the moment that it was placed.
 * - A binding that fails takes the pod back; it is tried again after a back-off.
 * - For a pod that fits nowhere others of lower priority may have to go; until they are gone it is nominated for their node.
 */
export function runScheduler(options: RunSchedulerOptions): RunningScheduler {
  return new Scheduler(options);
}

class Scheduler implements RunningScheduler {
  readonly #options: RunSchedulerOptions;
  readonly #profiles: ReadonlyMap<string, SchedulerProfile>;
  readonly #recorders = new Map<SchedulerProfile, EventRecorder>();
  readonly #queue: SchedulingQueue;
  readonly #storage: Storage;
  readonly #cluster: InformedCluster;
  readonly #snapshot: Snapshot;
  readonly #pods: Informer<Pod>;
  readonly #tasks: Tasks;
  readonly #slots: Slots;
  readonly #extenders: readonly Extender[];
  readonly #binder: Binder;
  readonly #writer: StatusWriter;
  readonly #diagnoses: Diagnoses;
  readonly #victims = new Victims();
  readonly #parts = new DisposalStack();
  #nextStart = 0;

  constructor(options: RunSchedulerOptions) {
    const { informers, clock, log, signal, configuration = defaultConfiguration } = options;
    const { profiles, extenders = [], podInitialBackoffMs, podMaxBackoffMs } = configuration;
    this.#options = options;
    this.#profiles = new Map(profiles.map((profile) => [profile.schedulerName, profile]));
    this.#queue = new SchedulingQueue({
      clock,
      isBefore: sortOf(profiles),
      initialBackoffMs: podInitialBackoffMs,
      maxBackoffMs: podMaxBackoffMs,
    });
    this.#tasks = this.#parts.use(
      new Tasks({ onError: (error) => log.error("Scheduler failed", { error: errorMessage(error) }), signal }),
    );
    allowManyListeners(this.#tasks.signal);
    this.#parts.defer(() => this.#queue.close());
    this.#storage = this.#parts.use(
      new Storage({ informers, onChange: () => this.#queue.onEvent({ type: "storage-changed" }) }),
    );
    this.#cluster = new InformedCluster({ informers });
    this.#snapshot = new Snapshot({ storage: this.#storage, cluster: this.#cluster });
    this.#diagnoses = new Diagnoses({ clock });
    this.#slots = new Slots({ tasks: this.#tasks, limit: maxInFlight });
    this.#writer = new StatusWriter({ ...options, signal: this.#tasks.signal });
    this.#extenders = extenders.map((one) => this.#parts.use(new Extender(one, options)));
    this.#binder = new Binder({
      ...options,
      extenders: this.#extenders,
      storage: this.#storage,
      snapshot: this.#snapshot,
      tasks: this.#tasks,
      slots: this.#slots,
      nominate: (waiting, nodeName) => this.#writer.nominate(waiting, nodeName),
      recorderOf: (profile) => this.#recorderOf(profile),
      onFailure: (failed) => this.#onBindFailure(failed),
      onRefusal: ({ pod: refused, profile }, refusal) => this.#onPermitRefusal(refused, profile, refusal),
    });
    const nodes = informers.informer(node);
    this.#pods = informers.informer(pod);
    this.#parts.defer(this.#cluster.onNamespaces(() => this.#snapshot.namespacesChanged()));
    this.#parts.defer(nodes.onChange((change) => this.#onNode(change)));
    this.#parts.defer(this.#pods.onChange((change) => this.#onPod(change)));
    this.#tasks.run(async (aborted) => {
      const caches = [nodes, this.#pods, this.#storage, this.#cluster];
      await Promise.all(caches.map((cache) => cache.synced({ signal: aborted })));
      for (let count = 1; ; count++) {
        await this.#scheduleOne(aborted);
        // A long queue must not keep everybody else from running.
        if (count % placedInARow === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }

  explain(key: { readonly namespace: string; readonly name: string }): JsonObject | undefined {
    return this.#diagnoses.of(key);
  }

  #onNode(change: CacheChange<Node>): void {
    const { object } = change;
    if (change.type === "deleted") {
      this.#snapshot.deleteNode(object);
      this.#queue.onEvent({ type: "node-deleted", node: object });
      return;
    }
    this.#snapshot.setNode(object);
    if (change.type === "added") this.#queue.onEvent({ type: "node-added", node: object });
    else if (isOtherNode(object, change.previous))
      this.#queue.onEvent({ type: "node-updated", node: object, previous: change.previous });
  }

  #onPod(change: CacheChange<Pod>): void {
    const { object } = change;
    const previous = change.type === "updated" ? change.previous : undefined;
    const isGone = change.type === "deleted" || isPodTerminal(object);
    if (isGone || object.spec.nodeName) this.#forgetWaiting(object);
    if (isGone) {
      this.#binder.cancel(object);
      this.#diagnoses.forget(object);
      this.#snapshot.deletePod(object);
      for (const preemptor of this.#victims.gone(object)) this.#queue.hurry(preemptor);
      const wasEnded = previous !== undefined && isPodTerminal(previous);
      if (object.spec.nodeName && !wasEnded) this.#queue.onEvent({ type: "pod-deleted", pod: object });
    } else if (object.spec.nodeName) {
      this.#snapshot.setPod(object);
      if (!previous?.spec.nodeName) this.#queue.onEvent({ type: "pod-added", pod: object });
      else if (isOtherPod(object, previous)) this.#queue.onEvent({ type: "pod-updated", pod: object, previous });
    } else if (!this.#profileOf(object)) {
      this.#forgetWaiting(object);
    } else if (!this.#snapshot.isAssumed(object)) {
      this.#keepNomination(object, previous);
      const changed = previous !== undefined && isOtherPod(object, previous);
      this.#queue.add(object, { changed });
    }
  }

  #forgetWaiting(object: Pod): void {
    this.#queue.delete(object);
    this.#victims.forget(object);
    this.#snapshot.nominate(object, undefined);
  }

  /** What was decided here counts until the API has said so and takes it back. */
  #keepNomination(object: Pod, previous: Pod | undefined): void {
    const said = object.status?.nominatedNodeName;
    const isTakenBack = !said && previous?.status?.nominatedNodeName;
    if (said || isTakenBack) this.#snapshot.nominate(object, said);
    else this.#snapshot.nominate(object, this.#snapshot.nominationOf(object));
  }

  /** How a pod that waits is placed; undefined when that is not for us to do, or not yet. */
  #profileOf({ metadata, spec }: Pod): SchedulerProfile | undefined {
    if ((spec.schedulingGates ?? []).length > 0 || metadata.deletionTimestamp !== undefined) return undefined;
    return this.#profiles.get(spec.schedulerName ?? defaultSchedulerName);
  }

  #recorderOf(profile: SchedulerProfile): EventRecorder {
    const present = this.#recorders.get(profile);
    if (present) return present;
    const recorder = this.#parts.use(createEventRecorder({ ...this.#options, component: profile.schedulerName }));
    this.#recorders.set(profile, recorder);
    return recorder;
  }

  async #scheduleOne(signal: AbortSignal): Promise<void> {
    await this.#slots.free(signal);
    const { pod: next } = await this.#queue.pop(signal);
    const profile = this.#profileOf(next);
    if (!profile) return;
    const interested = this.#extenders.filter((one) => one.isInterested(next));
    if (interested.length === 0)
      this.#placed(next, placePod(next, this.#snapshot, this.#placeOptions(profile)), profile);
    else await this.#placeWith(interested, next, profile);
  }

  #placeOptions({ plugins, percentageOfNodesToScore = 0 }: SchedulerProfile): PlaceOptions {
    return { plugins, random: this.#options.random, startAt: this.#nextStart, percentageOfNodesToScore };
  }

  /** Places a pod with the help of servers outside. Meanwhile it may change, or need no node any more. */
  async #placeWith(extenders: readonly Extender[], next: Pod, profile: SchedulerProfile): Promise<void> {
    const { signal } = this.#tasks;
    const options = { ...this.#placeOptions(profile), extenders, log: this.#options.log, signal };
    try {
      const { placeWithExtenders } = await import("./place_with_extenders.ts");
      const placement = await placeWithExtenders(next, this.#snapshot, options);
      const present = this.#queue.taken(next);
      if (present) this.#placed(present, placement, profile);
    } catch (error) {
      signal.throwIfAborted();
      const present = this.#queue.taken(next);
      if (present) this.#fail(present, errorMessage(error), profile);
    }
  }

  /** A pod that could not be judged: it is tried again. */
  #fail(waiting: Pod, message: string, profile: SchedulerProfile): void {
    this.#queue.retry(waiting);
    this.#recorderOf(profile).record(waiting, { type: "Warning", reason: "FailedScheduling", message });
    this.#slots.run(() => this.#writer.unschedulable(waiting, { message, reason: "SchedulerError" }));
  }

  #placed(next: Pod, placement: Placement, profile: SchedulerProfile): void {
    this.#nextStart = (this.#nextStart + placement.visited) % Math.max(1, this.#snapshot.nodes.length);
    this.#diagnoses.record(next, placement);
    if (placement.node) {
      this.#snapshot.nominate(next, undefined);
      this.#binder.bind({ pod: next, node: placement.node, state: placement.state, profile });
    } else this.#park(next, placement, profile);
  }

  #park(
    waiting: Pod,
    { message, refusedBy, postFilter }: Pick<Unplaced, "message" | "refusedBy" | "postFilter">,
    profile: SchedulerProfile,
  ): void {
    const nominatedNodeName = postFilter?.nominatedNodeName;
    const victims = nominatedNodeName ? (postFilter?.victims ?? []) : [];
    // Until its victims are marked they look like others, and more would be told to go.
    this.#queue.park(waiting, refusedBy, { held: victims.length > 0 });
    if (victims.length > 0) this.#victims.add(victims, waiting);
    if (nominatedNodeName !== undefined) this.#snapshot.nominate(waiting, nominatedNodeName);
    const recorder = this.#recorderOf(profile);
    recorder.record(waiting, { type: "Warning", reason: "FailedScheduling", message });
    this.#slots.run(async () => {
      try {
        await this.#writer.unschedulable(waiting, { message, nominatedNodeName });
        if (nominatedNodeName) await this.#displace(waiting, victims, { nominatedNodeName, recorder });
      } finally {
        this.#queue.release(waiting);
      }
    });
  }

  /** Makes room for a pod on the node that it is nominated for. */
  async #displace(
    preemptor: Pod,
    victims: readonly Pod[],
    { nominatedNodeName: nodeName, recorder }: { readonly nominatedNodeName: string; readonly recorder: EventRecorder },
  ): Promise<void> {
    const isLower = ({ spec }: Pod) => (spec.priority ?? 0) < (preemptor.spec.priority ?? 0);
    // What was made free for them may not be enough for both: they look again.
    for (const lower of this.#snapshot.nominatedFor(nodeName).filter(isLower)) {
      this.#snapshot.nominate(lower, undefined);
      await this.#writer.clearNomination(lower);
      this.#queue.add(lower, { changed: true });
    }
    await Promise.all(victims.map((victim) => this.#writer.displace(victim, { preemptor, nodeName, recorder })));
  }

  #onBindFailure(failed: Pod): void {
    this.#snapshot.nominate(failed, failed.status?.nominatedNodeName);
    this.#queue.retry(failed);
    this.#queue.onEvent({ type: "pod-deleted", pod: failed });
  }

  /** A pod that had a node, which others may have now. */
  #onPermitRefusal(refused: Pod, profile: SchedulerProfile, { plugin, rejection }: Refusal): void {
    this.#queue.onEvent({ type: "pod-deleted", pod: refused });
    const message = failureMessage([{ rejection }], { count: 1 });
    this.#park(refused, { message, refusedBy: [plugin], postFilter: { message, nominatedNodeName: "" } }, profile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#slots.wake();
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** Who says which pod goes before another. */
function sortOf([first]: readonly SchedulerProfile[]): SchedulingQueueOptions["isBefore"] {
  const plugin = first?.plugins.map((one) => one.plugin).find(({ queueSort }) => queueSort);
  return plugin && ((a, b) => plugin.queueSort?.(a, b) ?? false);
}
