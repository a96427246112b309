import { type KubeObject, keyOf } from "../../core/api/meta.ts";
import type { Registry } from "../registry/registry.ts";

/** The default class: of several the newest, of several as new the first by name. */
export async function defaultClassName<T extends KubeObject>(
  classes: Registry<T>,
  isDefault: (object: T) => boolean,
): Promise<string | undefined> {
  const { items } = await classes.list();
  const [first] = items
    .map(({ object }) => object)
    .filter(isDefault)
    .toSorted((a, b) => {
      const [left = "", right = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
      return left === right ? (keyOf(a).name < keyOf(b).name ? -1 : 1) : left > right ? -1 : 1;
    });
  return first && keyOf(first).name;
}
