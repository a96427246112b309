import type { KubeObject } from "../api/meta.ts";
import type { DeleteCallOptions } from "./client.ts";

type Preconditions = NonNullable<DeleteCallOptions["preconditions"]>;

/** Lets a delete meet this very object, and not another one that took its name meanwhile. */
export function sameObject({ metadata: { uid } }: Pick<KubeObject, "metadata">): Preconditions {
  return uid ? { uid } : {};
}

/** Lets a delete meet this very object as it is known here: whoever changed it meanwhile keeps it. */
export function sameVersion({ metadata }: Pick<KubeObject, "metadata">): Preconditions {
  const { resourceVersion } = metadata;
  return { ...sameObject({ metadata }), ...(resourceVersion ? { resourceVersion } : {}) };
}
