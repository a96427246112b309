import type { Node } from "../../core/kinds/mod.ts";
import type { ResourceAmounts } from "../../core/kinds/pod_resources.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { FreeIndex } from "./_free_index.ts";
import { LabelIndex } from "./_label_index.ts";
import { addTo } from "./_node_counts.ts";
import type { NodeEntry, NodeInfo } from "./node_info.ts";

/** Nodes by what plug-ins look them up by. */
export class NodeIndexes {
  readonly #labels: LabelIndex<NodeEntry>;
  readonly #images = new Map<string, number>();
  readonly #freeCpu = new FreeIndex<NodeEntry>();
  readonly #freeMemory = new FreeIndex<NodeEntry>();
  #unschedulable = 0;
  #tainted = 0;

  /** @param known every node that is known, at any time */
  constructor(known: () => Iterable<NodeEntry>) {
    this.#labels = new LabelIndex(known, ({ labels }) => labels);
  }

  /** Nodes by the values of a label, and how many have it. */
  by(label: string): { readonly byValue: ReadonlyMap<string, ReadonlySet<NodeInfo>>; readonly size: number } {
    return this.#labels.by(label);
  }

  /** How many nodes were cordoned. */
  get unschedulable(): number {
    return this.#unschedulable;
  }

  /** How many nodes have taints that keep pods off. */
  get tainted(): number {
    return this.#tainted;
  }

  /** On how many nodes an image is. */
  withImage(name: string): number {
    return this.#images.get(name) ?? 0;
  }

  /** The nodes among which all are that have so much left; undefined: they may be more than `most`. */
  withFree(
    { milliCpu, memoryBytes }: Pick<ResourceAmounts, "milliCpu" | "memoryBytes">,
    most: number,
  ): readonly NodeInfo[] | undefined {
    const byCpu = milliCpu === 0 ? Number.POSITIVE_INFINITY : this.#freeCpu.countWith(milliCpu);
    const byMemory = memoryBytes === 0 ? Number.POSITIVE_INFINITY : this.#freeMemory.countWith(memoryBytes);
    if (Math.min(byCpu, byMemory) > most) return undefined;
    return byCpu < byMemory ? this.#freeCpu.with(milliCpu) : this.#freeMemory.with(memoryBytes);
  }

  /** Gives a node its present state, or none when it is gone. Returns whether its labels are others than before. */
  set(entry: NodeEntry, node: Node | undefined): boolean {
    const { labels, images, known } = entry;
    this.#countRestrictions(entry, -1);
    entry.set(node);
    this.#countRestrictions(entry, 1);
    this.placeByFree(entry);
    for (const name of images.keys()) addTo(this.#images, name, -1);
    for (const name of entry.images.keys()) addTo(this.#images, name, 1);
    if (known && node && semanticEqual(labels, entry.labels)) return false;
    this.#labels.remove(entry, labels);
    if (node) this.#labels.add(entry);
    return true;
  }

  /** To be called when the pods of a node have changed. */
  placeByFree(entry: NodeEntry): void {
    const { known, allocatable, requested } = entry;
    if (known) {
      this.#freeCpu.set(entry, allocatable.milliCpu - requested.milliCpu);
      this.#freeMemory.set(entry, allocatable.memoryBytes - requested.memoryBytes);
    } else for (const index of [this.#freeCpu, this.#freeMemory]) index.delete(entry);
  }

  #countRestrictions({ unschedulable, hardTaints }: NodeEntry, amount: 1 | -1): void {
    if (unschedulable) this.#unschedulable += amount;
    if (hardTaints.length > 0) this.#tainted += amount;
  }
}
