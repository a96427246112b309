import { findCondition, keyOf } from "../../core/api/meta.ts";
import type { Node } from "../../core/kinds/mod.ts";
import { zoneState } from "./_node_health.ts";

/** How many nodes of a zone are ready, and how many are not. */
export interface ZoneCounts {
  readonly ready: number;
  readonly notReady: number;
}

/** How the zones fare: told of each change of a node, so that nobody has to count them all. */
export class ZoneStates {
  readonly #nodes = new Map<string, { readonly zone: string; readonly isReady: boolean }>();
  readonly #zones = new Map<string, ZoneCounts>();

  /** Notes a node as it is now. @param current undefined: it is gone */
  note(object: Node, current: Node | undefined): void {
    const { name } = keyOf(object);
    const before = this.#nodes.get(name);
    const now = current && { zone: zoneOf(current), isReady: isReady(current) };
    if (before?.zone === now?.zone && before?.isReady === now?.isReady) return;
    if (before) this.#count(before, -1);
    if (now) {
      this.#nodes.set(name, now);
      this.#count(now, 1);
    } else this.#nodes.delete(name);
  }

  #count({ zone, isReady }: { readonly zone: string; readonly isReady: boolean }, by: 1 | -1): void {
    const { ready, notReady } = this.#zones.get(zone) ?? { ready: 0, notReady: 0 };
    const next = isReady ? { ready: ready + by, notReady } : { ready, notReady: notReady + by };
    if (next.ready + next.notReady > 0) this.#zones.set(zone, next);
    else this.#zones.delete(zone);
  }

  /** The zone of a node that is known not to be ready, whatever was noted of it; and whether no zone has a ready node. */
  around(lost: Node): { readonly zone: string; readonly counts: ZoneCounts; readonly isNoneReady: boolean } {
    const zone = zoneOf(lost);
    const noted = this.#nodes.get(keyOf(lost).name);
    const { ready, notReady } = this.#zones.get(zone) ?? { ready: 0, notReady: 0 };
    const wasCounted = noted?.zone === zone;
    const counts = {
      ready: ready - Number(wasCounted && noted.isReady),
      notReady: notReady + Number(!wasCounted || noted.isReady),
    };
    const others = [...this.#zones].filter(([name]) => name !== zone).map(([, each]) => each);
    return { zone, counts, isNoneReady: [counts, ...others].every((each) => zoneState(each) === "full") };
  }
}

function isReady({ status }: Node): boolean {
  return findCondition(status?.conditions, "Ready")?.status === "True";
}

function zoneOf({ metadata: { labels = {} } }: Node): string {
  return `${labels["topology.kubernetes.io/region"] ?? ""}:${labels["topology.kubernetes.io/zone"] ?? ""}`;
}
