import type { PersistentVolume } from "../../../core/kinds/mod.ts";
import { claimKeys } from "../../../core/kinds/pod_claims.ts";
import type { SchedulerPlugin } from "../framework.ts";

const name = "VolumeZone";
const zoneLabels: readonly string[] = [
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
];

/** Where a volume is: one of `places` by the node's label `key`. */
interface Place {
  readonly key: string;
  readonly places: ReadonlySet<string>;
}

/** Keeps pods in the zones that their volumes are labelled with. */
export const volumeZone: SchedulerPlugin = {
  name,
  helpedBy: ["node-added", "node-updated", "storage-changed"],
  preFilter(pod, { storage }, state) {
    const volumes = claimKeys(pod).flatMap((key) => storage.volume(storage.claim(key)?.spec.volumeName ?? "") ?? []);
    const found = volumes.flatMap(placesOf);
    if (found.length === 0) return "skip";
    state.once(name, () => found);
    return undefined;
  },
  filter(_pod, { labels }, state) {
    const found = state.get<readonly Place[]>(name);
    // Nodes that tell no zone are taken to be anywhere.
    if (!found || !zoneLabels.some((key) => Object.hasOwn(labels, key))) return undefined;
    const isReached = ({ key, places }: Place) => Object.hasOwn(labels, key) && places.has(labels[key] ?? "");
    return found.every(isReached) ? undefined : { reason: "node(s) had no available volume zone" };
  },
};

/** Several zones stand in one label with `__` between them. */
function placesOf({ metadata: { labels = {} } }: PersistentVolume): readonly Place[] {
  return zoneLabels
    .filter((key) => Object.hasOwn(labels, key))
    .map((key) => ({ key, places: new Set((labels[key] ?? "").split("__")) }));
}
