import type { Pod } from "../../../core/kinds/pod.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { Tasks } from "../../../core/util/tasks.ts";
import { isCriticalPod } from "../critical_pod.ts";
import { immediateGraceSeconds, type PodEvictions } from "../pod_evictions.ts";
import type { PodFolders } from "../pod_folders.ts";
import { emptyDirLimitExceeded } from "./empty_dir_limits.ts";
import { type EvictionState, noEvictionState, planEviction } from "./plan_eviction.ts";
import { type DiskLayout, evictionMessage, type PodUses, rankPods } from "./rank_pods.ts";
import { factsOf, type Observations, type PressureCondition } from "./signals.ts";
import { hasStorageLimit, storageLimitExceeded } from "./storage_limits.ts";
import { type EvictionConfig, type Threshold, thresholdsMet } from "./thresholds.ts";

/** What a node measures of itself. */
export interface NodeFigures {
  /** What is left of everything. Cheap. */
  observe(options: {
    readonly signal: AbortSignal;
  }): Promise<{ readonly observations: Observations; readonly layout: DiskLayout }>;
  /** What these pods use. Asked only when one of them has to go. */
  uses(pods: readonly Pod[], options: { readonly signal: AbortSignal }): Promise<PodUses>;
}

/** The pods that an {@linkcode EvictionManager} may end. */
export interface EvictablePods {
  /** Those that run or are about to. */
  active(): readonly Pod[];
  readonly evictions: PodEvictions;
}

/** Options of {@linkcode EvictionManager}. */
export interface EvictionManagerOptions {
  readonly config: EvictionConfig;
  readonly figures: NodeFigures;
  /** Where the pods' volumes are. */
  readonly folders: PodFolders;
  /** Frees what no pod needs of it, e.g. by removing images. */
  reclaim(options: { readonly signal: AbortSignal }): Promise<void>;
  /** The Node says something else of itself now. */
  onConditions(): void;
  /** Something has to be freed. */
  onThresholdMet(message: string): void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds between two looks. @see k8s.io/kubernetes/pkg/kubelet/kubelet.go, evictionMonitoringPeriod */
const lookMs = 10_000;
/** How long an evicted pod has to end before the next one is chosen. */
const cleanupMs = 30_000;
const cleanupLookMs = 1000;
/** Files are counted for it. */
const storageLookMs = 60_000;

/**
 * Keeps a node from running out of memory, disk or processes: frees what no pod needs, then ends one pod after the other.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
 */
export class EvictionManager implements AsyncDisposable {
  readonly #options: EvictionManagerOptions;
  readonly #tasks: Tasks;
  #state: EvictionState = noEvictionState;
  #conditions: readonly PressureCondition[] = [];
  #pods: EvictablePods | undefined;
  #first: Promise<unknown> | undefined;
  #storageAt = Number.NEGATIVE_INFINITY;

  constructor(options: EvictionManagerOptions) {
    this.#options = options;
    const { log } = options;
    this.#tasks = new Tasks({ onError: (error) => log.error("Eviction failed", { error: errorMessage(error) }) });
  }

  /** What the node is short of, or was until a while ago. */
  get conditions(): readonly PressureCondition[] {
    return this.#conditions;
  }

  /** What the node is short of, as soon as it has been looked at for the first time. */
  async known(signal: AbortSignal): Promise<readonly PressureCondition[]> {
    this.#first ??= this.#look(signal);
    try {
      await this.#first;
    } catch (error) {
      signal.throwIfAborted();
      this.#first = undefined;
      this.#options.log.warn("Cannot tell what the node is short of", { error: errorMessage(error) });
    }
    return this.#conditions;
  }

  /** Begins to look after the node. */
  start(pods: EvictablePods): void {
    this.#pods = pods;
    this.#tasks.run((signal) => this.#follow(signal));
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    for (;;) {
      let evicted: string | undefined;
      try {
        evicted = await this.#synchronize(signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warn("Cannot look after the node's resources", { error: errorMessage(error) });
      }
      if (evicted === undefined) await clock.sleep(lookMs, { signal });
      else await this.#untilEnded(evicted, signal);
    }
  }

  /** The uid of the pod that was evicted, if one had to be. */
  async #synchronize(signal: AbortSignal): Promise<string | undefined> {
    const { due, observations, layout } = await this.#look(signal);
    const overLimit = await this.#evictOverLimit(layout, signal);
    if (overLimit !== undefined) return overLimit;
    const [threshold] = due;
    if (!threshold) return undefined;
    const { resource } = factsOf(threshold.signal);
    this.#options.log.warn("The node is short of a resource", { resource, signal: threshold.signal });
    this.#options.onThresholdMet(`Attempting to reclaim ${resource}`);
    if (resource === "ephemeral-storage" || resource === "inodes") {
      if (await this.#reclaimed(threshold, layout, signal)) return undefined;
    }
    return await this.#evictOne(threshold, { observations, layout }, signal);
  }

  /** Ends the pods that keep more on disk than they may. Pods without such a limit cost nothing. */
  async #evictOverLimit(layout: DiskLayout, signal: AbortSignal): Promise<string | undefined> {
    const pods = this.#pods?.active().filter((pod) => !isCriticalPod(pod)) ?? [];
    const over = new Map<Pod, string>();
    for (const pod of pods) {
      const message = await this.#overVolumeLimit(pod, signal);
      if (message !== undefined) over.set(pod, message);
    }
    for (const [pod, message] of await this.#overStorageLimits(pods, layout, signal))
      if (!over.has(pod)) over.set(pod, message);
    for (const [pod, message] of over) {
      this.#options.log.warn("Evicting a pod", { namespace: pod.metadata.namespace, pod: pod.metadata.name, message });
      const eviction = { reason: "Evicted", message, disruption: false, gracePeriodSeconds: immediateGraceSeconds };
      this.#pods?.evictions.evict(pod.metadata.uid ?? "", eviction);
    }
    const [first] = over.keys();
    return first?.metadata.uid;
  }

  async #overVolumeLimit(pod: Pod, signal: AbortSignal): Promise<string | undefined> {
    const { folders, log } = this.#options;
    try {
      return await emptyDirLimitExceeded(pod, { folders, signal });
    } catch (error) {
      signal.throwIfAborted();
      log.debug("Cannot measure a pod's volumes", { pod: pod.metadata.name, error: errorMessage(error) });
      return undefined;
    }
  }

  /** What all of a pod's files take up is counted seldom. */
  async #overStorageLimits(
    pods: readonly Pod[],
    layout: DiskLayout,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<Pod, string>> {
    const { figures, clock } = this.#options;
    const limited = pods.filter(hasStorageLimit);
    if (limited.length === 0 || clock.monotonic() - this.#storageAt < storageLookMs) return new Map();
    this.#storageAt = clock.monotonic();
    const uses = await figures.uses(limited, { signal });
    return new Map(
      limited.flatMap((pod) => {
        const use = uses.get(pod.metadata.uid ?? "");
        const message = use && storageLimitExceeded(pod, use, layout);
        return message === undefined ? [] : [[pod, message] as const];
      }),
    );
  }

  async #look(signal: AbortSignal) {
    const { figures, config, clock, onConditions } = this.#options;
    const { observations, layout } = await figures.observe({ signal });
    const { state, conditions, due } = planEviction(this.#state, observations, { config, now: clock.monotonic() });
    this.#state = state;
    const changed = conditions.join() !== this.#conditions.join();
    this.#conditions = conditions;
    if (changed) onConditions();
    return { due, observations, layout };
  }

  /** Frees what no pod needs. True when that was enough. */
  async #reclaimed({ signal: name }: Threshold, layout: DiskLayout, signal: AbortSignal): Promise<boolean> {
    const { reclaim, figures, config, log } = this.#options;
    // Where images lie apart, nothing on the node's own disk can be spared.
    if (layout.imagesApart && name.startsWith("nodefs.")) return false;
    try {
      await reclaim({ signal });
    } catch (error) {
      signal.throwIfAborted();
      log.warn("Cannot free what is not in use", { error: errorMessage(error) });
    }
    const { observations } = await figures.observe({ signal });
    return thresholdsMet(config.thresholds, observations, { reclaiming: true }).length === 0;
  }

  async #evictOne(
    threshold: Threshold,
    { observations, layout }: { readonly observations: Observations; readonly layout: DiskLayout },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { figures, config, log } = this.#options;
    const pods = this.#pods;
    if (!pods) return undefined;
    const candidates = pods
      .active()
      .filter((pod) => !isCriticalPod(pod) && !pods.evictions.get(pod.metadata.uid ?? ""));
    if (candidates.length === 0) {
      log.warn("The node is short of a resource, and no pod can be spared", { signal: threshold.signal });
      return undefined;
    }
    const uses = await figures.uses(candidates, { signal });
    const [pod] = rankPods(candidates, uses, { signal: threshold.signal, layout });
    if (!pod) return undefined;
    const uid = pod.metadata.uid ?? "";
    const message = evictionMessage(pod, { threshold, observations, use: uses.get(uid) });
    log.warn("Evicting a pod", { namespace: pod.metadata.namespace, pod: pod.metadata.name, message });
    const most = threshold.gracePeriodMs === 0 ? immediateGraceSeconds : config.maxPodGraceSeconds;
    const gracePeriodSeconds = Math.min(most, pod.spec.terminationGracePeriodSeconds ?? most);
    pods.evictions.evict(uid, { reason: "Evicted", message, gracePeriodSeconds, disruption: true });
    return uid;
  }

  /** Resolves when the pod has ended, so that what it used is free; or when it takes too long. */
  async #untilEnded(uid: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (let waitedMs = 0; waitedMs < cleanupMs; waitedMs += cleanupLookMs) {
      await clock.sleep(cleanupLookMs, { signal });
      if (!this.#pods?.active().some(({ metadata }) => metadata.uid === uid)) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}
