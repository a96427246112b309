import type { Node } from "./node.ts";
import type { PersistentVolume } from "./persistent_volume.ts";

/** Provisioner of the class `local-path`: folders of the node on which a claim's first pod runs. */
export const localPathProvisioner = "wherry.dev/local-path";
/** Annotation of a Node: folder in which its daemon keeps such volumes. */
export const localPathFolder = "wherry.dev/local-path";
/** What the annotations of a Node begin with that name volumes to be removed: `local-path.wherry.dev/pvc-…`. */
const removalPrefix = "local-path.wherry.dev/";
const volumeName = /^pvc-[0-9a-f][0-9a-f-]{0,58}$/;

/**
 * How far a node is with the removal of a volume's data: the master writes `remove`, the node `removed` or
 * `failed: REASON`.
 */
export type Removal = "remove" | "removed" | `failed: ${string}`;

/** Name of the annotation of a Node for the removal of a volume. */
export function removalAnnotation(name: string): string {
  return `${removalPrefix}${name}`;
}

/** The volumes of which something stands on a Node, and how far it is with each. */
export function removalsOf({ metadata }: Node): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    const name = key.startsWith(removalPrefix) ? key.slice(removalPrefix.length) : "";
    if (volumeName.test(name)) found.set(name, value);
  }
  return found;
}

/** Whether a volume is a folder of the node's own, to be made when it is first mounted. */
export function isLocalPathVolume({ metadata, spec }: PersistentVolume, folder: string): boolean {
  const name = metadata.name ?? "";
  return volumeName.test(name) && spec.local?.path === `${folder}/${name}`;
}
