import type { StringMap } from "../core/api/meta.ts";
import type { EventRecorder } from "../core/client/event_recorder.ts";
import type { MachineFacts } from "../core/platform/machine.ts";
import type { Clock } from "../core/util/clock.ts";
import { errorMessage, type Logger } from "../core/util/log.ts";
import { Tasks } from "../core/util/tasks.ts";
import { nodeAllocatable, nothingReserved, type ReservedResources } from "./kubelet/allocatable.ts";
import { enforceAllocatable } from "./kubelet/enforce_allocatable.ts";
import { EvictionManager, type NodeFigures } from "./kubelet/eviction/eviction_manager.ts";
import { nodeFigures } from "./kubelet/eviction/node_figures.ts";
import { defaultHard, type EvictionConfig, evictionConfig } from "./kubelet/eviction/thresholds.ts";
import { defaultImageGc, ImageGarbageCollector, type ImageGcPolicy } from "./kubelet/images/image_garbage_collector.ts";
import type { ImageRecords } from "./kubelet/images/image_records.ts";
import type { Kubelet } from "./kubelet/kubelet.ts";
import { type NodeNews, nodeReference } from "./kubelet/node_events.ts";
import { PodFolders } from "./kubelet/pod_folders.ts";
import { SystemOomWatcher, systemOomMessage } from "./kubelet/system_oom.ts";
import type { ContainerRuntime } from "./runtime/runtime.ts";

/** How a node keeps itself from running out of memory, disk and processes. */
export interface NodeCarePolicy {
  /** When pods are ended for want of something. Default: Kubernetes'. */
  readonly eviction?: EvictionConfig | undefined;
  /** When images that it fetched are removed. Default: Kubernetes'. */
  readonly imageGc?: ImageGcPolicy | undefined;
  /** What pods may not have. Default: nothing. */
  readonly reserved?: ReservedResources | undefined;
  /** Whether all pods together are kept to what they may have, where the runtime can. Default true. */
  readonly enforcesAllocatable?: boolean | undefined;
  /** What the node measures of itself. Default: this machine, with what its kernel ends for want of memory. */
  readonly figures?: NodeFigures | undefined;
}

/** What pods may have of a node's capacity. @throws RangeError where more is reserved than there is */
export function allocatableOf(
  capacity: StringMap,
  { reserved = nothingReserved, eviction = defaultEviction }: NodeCarePolicy = {},
): StringMap {
  return nodeAllocatable(capacity, { reserved, thresholds: eviction.thresholds });
}

const defaultEviction: EvictionConfig = evictionConfig({ hard: defaultHard.node });

/** For a machine that is its owner's first: its disk may be as full as it likes, and images stay. */
export const workstationCare: NodeCarePolicy = {
  eviction: evictionConfig({ hard: defaultHard.workstation }),
  imageGc: { ...defaultImageGc, highThresholdPercent: 100 },
};

/** For a node whose containers are only played: what this machine runs short of is none of theirs. */
export const playedCare: NodeCarePolicy = {
  ...workstationCare,
  figures: {
    observe: async () => ({ observations: new Map(), layout: { imagesApart: false } }),
    uses: async () => new Map(),
  },
};

/** Options of {@linkcode nodeCare}. */
export interface NodeCareOptions extends NodeCarePolicy {
  readonly nodeName: string;
  readonly machine: MachineFacts;
  /** What the node has. */
  readonly capacity: StringMap;
  readonly rootDir: string;
  readonly runtime: ContainerRuntime;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What looks after a node's memory, disk and processes. */
export interface NodeCare extends AsyncDisposable {
  readonly imageRecords: ImageRecords;
  /** What the node is short of, as conditions of the Node. */
  conditions(): readonly string[];
  /** The same, once it has been looked at for the first time. */
  pressure(signal: AbortSignal): Promise<readonly string[]>;
  /** Calls `tell` whenever that changes. */
  onChange(tell: () => void): void;
  /** Begins to free and to end. */
  start(kubelet: Kubelet): void;
}

/** Looks after a node, once it is started. */
export function nodeCare(options: NodeCareOptions): NodeCare {
  const { nodeName, recorder, clock, log } = options;
  const object = nodeReference(nodeName);
  const tell = (news: NodeNews) => recorder.record(object, news);
  const warn = (reason: string, message: string) => tell({ type: "Warning", reason, message });
  const closing = new AbortController();
  const { memoryBytes: memoryCapacityBytes } = options.machine;
  let kubelet: Kubelet | undefined;
  let changed = () => {};
  const images = new ImageGarbageCollector({
    ...options,
    policy: options.imageGc ?? defaultImageGc,
    onFailure: warn,
  });
  const machineFigures = (): NodeFigures => {
    const figures = nodeFigures({ ...options, memoryCapacityBytes, closing: closing.signal });
    const oom = new SystemOomWatcher();
    return {
      ...figures,
      async observe(looking) {
        for (const victim of await oom.look()) warn("SystemOOM", systemOomMessage(victim));
        return await figures.observe(looking);
      },
    };
  };
  const tasks = new Tasks({ onError: (error) => log.error("Node care failed", { error: errorMessage(error) }) });
  const enforce = (signal: AbortSignal) => {
    const { reserved = nothingReserved, capacity } = options;
    const amounts = nodeAllocatable(capacity, { reserved, thresholds: [] });
    return enforceAllocatable({ ...options, amounts, onNews: tell, signal });
  };
  const eviction = new EvictionManager({
    config: options.eviction ?? defaultEviction,
    figures: options.figures ?? machineFigures(),
    folders: new PodFolders(options.rootDir),
    async reclaim({ signal }) {
      try {
        await kubelet?.removeDeadContainers({ signal });
      } finally {
        await images.removeUnused({ signal });
      }
    },
    onConditions: () => changed(),
    onThresholdMet: (message) => warn("EvictionThresholdMet", message),
    clock,
    log,
  });
  return {
    imageRecords: images.records,
    conditions: () => eviction.conditions,
    pressure: (signal) => eviction.known(signal),
    onChange(next) {
      changed = next;
    },
    start(started) {
      kubelet = started;
      images.start();
      if (options.enforcesAllocatable ?? true) tasks.run(enforce);
      eviction.start(started.evictable);
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new DOMException("The node daemon ends", "AbortError"));
      await Promise.all([images, eviction, tasks].map((part) => part[Symbol.asyncDispose]()));
    },
  };
}
