import { rename } from "node:fs/promises";
import type { ResourceList, ResourceRequirements } from "../../../core/kinds/pod.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { PodFolders } from "../pod_folders.ts";
import { ensureFolder, readTail, rewriteFile } from "../volumes/files.ts";
import type { Allocation } from "./allocation.ts";
import type { ResizeState } from "./allocations.ts";

/** What is known of a pod that was resized. */
export interface AllocationRecord extends Pick<ResizeState, "inProgress"> {
  readonly allocation: Allocation;
}

/** Larger than what any pod has. */
const maxBytes = 1024 * 1024;

/**
 * What is set aside for pods that were resized, as files beside what else belongs to them: it outlives the daemon. Pods that
 * were not resized have none, so that their start costs nothing.
 */
export class AllocationRecords implements AsyncDisposable {
  readonly #folders: PodFolders;
  readonly #log: Logger;
  readonly #records = new Map<string, AllocationRecord>();
  readonly #saving = new Map<string, Promise<void>>();

  constructor({ folders, log }: { readonly folders: PodFolders; readonly log: Logger }) {
    this.#folders = folders;
    this.#log = log;
  }

  /** Reads what an earlier daemon wrote. */
  async load(): Promise<void> {
    for (const uid of await this.#folders.list()) {
      const text = await readTail(this.#folders.allocationFile(uid), maxBytes).catch(() => undefined);
      if (text === undefined) continue;
      const record = parseRecord(text);
      if (record) this.#records.set(uid, record);
      else this.#log.warn("Cannot read what is set aside for a pod", { uid });
    }
  }

  get(podUid: string): AllocationRecord | undefined {
    return this.#records.get(podUid);
  }

  /** Keeps a record, and begins to write it down. */
  set(podUid: string, record: AllocationRecord): void {
    this.#records.set(podUid, record);
    const before = this.#saving.get(podUid) ?? Promise.resolve();
    const saving = before.catch(() => {}).then(() => this.#write(podUid, record));
    this.#saving.set(podUid, saving);
    saving.catch((error: unknown) => {
      this.#log.warn("Cannot note what is set aside for a pod", { uid: podUid, error: errorMessage(error) });
    });
  }

  async #write(podUid: string, { allocation, inProgress }: AllocationRecord): Promise<void> {
    // Gone meanwhile, with its folder.
    if (!this.#records.has(podUid)) return;
    const path = this.#folders.allocationFile(podUid);
    const text = JSON.stringify({ allocation: Object.fromEntries(allocation), inProgress });
    await ensureFolder(this.#folders.pod(podUid), 0o700);
    // Whole or not at all.
    await rewriteFile(`${path}.new`, text, 0o600);
    await rename(`${path}.new`, path);
  }

  /** Resolves when what was set is written down, or could not be. */
  async saved(podUid: string): Promise<void> {
    await this.#saving.get(podUid)?.catch(() => {});
  }

  /** Resolves when nothing is being written any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#saving.values());
  }

  /** The pod is gone; its folder goes by itself. */
  forget(podUid: string): void {
    this.#records.delete(podUid);
    this.#saving.delete(podUid);
  }
}

/** What a file says; undefined where that makes no sense. */
function parseRecord(text: string): AllocationRecord | undefined {
  try {
    const { allocation, inProgress } = JSON.parse(text) as {
      readonly allocation: Readonly<Record<string, ResourceRequirements>>;
      readonly inProgress?: ResizeState["inProgress"];
    };
    const entries = Object.entries(allocation);
    const isList = (list: ResourceList = {}) => Object.values(list).every((one) => /^[\w.+-]{1,64}$/.test(String(one)));
    if (!entries.every(([, { limits, requests }]) => isList(limits) && isList(requests))) return undefined;
    return { allocation: new Map(entries), inProgress };
  } catch {
    return undefined;
  }
}
