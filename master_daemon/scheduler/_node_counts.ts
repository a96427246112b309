import type { StringMap } from "../../core/api/meta.ts";

/** What has labels that counts are summed up by. */
export interface Labelled {
  /** Empty while the node itself is not known. */
  readonly labels: StringMap;
}

/** Most labels for which one count keeps sums: they come from users. */
const maxKeys = 16;

/** How much of something is on which node, with sums by the values of nodes' labels. */
export class NodeCounts {
  readonly #byNode = new Map<Labelled, number>();
  readonly #byKey = new Map<string, Map<string, number>>();
  #total = 0;

  /** The sum over all nodes, those not known included. */
  get total(): number {
    return this.#total;
  }

  on(node: Labelled): number {
    return this.#byNode.get(node) ?? 0;
  }

  add(node: Labelled, amount: number): void {
    this.#total += amount;
    addTo(this.#byNode, node, amount);
    for (const [key, sums] of this.#byKey) addAt(sums, node.labels, key, amount);
  }

  /** Sums by the values of one label; nodes without it are left out, and values that come to nothing. */
  by(key: string): ReadonlyMap<string, number> {
    const present = this.#byKey.get(key);
    if (present) return present;
    const sums = new Map<string, number>();
    for (const [{ labels }, amount] of this.#byNode) addAt(sums, labels, key, amount);
    const [oldest] = this.#byKey.keys();
    if (this.#byKey.size >= maxKeys && oldest !== undefined) this.#byKey.delete(oldest);
    this.#byKey.set(key, sums);
    return sums;
  }

  /** To be called when a node has got its present labels in place of `previous`. */
  relabel(node: Labelled, previous: StringMap): void {
    const amount = this.on(node);
    if (amount === 0) return;
    for (const [key, sums] of this.#byKey) {
      addAt(sums, previous, key, -amount);
      addAt(sums, node.labels, key, amount);
    }
  }
}

function addAt(sums: Map<string, number>, labels: StringMap, key: string, amount: number): void {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (value !== undefined) addTo(sums, value, amount);
}

/** Adds to the number of `key`; what comes to nothing is left out. */
export function addTo<K>(sums: Map<K, number>, key: K, amount: number): void {
  const sum = (sums.get(key) ?? 0) + amount;
  if (sum === 0) sums.delete(key);
  else sums.set(key, sum);
}
