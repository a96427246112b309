import type { ResourceType } from "../../core/api/kind.ts";
import { findCondition, type KubeObject, keyOf, keyText, setCondition } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { createEventRecorder, type EventRecorder } from "../../core/client/event_recorder.ts";
import type { CacheChange, Informer, InformerFactory } from "../../core/client/informer.ts";
import { type Node, node, type Pod, type PodCondition, pod } from "../../core/kinds/mod.ts";
import { isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { type Clock, timestamp } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { podUid } from "./_pod_uid.ts";
import type { CycleState, WeightedPlugin } from "./framework.ts";
import { placePod } from "./place_pod.ts";
import { plugins as allPlugins } from "./plugins/mod.ts";
import { SchedulingQueue } from "./queue.ts";
import { type NodeInfo, Snapshot } from "./snapshot.ts";
import { Storage } from "./storage.ts";

/** What the scheduler runs with. */
export interface RunSchedulerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Default: all of `plugins/mod.ts`. */
  readonly plugins?: readonly WeightedPlugin[];
  /** Pods that name this scheduler are placed. Default `default-scheduler`. */
  readonly schedulerName?: string;
}

/** Most writes that are under way at once: bindings and conditions. */
const maxInFlight = 64;
const placedInARow = 32;

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

/**
 * Gives pods their nodes until disposed or aborted.
 *
 * - One pod after the other is placed, synchronously, on what is in memory; the binding is written in the background while
 *   the next one is placed. A pod counts on its node from the moment that it was placed.
 * - A binding that fails takes the pod back; it is tried again after a back-off.
 */
export function runScheduler(options: RunSchedulerOptions): AsyncDisposable {
  return new Scheduler(options);
}

class Scheduler implements AsyncDisposable {
  readonly #options: RunSchedulerOptions;
  readonly #name: string;
  readonly #queue: SchedulingQueue;
  readonly #storage: Storage;
  readonly #snapshot: Snapshot;
  readonly #pods: Informer<Pod>;
  readonly #recorder: EventRecorder;
  readonly #tasks: Tasks;
  readonly #parts = new DisposalStack();
  /** By uid, ends the work that comes before a pod's binding. */
  readonly #preBinding = new Map<string, AbortController>();
  #nextStart = 0;
  #inFlight = 0;
  #slotFreed: Deferred<void> | undefined;

  constructor(options: RunSchedulerOptions) {
    const { client, informers, clock, log, random, signal, schedulerName = "default-scheduler" } = options;
    this.#options = options;
    this.#name = schedulerName;
    this.#queue = new SchedulingQueue({ clock });
    this.#recorder = this.#parts.use(createEventRecorder({ client, clock, random, component: schedulerName, log }));
    this.#tasks = this.#parts.use(
      new Tasks({ onError: (error) => log.error("Scheduler failed", { error: errorMessage(error) }), signal }),
    );
    allowManyListeners(this.#tasks.signal);
    this.#parts.defer(() => this.#queue.close());
    this.#storage = this.#parts.use(new Storage({ informers, onChange: () => this.#queue.onEvent("storage-changed") }));
    this.#snapshot = new Snapshot({ storage: this.#storage });
    const nodes = informers.informer(node);
    this.#pods = informers.informer(pod);
    this.#parts.defer(nodes.onChange((change) => this.#onNode(change)));
    this.#parts.defer(this.#pods.onChange((change) => this.#onPod(change)));
    this.#tasks.run(async (aborted) => {
      await Promise.all([nodes, this.#pods, this.#storage].map((cache) => cache.synced({ signal: aborted })));
      for (let count = 1; ; count++) {
        await this.#scheduleOne(aborted);
        // A long queue must not keep everybody else from running.
        if (count % placedInARow === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }

  #onNode(change: CacheChange<Node>): void {
    if (change.type === "deleted") {
      this.#snapshot.deleteNode(change.object);
      return;
    }
    this.#snapshot.setNode(change.object);
    if (change.type === "added") this.#queue.onEvent("node-added");
    else if (matters(change.object, change.previous)) this.#queue.onEvent("node-updated");
  }

  #onPod(change: CacheChange<Pod>): void {
    const { object } = change;
    const isGone = change.type === "deleted" || isPodTerminal(object);
    if (isGone || object.spec.nodeName) this.#queue.delete(object);
    if (isGone) {
      this.#preBinding.get(podUid(object))?.abort(new Error("The pod is gone"));
      this.#snapshot.deletePod(object);
      const wasEnded = change.type === "updated" && isPodTerminal(change.previous);
      if (object.spec.nodeName && !wasEnded) this.#queue.onEvent("pod-deleted");
    } else if (object.spec.nodeName) {
      this.#snapshot.setPod(object);
    } else if (!this.#isOurs(object)) {
      this.#queue.delete(object);
    } else if (!this.#snapshot.isAssumed(object)) {
      const changed =
        change.type === "updated" && !semanticEqual(withoutStatus(object), withoutStatus(change.previous));
      this.#queue.add(object, { changed });
    }
  }

  #isOurs({ metadata, spec }: Pod): boolean {
    return (
      (spec.schedulerName ?? "default-scheduler") === this.#name &&
      (spec.schedulingGates ?? []).length === 0 &&
      metadata.deletionTimestamp === undefined
    );
  }

  async #scheduleOne(signal: AbortSignal): Promise<void> {
    await this.#freeSlot(signal);
    const { pod: next } = await this.#queue.pop(signal);
    const { plugins = allPlugins, random } = this.#options;
    const placement = placePod(next, this.#snapshot, { plugins, random, startAt: this.#nextStart });
    this.#nextStart = (this.#nextStart + 1) % Math.max(1, this.#snapshot.nodes.length);
    if (placement.node) {
      this.#reserveAndBind(next, placement, signal);
      return;
    }
    const { message, helpedBy } = placement;
    this.#queue.park(next, helpedBy);
    this.#recorder.record(next, { type: "Warning", reason: "FailedScheduling", message });
    this.#inBackground(() => this.#sayUnschedulable(next, message, signal));
  }

  #reserveAndBind(
    placed: Pod,
    { node: target, state }: { readonly node: NodeInfo; readonly state: CycleState },
    signal: AbortSignal,
  ): void {
    const { plugins = allPlugins } = this.#options;
    this.#snapshot.assume(placed, target.name);
    for (const { plugin } of plugins) plugin.reserve?.(placed, target, state);
    const unreserve = () => {
      for (const { plugin } of plugins) plugin.unreserve?.(placed, target, state);
    };
    const bind = () => this.#bind(placed, target.name, { unreserve, signal });
    const work = plugins.flatMap(({ plugin }) => {
      const run = plugin.preBind?.(placed, target, state);
      return run ? [{ name: plugin.name, run }] : [];
    });
    if (work.length === 0) {
      this.#inBackground(bind);
      return;
    }
    const gone = new AbortController();
    const context = { ...this.#options, storage: this.#storage, signal: AbortSignal.any([signal, gone.signal]) };
    this.#preBinding.set(podUid(placed), gone);
    // It may take minutes, and must not keep others from being bound.
    this.#tasks.run(async () => {
      try {
        await Promise.all(
          work.map(({ name, run }) =>
            run(context).catch((error: unknown) => Promise.reject(preBindError(name, error))),
          ),
        );
      } catch (error) {
        if (gone.signal.aborted) {
          unreserve();
          this.#snapshot.forget(placed);
        } else if (!signal.aborted) this.#notBound(placed, target.name, { error, unreserve });
        return;
      } finally {
        this.#preBinding.delete(podUid(placed));
      }
      await bind();
    });
  }

  #inBackground(work: () => Promise<void>): void {
    this.#inFlight++;
    this.#tasks.run(async () => {
      try {
        await work();
      } finally {
        this.#inFlight--;
        this.#slotFreed?.resolve();
        this.#slotFreed = undefined;
      }
    });
  }

  async #freeSlot(signal: AbortSignal): Promise<void> {
    while (this.#inFlight >= maxInFlight) {
      this.#slotFreed ??= deferred();
      await this.#slotFreed.promise;
      signal.throwIfAborted();
    }
  }

  async #bind(
    placed: Pod,
    nodeName: string,
    { unreserve, signal }: { readonly unreserve: () => void; readonly signal: AbortSignal },
  ): Promise<void> {
    const { client } = this.#options;
    const { namespace, name = "", uid } = placed.metadata;
    const binding: Binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, ...(namespace ? { namespace } : {}), ...(uid ? { uid } : {}) },
      target: { apiVersion: "v1", kind: "Node", name: nodeName },
    };
    try {
      await client.create(podBinding, binding, { subresource: "binding", signal });
    } catch (error) {
      if (!signal.aborted) this.#notBound(placed, nodeName, { error, unreserve });
      return;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    this.#recorder.record(placed, { type: "Normal", reason: "Scheduled", message });
  }

  /** Takes a pod back that could not be bound. */
  #notBound(
    placed: Pod,
    nodeName: string,
    { error, unreserve }: { readonly error: unknown; readonly unreserve: () => void },
  ): void {
    const { log } = this.#options;
    unreserve();
    this.#snapshot.forget(placed);
    this.#queue.retry(placed);
    this.#queue.onEvent("pod-deleted");
    const fields = { pod: keyText(keyOf(placed)), node: nodeName, error: errorMessage(error) };
    // Gone, or placed by somebody else meanwhile: the cache will tell.
    if (isReason(error, "NotFound") || isReason(error, "Conflict")) {
      log.debug("Pod not bound", fields);
      return;
    }
    const isEarly = error instanceof PreBindError;
    if (isEarly) log.debug("Pod not bound", fields);
    else log.error("Pod not bound", fields);
    const message = isEarly ? error.message : `running Bind plugin "DefaultBinder": ${errorMessage(error)}`;
    this.#recorder.record(placed, { type: "Warning", reason: "FailedScheduling", message });
  }

  async #sayUnschedulable(waiting: Pod, message: string, signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.#options;
    const present = findCondition(waiting.status?.conditions, "PodScheduled");
    if (present?.status === "False" && present.reason === "Unschedulable" && present.message === message) return;
    const conditions = setCondition<PodCondition>(waiting.status?.conditions, {
      type: "PodScheduled",
      status: "False",
      lastProbeTime: null,
      lastTransitionTime: timestamp(clock),
      reason: "Unschedulable",
      message,
    });
    try {
      await client.updateStatus(pod, { ...waiting, status: { ...waiting.status, conditions } }, { signal });
    } catch (error) {
      if (signal.aborted || isReason(error, "NotFound") || isReason(error, "Conflict")) return;
      log.warn("Pod condition not written", { pod: keyText(keyOf(waiting)), error: errorMessage(error) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#slotFreed?.resolve();
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** A plug-in could not do what comes before the binding. */
class PreBindError extends Error {}

/** Conflicts stay what they are: the cache was behind. */
function preBindError(plugin: string, error: unknown): unknown {
  if (isReason(error, "NotFound") || isReason(error, "Conflict")) return error;
  return new PreBindError(`running PreBind plugin "${plugin}": ${errorMessage(error)}`, { cause: error });
}

/** Whether a node changed in what placing looks at. Daemons write their status all the time. */
function matters(next: Node, previous: Node): boolean {
  const relevant = ({ metadata, spec, status }: Node) => [
    metadata.labels,
    spec?.taints,
    spec?.unschedulable,
    status?.allocatable,
  ];
  return !semanticEqual(relevant(next), relevant(previous));
}

function withoutStatus({ metadata: { labels }, spec }: Pod): readonly unknown[] {
  return [labels, spec];
}
