import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { bytesValue } from "../../core/api/quantity.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { immediateGraceSeconds, type PodEvictions } from "./pod_evictions.ts";
import type { PodFolders } from "./pod_folders.ts";
import { isCode } from "./volumes/files.ts";

/** Options of {@linkcode EmptyDirLimits}. */
export interface EmptyDirLimitsOptions {
  readonly folders: PodFolders;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where a pod goes that uses more than it may. */
  readonly evictions: PodEvictions;
}

/** Milliseconds between two looks at a pod's volumes. @see kubelet's housekeeping of its eviction manager */
const checkMs = 10_000;

/**
 * Looks after the emptyDir volumes that have a `sizeLimit`: a pod that uses more is evicted. Pods without such a volume cost
 * nothing.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/eviction/eviction_manager.go, emptyDirLimitEviction
 */
export class EmptyDirLimits implements AsyncDisposable {
  readonly #options: EmptyDirLimitsOptions;
  readonly #tasks: Tasks;
  /** Pods that are looked after, and how to stop that. */
  readonly #watched = new Map<string, () => void>();

  constructor(options: EmptyDirLimitsOptions) {
    this.#options = options;
    this.#tasks = new Tasks({
      onError: (error) => options.log.error("Cannot measure volumes", { error: errorMessage(error) }),
    });
  }

  /** Looks after the pod from now on. */
  watch(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    const limits = limitsOf(pod);
    if (limits.length > 0 && !this.#watched.has(uid)) this.#watch(uid, limits);
  }

  /** The pod is gone. */
  release(podUid: string): void {
    this.#watched.get(podUid)?.();
    this.#watched.delete(podUid);
  }

  #watch(uid: string, limits: readonly Limit[]): void {
    const stopped = new AbortController();
    this.#watched.set(uid, () => stopped.abort(new DOMException("The pod is gone", "AbortError")));
    this.#tasks.run(async (closing) => {
      const signal = AbortSignal.any([closing, stopped.signal]);
      while (!signal.aborted) {
        await this.#options.clock.sleep(checkMs, { signal }).catch(() => {});
        if (signal.aborted) return;
        const over = await this.#firstOver(uid, limits, signal);
        if (!over || signal.aborted) continue;
        const message = `Usage of EmptyDir volume ${JSON.stringify(over.name)} exceeds the limit ${JSON.stringify(over.text)}. `;
        this.#options.evictions.evict(uid, {
          reason: "Evicted",
          message,
          gracePeriodSeconds: immediateGraceSeconds,
          disruption: false,
        });
        return;
      }
    });
  }

  async #firstOver(uid: string, limits: readonly Limit[], signal: AbortSignal): Promise<Limit | undefined> {
    const { folders, log } = this.#options;
    for (const limit of limits) {
      try {
        const path = limit.inMemory
          ? folders.memory(uid, limit.name)
          : await folders.volume(uid, { type: "emptyDir", name: limit.name });
        if ((await usedBytes(path, limit.bytes, signal)) > limit.bytes) return limit;
      } catch (error) {
        if (!signal.aborted) log.debug("Cannot measure a volume", { volume: limit.name, error: errorMessage(error) });
      }
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}

interface Limit {
  readonly name: string;
  readonly bytes: number;
  /** As the pod says it. */
  readonly text: string;
  readonly inMemory: boolean;
}

function limitsOf({ spec }: Pod): readonly Limit[] {
  return (spec.volumes ?? []).flatMap(({ name, emptyDir }) => {
    const bytes = bytesValue(emptyDir?.sizeLimit);
    if (!emptyDir?.sizeLimit || !(bytes > 0)) return [];
    return [{ name, bytes, text: String(emptyDir.sizeLimit), inMemory: emptyDir.medium === "Memory" }];
  });
}

/** Bytes on disk of everything below a folder; stops counting past `enough`. Links are not followed. */
export async function usedBytes(path: string, enough: number, signal: AbortSignal): Promise<number> {
  let sum = 0;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined && sum <= enough; folder = folders.pop()) {
    signal.throwIfAborted();
    try {
      for await (const entry of await opendir(folder)) {
        const inner = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(inner);
        // Blocks, not length: a file may have holes.
        const found = await lstat(inner).catch(() => undefined);
        sum += (found?.blocks ?? 0) * 512;
      }
    } catch (error) {
      // Gone meanwhile, or not ours to look into.
      if (!isCode(error, "ENOENT", "ENOTDIR", "EACCES")) throw error;
    }
  }
  return sum;
}
