import type { ImageRecord } from "./image_records.ts";

/** An image of the engine. */
export interface PresentImage {
  readonly id: string;
  readonly names: readonly string[];
  readonly sizeBytes: number;
}

/** What there is to decide from. */
export interface ImageRemovalView {
  readonly images: readonly PresentImage[];
  /** Those that this node fetched. */
  readonly records: readonly ImageRecord[];
  /** Ids of images that containers were made from, dead ones too. */
  readonly inUse: ReadonlySet<string>;
  readonly bytesToFree: number;
  readonly minimumAgeMs: number;
  /** How long an image may be unused before it is removed, whatever is free; 0: for ever. */
  readonly maximumAgeMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Which images to remove, and what is known of the others from now on. */
export interface ImageRemovalPlan {
  /** In this order. */
  readonly remove: readonly { readonly id: string; readonly names: readonly string[]; readonly sizeBytes: number }[];
  readonly records: readonly ImageRecord[];
  readonly eligibleBytes: number;
}

/**
 * Which images to remove so that enough is free, and those that nobody has used for too long: those that were not used for longest first, never one that is in use, is
 * younger than it may be, that this node did not fetch, or that somebody has given another name. Pure.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/garbage-collection/#container-image-garbage-collection
 */
export function planImageRemoval(view: ImageRemovalView): ImageRemovalPlan {
  const { images, inUse, bytesToFree, minimumAgeMs, maximumAgeMs, now } = view;
  const present = new Map(images.map((image) => [image.id, image]));
  const records = view.records
    .filter(({ id }) => present.has(id))
    .map((record) => (inUse.has(record.id) ? { ...record, lastUsedAt: now } : record));
  const eligible = records
    .filter(({ id, names, pulledAt, lastUsedAt }) => {
      const others = (present.get(id)?.names ?? []).filter((name) => !names.includes(name));
      return !inUse.has(id) && lastUsedAt <= now && now - pulledAt >= minimumAgeMs && others.length === 0;
    })
    .sort((a, b) => a.lastUsedAt - b.lastUsedAt || a.pulledAt - b.pulledAt)
    .flatMap(({ id, lastUsedAt }) => {
      const image = present.get(id);
      return image ? [{ image, isTooOld: maximumAgeMs > 0 && now - lastUsedAt > maximumAgeMs }] : [];
    });
  const remove: PresentImage[] = [];
  let freed = 0;
  for (const { image, isTooOld } of eligible) {
    if (freed >= bytesToFree && !isTooOld) break;
    remove.push(image);
    freed += image.sizeBytes;
  }
  return { remove, records, eligibleBytes: eligible.reduce((sum, { image }) => sum + image.sizeBytes, 0) };
}
