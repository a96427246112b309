import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { bytesValue } from "../../../core/api/quantity.ts";
import type { Pod } from "../../../core/kinds/pod.ts";
import type { PodFolders } from "../pod_folders.ts";
import { isCode } from "../volumes/files.ts";

/**
 * Why a pod has to go that keeps more in an emptyDir than its `sizeLimit`, in Kubernetes' words; undefined while it does not.
 * Counts no further than to the limit; pods without one cost nothing.
 *
 * @see k8s.io/kubernetes/pkg/kubelet/eviction/eviction_manager.go, emptyDirLimitEviction
 */
export async function emptyDirLimitExceeded(
  pod: Pod,
  { folders, signal }: { readonly folders: PodFolders; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { uid = "" } = pod.metadata;
  for (const { name, bytes, text, inMemory } of limitsOf(pod)) {
    const path = inMemory ? folders.memory(uid, name) : await folders.volume(uid, { type: "emptyDir", name });
    if ((await usedBytes(path, bytes, signal)) > bytes)
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(text)}. `;
  }
  return undefined;
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
