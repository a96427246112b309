import type { JsonObject } from "../../core/api/meta.ts";
import type { Pod } from "../../core/kinds/mod.ts";
import { type Clock, timestamp } from "../../core/util/clock.ts";
import type { Placed, Placement, Unplaced } from "./placement.ts";

/** Most pods whose last placing is remembered, and most refusals of nodes among all of them. */
const maxPods = 1000;
const maxRefusals = 50_000;

/** What plug-ins remembered is large, and of no use any more. */
type Remembered = Omit<Placed, "state"> | Unplaced;

interface Diagnosis {
  readonly uid: string | undefined;
  readonly at: string;
  readonly placement: Remembered;
}

/** What came of placing pods the last time, for those who ask why. The oldest are forgotten. */
export class Diagnoses {
  readonly #clock: Clock;
  readonly #byPod = new Map<string, Diagnosis>();
  #refusals = 0;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  record(pod: Pod, placement: Placement): void {
    const key = keyOf(pod.metadata);
    this.#forget(key);
    this.#byPod.set(key, { uid: pod.metadata.uid, at: timestamp(this.#clock), placement: withoutState(placement) });
    this.#refusals += sizeOf(placement);
    for (const oldest of this.#byPod.keys()) {
      if (this.#byPod.size <= maxPods && this.#refusals <= maxRefusals) return;
      this.#forget(oldest);
    }
  }

  forget(pod: Pod): void {
    this.#forget(keyOf(pod.metadata));
  }

  /** The last placing of a pod as JSON; undefined when nothing is known of it. */
  of(key: { readonly namespace: string; readonly name: string }): JsonObject | undefined {
    const found = this.#byPod.get(keyOf(key));
    if (!found) return undefined;
    const { uid = "", at, placement } = found;
    return { ...key, uid, at, ...(placement.node ? placed(placement) : unplaced(placement)) };
  }

  #forget(key: string): void {
    const present = this.#byPod.get(key);
    if (!present) return;
    this.#byPod.delete(key);
    this.#refusals -= sizeOf(present.placement);
  }
}

function withoutState(placement: Placement): Remembered {
  if (!placement.node) return placement;
  const { node, visited, feasible, scores } = placement;
  return { node, visited, feasible, scores };
}

function placed({ node, visited, feasible, scores }: Omit<Placed, "state">): JsonObject {
  const total = scores.reduce((sum, { score, weight }) => sum + score * weight, 0);
  return {
    nodeName: node.name,
    visitedNodes: visited,
    feasibleNodes: feasible,
    score: total,
    scores: scores.map(({ plugin, score, weight }) => ({ plugin, score, weight })),
  };
}

function unplaced({ message, refusals, postFilter }: Unplaced): JsonObject {
  return {
    message,
    ...(postFilter?.nominatedNodeName ? { nominatedNodeName: postFilter.nominatedNodeName } : {}),
    ...(postFilter?.victims?.length ? { victims: postFilter.victims.map(({ metadata }) => keyOf(metadata)) } : {}),
    nodes: [...refusals].map(([{ name }, { plugin, rejection }]) => ({
      name,
      plugin: plugin.name,
      reasons: [rejection.reason, ...(rejection.others ?? [])],
      preemptionHelps: rejection.preemptionHelps === true,
      ...(rejection.lacks ? { lacks: rejection.lacks.map((lack) => ({ ...lack })) } : {}),
    })),
  };
}

function sizeOf(placement: Pick<Unplaced, "refusals"> | Pick<Placed, "node">): number {
  return "refusals" in placement ? placement.refusals.size : 0;
}

function keyOf({ namespace = "", name = "" }: { readonly namespace?: string; readonly name?: string }): string {
  return `${namespace}/${name}`;
}
