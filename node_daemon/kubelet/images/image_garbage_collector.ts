import { type FileSystemUsage, fileSystemUsage } from "../../../core/platform/machine_usage.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { Tasks } from "../../../core/util/tasks.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import { withDeadline } from "../deadline.ts";
import { PodFolders } from "../pod_folders.ts";
import { ImageRecords } from "./image_records.ts";
import { planImageRemoval } from "./plan_image_removal.ts";

/** When images are removed. */
export interface ImageGcPolicy {
  /** Percent of the images' disk in use from which images are removed; 100: never. */
  readonly highThresholdPercent: number;
  /** Percent down to which they are. */
  readonly lowThresholdPercent: number;
  /** Since when an image has to be there. */
  readonly minimumAgeMs: number;
  /** How long it may be unused before it is removed, however much room there is; 0: for ever. */
  readonly maximumAgeMs: number;
}

/** Kubernetes' defaults. */
export const defaultImageGc: ImageGcPolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minimumAgeMs: 120_000,
  maximumAgeMs: 0,
};

/** Options of {@linkcode ImageGarbageCollector}. */
export interface ImageGarbageCollectorOptions {
  readonly policy: ImageGcPolicy;
  readonly runtime: ContainerRuntime;
  readonly rootDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Too little could be freed. */
  onFailure(reason: string, message: string): void;
  /** How full a disk is; default: asked of the system. */
  readonly diskUsage?: ((path: string) => Promise<Pick<FileSystemUsage, "totalBytes" | "freeBytes">>) | undefined;
}

/** Also looked at when an image was pulled: this is for what others write. @see k8s.io/kubernetes/pkg/kubelet, ImageGCPeriod */
const lookMs = 300_000;
const callMs = 120_000;

/** Removes images that no container was made from, when their disk fills up: of those that this node fetched, and no others. */
export class ImageGarbageCollector implements AsyncDisposable {
  readonly records: ImageRecords;
  readonly #options: ImageGarbageCollectorOptions;
  readonly #tasks: Tasks;
  #collecting: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: ImageGarbageCollectorOptions) {
    const { runtime, rootDir, clock, log } = options;
    this.#options = options;
    this.#tasks = new Tasks({ onError: (error) => log.warn("Cannot remove images", { error: errorMessage(error) }) });
    const onPulled = () => this.#tasks.run((signal) => this.#collect(signal));
    this.records = new ImageRecords({ images: runtime.images, path: `${rootDir}/images.json`, clock, log, onPulled });
  }

  /** Begins to look at the disk. */
  start(): void {
    const { highThresholdPercent, maximumAgeMs } = this.#options.policy;
    if (highThresholdPercent >= 100 && maximumAgeMs === 0) return;
    this.#tasks.run(async (signal) => {
      for (;;) {
        await this.#options.clock.sleep(lookMs, { signal });
        this.#tasks.run((running) => this.#collectOrTell(running));
      }
    });
  }

  /** Once may be an engine that was busy: what fails twice in a row is told. */
  async #collectOrTell(signal: AbortSignal): Promise<void> {
    try {
      await this.#collect(signal);
      this.#hasFailed = false;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#hasFailed) this.#options.onFailure("ImageGCFailed", errorMessage(error));
      this.#hasFailed = true;
      throw error;
    }
  }

  /** Removes images that are too old, and others until the disk is at the low threshold, if it is above the high one. */
  async #collect(signal: AbortSignal): Promise<void> {
    const { policy, runtime, log, onFailure, diskUsage = fileSystemUsage } = this.#options;
    if (policy.maximumAgeMs > 0) await this.#free(0, signal);
    if (policy.highThresholdPercent >= 100) return;
    const folder = await runtime.images.folder({ signal });
    const disk = folder === undefined ? undefined : await diskUsage(folder).catch(() => undefined);
    if (!disk) return;
    if (disk.totalBytes === 0) {
      onFailure("InvalidDiskCapacity", "invalid capacity 0 on image filesystem");
      return;
    }
    const { totalBytes, freeBytes } = disk;
    const usedPercent = 100 - Math.trunc((freeBytes * 100) / totalBytes);
    if (usedPercent < policy.highThresholdPercent) return;
    const bytesToFree = Math.trunc((totalBytes * (100 - policy.lowThresholdPercent)) / 100) - freeBytes;
    log.info("The disk of images is full above the high threshold", { usedPercent, bytesToFree });
    const { freed, eligible } = await this.#free(bytesToFree, signal);
    if (freed >= bytesToFree) return;
    onFailure(
      "FreeDiskSpaceFailed",
      `Failed to garbage collect required amount of images. Attempted to free ${bytesToFree} bytes, but only found ${eligible} bytes eligible to free.`,
    );
  }

  /** Removes all images that may be removed, for want of disk. */
  async removeUnused({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#free(Number.POSITIVE_INFINITY, signal);
  }

  /** One at a time: two would remove the same. */
  async #free(
    bytesToFree: number,
    signal: AbortSignal,
  ): Promise<{ readonly freed: number; readonly eligible: number }> {
    const before = this.#collecting;
    const mine = before.then(() => this.#removeSome(bytesToFree, signal));
    this.#collecting = mine.then(
      () => {},
      () => {},
    );
    return await mine;
  }

  async #removeSome(bytesToFree: number, signal: AbortSignal) {
    const { policy, runtime, clock, log } = this.#options;
    const [images, containers] = await withDeadline({ clock, timeoutMs: callMs, signal }, (cut) =>
      Promise.all([runtime.images.list({ signal: cut }), runtime.listContainers({ signal: cut })]),
    );
    const inUse = new Set([
      ...containers.map(({ imageId }) => imageId.slice(imageId.indexOf("://") + 3)),
      ...(await new PodFolders(this.#options.rootDir).imagesInUse()),
    ]);
    const { remove, records, eligibleBytes } = planImageRemoval({
      images,
      records: await this.records.list(),
      inUse,
      bytesToFree,
      minimumAgeMs: policy.minimumAgeMs,
      maximumAgeMs: policy.maximumAgeMs,
      now: clock.now(),
    });
    let freed = 0;
    const removed = new Set<string>();
    for (const { id, names, sizeBytes } of remove) {
      log.info("Removing an image that is not in use", { image: names[0] ?? id, bytes: sizeBytes });
      try {
        for (const name of inOrder(id, names))
          await withDeadline({ clock, timeoutMs: callMs, signal }, (cut) =>
            runtime.images.remove(name, { signal: cut }),
          );
        removed.add(id);
        freed += sizeBytes;
      } catch (error) {
        signal.throwIfAborted();
        // Somebody else's container was made from it, or it is what another image builds on.
        log.info("Cannot remove an image", { image: names[0] ?? id, error: errorMessage(error) });
      }
    }
    await this.records.replace(records.filter(({ id }) => !removed.has(id)));
    return { freed, eligible: eligibleBytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}

/** Tags before digests: an engine refuses the last tag of what somebody uses, and nothing has been taken from it then. */
function inOrder(id: string, names: readonly string[]): readonly string[] {
  const isDigest = (name: string) => name.includes("@");
  return [...names.filter((name) => !isDigest(name)), ...names.filter(isDigest), id];
}
