import type { Pod } from "../../../core/kinds/mod.ts";
import { maxScore, type SchedulerPlugin } from "../framework.ts";
import type { Snapshot } from "../snapshot.ts";

const name = "ImageLocality";
const mebibyte = 1024 * 1024;
/** Images that take less are soon there. */
const leastBytes = 23 * mebibyte;
/** Images that take more, for each container, count no more than this. */
const mostBytesEach = 1000 * mebibyte;

/** Prefers nodes that have the pod's images, weighed by how many nodes have them: one node must not draw all pods. */
export const imageLocality: SchedulerPlugin = {
  name,
  preScore(pod, _nodes, snapshot, state) {
    const shares = new Map(imagesOf(pod).map((image) => [image, shareOf(image, snapshot)] as const));
    state.once(name, () => shares);
    return [...shares.values()].some((share) => share > 0);
  },
  score(pod, { images }, state) {
    const shares = state.get<ReadonlyMap<string, number>>(name);
    const names = imagesOf(pod);
    let bytes = 0;
    for (const image of names) bytes += Math.floor((images.get(image) ?? 0) * (shares?.get(image) ?? 0));
    const most = mostBytesEach * names.length;
    const counted = Math.min(Math.max(bytes, leastBytes), most);
    return Math.floor((maxScore * (counted - leastBytes)) / (most - leastBytes));
  },
};

function shareOf(image: string, snapshot: Snapshot): number {
  return snapshot.nodesWithImage(image) / snapshot.nodes.length;
}

function imagesOf({ spec }: Pod): readonly string[] {
  return [...(spec.initContainers ?? []), ...spec.containers].map(({ image = "" }) =>
    image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image,
  );
}
