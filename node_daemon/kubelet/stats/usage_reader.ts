import { type MountedFileSystem, mountedFileSystem } from "../../../core/platform/disks.ts";
import { type FolderUsage, folderUsage } from "../../../core/platform/folder_usage.ts";
import {
  type FileSystemUsage,
  fileSystemUsage,
  type MachineUsage,
  machineUsage,
} from "../../../core/platform/machine_usage.ts";
import { type OwnUsage, ownUsage } from "../../../core/platform/process_usage.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { ContainerRuntime, ContainerStats, DiskStats, PodNetworkStats } from "../../runtime/runtime.ts";
import { withDeadline } from "../deadline.ts";
import { listFolder } from "../volumes/files.ts";

/** What is in use at one moment, all but disks. */
export interface Sample {
  /** Milliseconds since the epoch, and of a clock that does not jump. */
  readonly at: number;
  readonly monotonic: number;
  readonly machine: MachineUsage;
  /** The daemon itself. */
  readonly daemon: OwnUsage;
  /** False when the runtime could not tell of its containers. */
  readonly complete: boolean;
  readonly containers: readonly ContainerStats[];
  readonly networks: readonly PodNetworkStats[];
}

/** Two samples: how much lies between them tells how fast CPU time is used. */
export interface SamplePair {
  readonly before: Sample;
  readonly now: Sample;
}

/** A volume that a pod has in its own folder. */
export interface VolumeUsage extends FolderUsage {
  readonly podUid: string;
  readonly name: string;
  readonly fileSystem: FileSystemUsage;
}

/** What is on disks. */
export interface DiskSample {
  readonly at: number;
  /** The file system that holds pods. */
  readonly node: MountedFileSystem;
  /** The one that holds images, and what they take up there; undefined where there are none. */
  readonly images: { readonly fileSystem: MountedFileSystem; readonly usedBytes: number } | undefined;
  readonly containers: DiskStats["containers"];
  readonly volumes: readonly VolumeUsage[];
}

/** Options of {@linkcode UsageReader}. */
export interface UsageReaderOptions {
  readonly runtime: ContainerRuntime;
  /** The kubelet's folder. */
  readonly rootDir: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A sample is given out again for so long. */
const freshMs = 900;
/** Between the two samples of a pair, where there is no earlier one. */
const windowMs = 1000;
/** What was used longer ago says little about now. */
const maxWindowMs = 120_000;
const freshDiskMs = 60_000;
const timeoutMs = 20_000;
const diskTimeoutMs = 90_000;

/** Looks at what is in use when somebody asks, and no more often than is of use. Who asks at the same time shares a look. */
export class UsageReader {
  readonly #options: UsageReaderOptions;
  readonly #signal: AbortSignal;
  #before: Sample | undefined;
  #last: Sample | undefined;
  #looking: Promise<Sample> | undefined;
  #disk: DiskSample | undefined;
  #looksAtDisk: Promise<DiskSample> | undefined;

  /** @param signal ends every look */
  constructor(options: UsageReaderOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** What is in use now, give or take a second. */
  async sample(): Promise<Sample> {
    const age = this.#options.clock.monotonic() - (this.#last?.monotonic ?? Number.NEGATIVE_INFINITY);
    if (this.#last && age < freshMs) return this.#last;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** What is in use now and was a while ago: since the last question, or during the next second. */
  async pair(): Promise<SamplePair> {
    const now = await this.sample();
    const before = this.#before;
    if (before && now.monotonic - before.monotonic <= maxWindowMs) return { before, now };
    await this.#options.clock.sleep(windowMs, { signal: this.#signal });
    const later = await this.sample();
    return { before: this.#before ?? now, now: later };
  }

  /** What is on disks, at most a minute old. */
  async disk(): Promise<DiskSample> {
    const now = this.#options.clock.now();
    if (this.#disk && Math.abs(now - this.#disk.at) < freshDiskMs) return this.#disk;
    this.#looksAtDisk ??= this.#lookAtDisk().finally(() => {
      this.#looksAtDisk = undefined;
    });
    return this.#looksAtDisk;
  }

  async #look(): Promise<Sample> {
    const { runtime, clock } = this.#options;
    const reading = withDeadline({ clock, timeoutMs, signal: this.#signal }, (signal) =>
      Promise.all([runtime.stats({ signal }), runtime.networkStats({ signal })]),
    );
    const told = await this.#orUndefined(reading);
    const machine = await machineUsage();
    const [containers = [], networks = []] = told ?? [];
    const times = { at: clock.now(), monotonic: clock.monotonic() };
    const daemon = ownUsage();
    const sample: Sample = { ...times, machine, daemon, complete: told !== undefined, containers, networks };
    this.#before = this.#last;
    this.#last = sample;
    return sample;
  }

  async #lookAtDisk(): Promise<DiskSample> {
    const { runtime, clock, rootDir } = this.#options;
    const options = { clock, timeoutMs: diskTimeoutMs, signal: this.#signal };
    const reading = withDeadline(options, async (signal) => {
      const { containers, imageFolder } = await runtime.diskStats({ signal });
      return { containers, images: await imagesIn(imageFolder, runtime, signal) };
    });
    const [node, volumes, told] = await Promise.all([
      mountedFileSystem(rootDir),
      volumesBelow(`${rootDir}/pods`, this.#signal),
      this.#orUndefined(reading),
    ]);
    const { containers = [], images } = told ?? {};
    this.#disk = { at: clock.now(), node, images, containers, volumes };
    return this.#disk;
  }

  /** What the runtime tells. While it cannot, the machine's own figures are told all the same. */
  async #orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
    try {
      return await reading;
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#options.log.warn("Cannot read what containers use", { error: errorMessage(error) });
      return undefined;
    }
  }
}

async function imagesIn(
  folder: string | undefined,
  runtime: ContainerRuntime,
  signal: AbortSignal,
): Promise<DiskSample["images"]> {
  if (folder === undefined) return undefined;
  // An engine on another machine has its folder there.
  const fileSystem = await mountedFileSystem(folder).catch(() => undefined);
  if (!fileSystem) return undefined;
  const list = await runtime.images.list({ signal });
  return { fileSystem, usedBytes: list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/** Volumes at `UID/volumes/TYPE/NAME`, one after the other: nobody is in a hurry. */
async function volumesBelow(folder: string, signal: AbortSignal): Promise<readonly VolumeUsage[]> {
  const found: VolumeUsage[] = [];
  for (const podUid of await listFolder(folder))
    for (const type of await listFolder(`${folder}/${podUid}/volumes`))
      for (const name of await listFolder(`${folder}/${podUid}/volumes/${type}`)) {
        signal.throwIfAborted();
        const path = `${folder}/${podUid}/volumes/${type}/${name}`;
        const [usage, fileSystem] = await Promise.all([
          folderUsage(path),
          fileSystemUsage(path).catch(() => undefined),
        ]);
        if (usage && fileSystem) found.push({ podUid, name, ...usage, fileSystem });
      }
  return found;
}
