import { findCondition, keyOf } from "../../core/api/meta.ts";
import { milliCpu } from "../../core/api/quantity.ts";
import type { Node } from "../../core/kinds/mod.ts";

const zoneLabel = "topology.kubernetes.io/zone";
/** Nodes of these roles carry no load that could be spread. */
const excludedLabels = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/** The part that each zone has of the processors of all ready nodes: from 0 to 1. */
export type ZoneShares = ReadonlyMap<string, number>;

/** The zone that a node is in; undefined where it does not say. */
export function zoneOf(node: Node | undefined): string | undefined {
  return node?.metadata.labels?.[zoneLabel] || undefined;
}

/** Remembers of nodes what zones are weighed by, so that a heartbeat is no news. */
export class ZoneCapacity {
  readonly #nodes = new Map<string, { readonly zone: string; readonly cpu: number }>();
  #shares: ZoneShares | undefined;
  #isKnown = false;

  /**
   * Notes a node's present state.
   *
   * @param current undefined: the node is gone
   * @returns whether that changes the weight of its zone
   */
  isNews(object: Node, current: Node | undefined): boolean {
    const { name } = keyOf(object);
    const before = this.#nodes.get(name);
    const now = current && weightOf(current);
    if (before?.zone === now?.zone && before?.cpu === now?.cpu) return false;
    if (now) this.#nodes.set(name, now);
    else this.#nodes.delete(name);
    this.#isKnown = false;
    return true;
  }

  /** Undefined where fewer than two zones have ready nodes, or one of these does not tell its zone or processors. */
  get shares(): ZoneShares | undefined {
    if (!this.#isKnown) this.#shares = sharesOf([...this.#nodes.values()]);
    this.#isKnown = true;
    return this.#shares;
  }
}

function weightOf({ metadata, status }: Node): { readonly zone: string; readonly cpu: number } | undefined {
  const { labels = {} } = metadata;
  if (excludedLabels.some((name) => Object.hasOwn(labels, name))) return undefined;
  if (findCondition(status?.conditions, "Ready")?.status !== "True") return undefined;
  return { zone: labels[zoneLabel] ?? "", cpu: milliCpu(status?.allocatable?.["cpu"]) };
}

function sharesOf(nodes: readonly { readonly zone: string; readonly cpu: number }[]): ZoneShares | undefined {
  const byZone = new Map<string, number>();
  let total = 0;
  for (const { zone, cpu } of nodes) {
    if (zone === "" || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (byZone.size < 2) return undefined;
  const names = [...byZone.keys()].sort();
  return new Map(names.map((name) => [name, (byZone.get(name) ?? 0) / total]));
}
