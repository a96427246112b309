import type { Pod } from "../../core/kinds/mod.ts";

/** What tells a pod from every other that ever was; its name where a test left the uid out. */
export function podUid({ metadata }: Pod): string {
  return metadata.uid ?? `${metadata.namespace}/${metadata.name}`;
}
