import { keyOf, keyText } from "../../core/api/meta.ts";
import type { Pod, StorageClass } from "../../core/kinds/mod.ts";
import { claimKeys } from "../../core/kinds/pod_claims.ts";
import { isDefaultClass } from "../../core/kinds/storage_class.ts";

/** Name of the index of pods by the claims that they use. */
export const claimIndex = "claim";

/** The index of pods by the claims that they use. One function for all who share the cache. */
export const podsByClaim: { readonly [claimIndex]: (one: Pod) => readonly string[] } = {
  [claimIndex]: (one) => claimKeys(one).map(keyText),
};

/** Name of the class for claims that name none: of several the newest, of several as new the first by name. */
export function defaultStorageClass(classes: readonly StorageClass[]): string | undefined {
  const [first] = classes.filter(isDefaultClass).toSorted((a, b) => {
    const [left = "", right = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
    if (left !== right) return left > right ? -1 : 1;
    return keyOf(a).name < keyOf(b).name ? -1 : 1;
  });
  return first?.metadata.name;
}
