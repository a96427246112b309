import { keyOf, type ObjectKey } from "../api/meta.ts";
import type { Pod } from "./pod.ts";

/** The claims that a pod uses. */
export function claimKeys(one: Pod): readonly ObjectKey[] {
  const { namespace } = keyOf(one);
  const names = (one.spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim: source, ephemeral }) => {
    if (source) return [source.claimName];
    return ephemeral ? [ephemeralClaimName(one, name)] : [];
  });
  return names.map((name) => ({ namespace, name }));
}

/** Name of the claim that is made for an ephemeral volume of a pod. */
export function ephemeralClaimName({ metadata }: Pod, volume: string): string {
  return `${metadata.name}-${volume}`;
}
