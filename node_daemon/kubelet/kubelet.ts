import { keyOf, keyText, type ObjectKey, type StringMap } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { CacheChange, Informer, InformerFactory } from "../../core/client/informer.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { isMirror } from "../../core/kinds/pod_helpers.ts";
import { service as serviceKind } from "../../core/kinds/service.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { operatingSystem } from "../../core/platform/machine.ts";
import { Backoff } from "../../core/util/backoff.ts";
import type { Clock } from "../../core/util/clock.ts";
import { deferred } from "../../core/util/deferred.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { MetricFamily } from "../../core/util/prometheus.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { ContainerRuntime, Sandbox } from "../runtime/runtime.ts";
import { drainPods } from "./drain_pods.ts";
import type { EvictablePods } from "./eviction/eviction_manager.ts";
import type { ImageRecords } from "./images/image_records.ts";
import { KnownPods } from "./known_pods.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { MirrorPods } from "./mirror_pods.ts";
import { openContext } from "./open_context.ts";
import { Orphans } from "./orphans.ts";
import type { ShutdownPeriods } from "./plan_shutdown.ts";
import { PodAdmission } from "./pod_admission.ts";
import type { NameSettings } from "./pod_dns.ts";
import { PodFolders } from "./pod_folders.ts";
import { containerGcFailed } from "./pod_leftovers.ts";
import { PodWorker } from "./pod_worker.ts";
import { AllocationRecords } from "./resources/allocation_records.ts";
import type { PodSource } from "./sources/source.ts";
import { isStatic } from "./sources/static_pod.ts";
import { StaticPods } from "./sources/static_pods.ts";
import { unneededContainers } from "./unneeded_containers.ts";

/** Options of {@linkcode startKubelet}. */
export interface KubeletOptions {
  readonly nodeName: string;
  readonly nodeIPs: readonly string[];
  /** Absolute path of the folder for what belongs to pods. */
  readonly rootDir: string;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly runtime: ContainerRuntime;
  readonly recorder: EventRecorder;
  /** What the node has to give, for containers that ask for their limits and have none. */
  readonly allocatable: StringMap;
  /** How pods find names. */
  readonly names: NameSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Range of pod addresses, when it is known from the start. */
  readonly podRange?: string | undefined;
  /** Where pods come from besides the API. */
  readonly sources?: readonly PodSource[] | undefined;
  /** What the node is short of, as conditions of the Node. Default: nothing. */
  readonly pressure?: (() => readonly string[]) | undefined;
  /** Kernel parameters that pods may set though others may feel it; with `*` at the end all that begin so. Default: none. */
  readonly unsafeSysctls?: readonly string[] | undefined;
  /** Where it is noted which images were fetched. */
  readonly imageRecords?: ImageRecords | undefined;
  /** There is no API: pods come from the sources alone. */
  readonly standalone?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A running kubelet. Disposing it leaves containers running. */
export interface Kubelet extends AsyncDisposable {
  /** The pods of this node, for its own server. */
  readonly pods: { get(namespace: string, name: string): Pod | undefined; list(): readonly Pod[] };
  /** What came of the pods' probes. */
  probeMetrics(): readonly MetricFamily[];
  /** The pods that may be ended for the node's sake. */
  readonly evictable: EvictablePods;
  /** Removes dead containers that the node can do without. */
  removeDeadContainers(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Sets the range from which pods get addresses, in runtimes that leave that to the kubelet. */
  setPodRange(cidr: string): void;
  /**
   * Ends every pod's containers within its grace period. The kubelet does nothing more after that but being disposed.
   *
   * @param options.periods the node shuts down: pods have that much time, the critical ones end last, and new ones are refused.
   * Default: all end together, each in its own time
   * @param options.resumable the pods stay what they are in the API, and go on when a kubelet starts again; default: they
   * have failed, as on a node that shuts down
   */
  drain(options: {
    readonly signal: AbortSignal;
    readonly resumable?: boolean;
    readonly periods?: ShutdownPeriods | undefined;
  }): Promise<void>;
}

/**
 * Runs the pods of one node: a worker for each, woken by changes of the pod, of its containers, of its probes and of what
 * it refers to. Resolves once what runs is known and adopted.
 */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const kubelet = new PodKubelet(options);
  try {
    await kubelet.start(options.signal ?? new AbortController().signal);
    return kubelet;
  } catch (error) {
    await kubelet[Symbol.asyncDispose]();
    throw error;
  }
}

class PodKubelet implements Kubelet {
  readonly #options: KubeletOptions;
  readonly #context: KubeletContext;
  readonly #pods: Informer<Pod>;
  readonly #workers = new Map<string, PodWorker>();
  readonly #static = new StaticPods();
  readonly #known: KnownPods;
  readonly #orphans: Orphans;
  readonly #mirrors: MirrorPods;
  readonly #admission: PodAdmission;
  readonly #records: AllocationRecords;
  readonly #tasks: Tasks;
  readonly #backoff: Backoff;
  #draining = false;
  #shuttingDown = false;
  readonly #stops: (() => void)[] = [];

  constructor(options: KubeletOptions) {
    const { clock, log, client, informers, nodeName, rootDir, allocatable, runtime } = options;
    const folders = new PodFolders(rootDir, { areRead: runtime.readsFiles });
    this.#options = options;
    this.#pods = informers.informer(podKind, { fieldSelector: `spec.nodeName=${nodeName}` });
    const nodes = informers.informer(nodeKind, { fieldSelector: `metadata.name=${nodeName}` });
    this.#mirrors = new MirrorPods({
      client,
      clock,
      log,
      node: () => nodes.get({ name: nodeName }),
      present: (key) => this.#pods.get(key),
      wanted: (key) => this.#static.named(key),
    });
    this.#stops.push(
      nodes.onChange(({ type }) => {
        // Its uid is part of what shows its pods.
        if (type === "added") for (const one of this.#static.list()) this.#mirrors.sync(keyOf(one));
      }),
    );
    this.#records = new AllocationRecords({ folders, log });
    this.#context = openContext(options, {
      folders,
      records: this.#records,
      wake: (podUid) => this.#workers.get(podUid)?.wake(),
      probed: (podUid) => this.#workers.get(podUid)?.probed(),
      dataChanged: (podUid) => this.#workers.get(podUid)?.dataChanged(),
      shown: (pod, podUid) => this.#known.shown(pod, podUid),
      isMirrored: (podUid) => this.#static.has(podUid),
      others: (pod) => this.#taken(pod),
      node: () => nodes.get({ name: nodeName }),
    });
    this.#known = new KnownPods({ informer: this.#pods, own: this.#static, statuses: this.#context.statuses });
    this.#orphans = new Orphans(this.#context);
    this.#admission = new PodAdmission({
      context: this.#context,
      nodeName,
      operatingSystem: operatingSystem(),
      allocatable,
      others: (pod) => this.#taken(pod),
      known: (pod) => this.#known.current(pod),
      pressure: options.pressure ?? (() => []),
      shuttingDown: () => this.#shuttingDown,
      unsafeSysctls: options.unsafeSysctls ?? [],
    });
    if (options.podRange !== undefined) this.#context.addresses.setRange(options.podRange);
    this.#tasks = new Tasks({ onError: (error) => log.error("Kubelet failed", { error: errorMessage(error) }) });
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 10_000, clock });
  }

  get pods(): Kubelet["pods"] {
    return this.#known;
  }

  probeMetrics(): readonly MetricFamily[] {
    return this.#context.probes.counts.families();
  }

  get evictable(): EvictablePods {
    const isActive = ({ metadata, status }: Pod) => this.#workers.has(metadata.uid ?? "") && !isOver(status?.phase);
    return { active: () => this.#known.list().filter(isActive), evictions: this.#context.evictions };
  }

  async removeDeadContainers({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const { runtime, onNodeNews } = this.#context;
    const ended = this.pods.list().filter(({ status }) => isOver(status?.phase));
    const uids = new Set(ended.map(({ metadata }) => metadata.uid ?? ""));
    try {
      for (const { id } of unneededContainers(await runtime.listContainers({ signal }), uids))
        await runtime.removeContainer(id, { signal });
    } catch (error) {
      signal.throwIfAborted();
      onNodeNews(containerGcFailed(error));
      throw error;
    }
  }

  setPodRange(cidr: string): void {
    this.#context.addresses.setRange(cidr);
  }

  /** Learns what should run and what does, then begins to act. */
  async start(signal: AbortSignal): Promise<void> {
    const { informers, sources = [], standalone = false } = this.#options;
    const [sandboxes] = await Promise.all([
      this.#orphans.adopt(signal),
      this.#context.pins.clear(),
      this.#records.load(),
    ]);
    const told = sources.map((source, index) => this.#follow(source, index));
    // Before the first pod is looked at: a runtime that is followed finds what belongs to it with less ado.
    this.#tasks.run((running) => this.#followRuntime(running));
    if (standalone) return;
    const nodes = informers.informer(nodeKind, { fieldSelector: `metadata.name=${this.#options.nodeName}` });
    await Promise.all([this.#pods, nodes, informers.informer(serviceKind)].map((one) => one.synced({ signal })));
    // Only who knows every pod can tell which are nobody's.
    if (told.length === 0) await this.#endOrphans(sandboxes);
    else this.#tasks.run(() => Promise.all(told).then(() => this.#endOrphans(sandboxes)));
    this.#stops.push(this.#pods.onChange((change) => this.#onChange(change)));
  }

  #endOrphans(sandboxes: readonly Sandbox[]): Promise<void> {
    const wanted = this.#known.wanted().map(({ metadata }) => metadata.uid ?? "");
    return this.#orphans.end(sandboxes, new Set([...wanted, ...this.#workers.keys()]));
  }

  #onChange(change: CacheChange<Pod>): void {
    const { object } = change;
    if (isMirror(object) || this.#static.named(keyOf(object))) {
      this.#mirrors.sync(keyOf(object));
      const own = this.#static.named(keyOf(object));
      if (own) this.#context.statuses.mirrored(own.metadata.uid ?? "");
      return;
    }
    if (change.type === "deleted") {
      this.#workers.get(object.metadata.uid ?? "")?.remove(object);
      // Its room is for those that wait to be resized.
      this.#context.allocations.retry();
      return;
    }
    // A pod that was deleted and made again under its name in between comes as a change.
    if (change.type === "updated" && change.previous.metadata.uid !== object.metadata.uid) {
      this.#workers.get(change.previous.metadata.uid ?? "")?.remove(change.previous);
    }
    this.#update(object);
  }

  /** Runs the pods of a source. Resolves when it has told of them once. */
  #follow(source: PodSource, index: number): Promise<void> {
    const { nodeName, clock, log } = this.#options;
    const told = deferred();
    const onPods = (pods: readonly Pod[]) => {
      const { gone, names } = this.#static.set(index, pods);
      for (const pod of gone) this.#workers.get(pod.metadata.uid ?? "")?.remove(pod);
      for (const key of names) this.#syncStatic(key);
      told.resolve();
    };
    const onDuplicate = (pod: Pod) => this.#context.events.duplicate(pod);
    this.#tasks.run((signal) => source.follow({ nodeName, clock, log, onPods, onDuplicate, signal }));
    return told.promise;
  }

  /** Starts the pod of that name that is the node's own, once none of that name runs any more; shows it. */
  #syncStatic(key: ObjectKey): void {
    const pod = this.#static.named(key);
    const name = keyText(key);
    const isTaken = [...this.#workers.values()].some((worker) => keyText(keyOf(worker.pod)) === name);
    if (pod && !isTaken) this.#update(pod);
    // What ends is shown until it has.
    if (pod || !isTaken) this.#mirrors.sync(key);
  }

  #update(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    const present = this.#workers.get(uid);
    if (this.#draining && (present || !this.#shuttingDown)) return;
    if (present) {
      present.update(pod);
      this.#context.allocations.update(pod);
      return;
    }
    this.#admission.admit(pod, (admitted) => this.#take(admitted));
  }

  #take(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    const worker = new PodWorker(this.#context, { pod, onGone: () => this.#drop(uid) });
    this.#workers.set(uid, worker);
    this.#context.allocations.update(pod);
    worker.wake();
  }

  /** The other pods that this node has taken, now or before the kubelet started again, and that have not ended, with what is set aside for them. */
  #taken({ metadata }: Pod): readonly Pod[] {
    const taken = this.#known.list().filter((other) => {
      const uid = other.metadata.uid ?? "";
      if (uid === metadata.uid || isOver(other.status?.phase) || this.#context.evictions.get(uid)) return false;
      return this.#workers.has(uid) || other.status?.startTime !== undefined;
    });
    return taken.map((pod) => this.#context.allocations.allocated(pod));
  }

  #drop(uid: string): void {
    const worker = this.#workers.get(uid);
    if (!worker) return;
    this.#workers.delete(uid);
    this.#tasks.run(() => worker[Symbol.asyncDispose]());
    if (!isStatic(worker.pod)) return;
    this.#syncStatic(keyOf(worker.pod));
  }

  /** Wakes the workers whose containers changed; all of them after the stream was broken. */
  async #followRuntime(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log } = this.#context;
    while (!signal.aborted) {
      try {
        for await (const { podUid } of runtime.events({ signal })) {
          this.#backoff.reset("events");
          this.#workers.get(podUid)?.wake();
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn("Lost the runtime's events", { error: errorMessage(error) });
      }
      await clock.sleep(this.#backoff.next("events"), { signal });
      for (const worker of this.#workers.values()) worker.wake();
    }
  }

  async drain({
    signal,
    resumable = false,
    periods,
  }: {
    readonly signal: AbortSignal;
    readonly resumable?: boolean;
    readonly periods?: ShutdownPeriods | undefined;
  }): Promise<void> {
    this.#draining = true;
    this.#shuttingDown = periods !== undefined;
    // Every pod's worker listens.
    allowManyListeners(signal);
    if (!periods) for (const stop of this.#stops) stop();
    const { clock, log } = this.#context;
    await drainPods(new Map(this.#workers), { signal, resumable, periods, clock, log });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) stop();
    const { statuses, probes, objects, pins, imageFolders } = this.#context;
    const workers = [...this.#workers.values()].map((worker) => worker[Symbol.asyncDispose]());
    // Together: a worker may be waiting for its status to be written.
    await Promise.all([
      ...workers,
      this.#tasks[Symbol.asyncDispose](),
      statuses[Symbol.asyncDispose](),
      this.#mirrors[Symbol.asyncDispose](),
      this.#admission[Symbol.asyncDispose](),
      this.#orphans[Symbol.asyncDispose](),
    ]);
    await Promise.all([probes, objects, pins, imageFolders, this.#records].map((part) => part[Symbol.asyncDispose]()));
  }
}

function isOver(phase: string | undefined): boolean {
  return phase === "Failed" || phase === "Succeeded";
}
