import type { KubeObject, OwnerReference } from "../../core/api/meta.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";

/**
 * An object that names each of its owners once.
 *
 * @param when ` after mutating admission happens`, where that is when they were looked at
 * @see k8s.io/apiserver/pkg/endpoints/handlers, dedupOwnerReferencesAndAddWarning
 */
export function withoutRepeatedOwners(object: KubeObject, warn: (text: string) => void, when = ""): KubeObject {
  const { ownerReferences: owners = [] } = object.metadata;
  if (owners.length < 2) return object;
  const kept: OwnerReference[] = [];
  const repeated: string[] = [];
  for (const owner of owners)
    if (kept.some((other) => other.uid === owner.uid && semanticEqual(other, owner))) repeated.push(owner.uid);
    else kept.push(owner);
  if (repeated.length === 0) return object;
  warn(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(", ")}`,
  );
  return { ...object, metadata: { ...object.metadata, ownerReferences: kept } };
}
