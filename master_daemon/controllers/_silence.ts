import { findCondition } from "../../core/api/meta.ts";
import type { Lease, Node } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";

/**
 * How long nodes are silent.
 *
 * Silence is only counted while somebody looks: a master that slept, was stopped or starved wakes up with the silence that
 * it had seen before, and holds nobody to account for the time in which nobody could reach it.
 */
export class Silence {
  readonly #maxGapMs: number;
  #clock: Clock | undefined;
  #awakeMs = 0;
  #lookedAt = 0;
  /** The last sign of life of each node, and when it came, in milliseconds of {@linkcode Silence.awake}. */
  readonly #signs = new Map<string, { readonly sign: string; readonly atMs: number }>();

  /** @param options.maxGapMs longest time between two looks that counts */
  constructor({ maxGapMs }: { readonly maxGapMs: number }) {
    this.#maxGapMs = maxGapMs;
  }

  /** Begins to count time; at the first call only. */
  start(clock: Clock): void {
    if (this.#clock) return;
    this.#clock = clock;
    this.#lookedAt = clock.monotonic();
  }

  /** Milliseconds that passed while somebody looked. To be asked for at least each `maxGapMs`. */
  awake(): number {
    const now = this.#clock?.monotonic() ?? this.#lookedAt;
    this.#awakeMs += Math.min(now - this.#lookedAt, this.#maxGapMs);
    this.#lookedAt = now;
    return this.#awakeMs;
  }

  /** Notes what a node's object and Lease say: whatever is new there is a sign of life. */
  listen(name: string, node: Node, lease: Lease | undefined): void {
    const heartbeat = findCondition(node.status?.conditions, "Ready")?.lastHeartbeatTime;
    const sign = JSON.stringify([node.metadata.uid, lease?.spec?.renewTime, heartbeat]);
    if (this.#signs.get(name)?.sign !== sign) this.#signs.set(name, { sign, atMs: this.awake() });
  }

  /** Takes a node for heard of now. */
  hear(name: string): void {
    const present = this.#signs.get(name);
    if (present) this.#signs.set(name, { ...present, atMs: this.awake() });
  }

  /** Milliseconds for which a node is silent. */
  of(name: string): number {
    return this.awake() - (this.#signs.get(name)?.atMs ?? this.awake());
  }

  /** Forgets a node. */
  forget(name: string): void {
    this.#signs.delete(name);
  }
}
