import type { PriorityLevelConfiguration } from "../../../core/kinds/priority_level_configuration.ts";
import { FairQueue } from "./fair_queue.ts";

/** One that waits for a seat. */
export interface Waiting {
  start(): void;
}

/** The requests of one priority: those that run, and those that wait. */
export class PriorityLevel {
  readonly name: string;
  uid = "";
  /** Exempt: nothing is counted, nobody waits. */
  isExempt = false;
  shares = 0;
  /** Seats that are its own when everybody asks for theirs. */
  nominalSeats = 0;
  /** Of those, the ones that are never lent. */
  guaranteedSeats = 0;
  /** Seats that it may have when others leave them free. */
  maxSeats: number = Number.POSITIVE_INFINITY;
  running = 0;
  dispatched = 0;
  rejected = 0;
  /** Absent: who finds no seat is refused. */
  queue: FairQueue<Waiting> | undefined;
  #queuing = "";

  constructor(name: string) {
    this.name = name;
  }

  /** Takes over a configuration. What runs, and what waits unless the queues change, stays. */
  configure({ metadata, spec }: PriorityLevelConfiguration): void {
    this.uid = metadata.uid ?? "";
    this.isExempt = spec.type === "Exempt";
    const { nominalConcurrencyShares = 30, limitResponse } = spec.limited ?? {};
    this.shares = this.isExempt ? (spec.exempt?.nominalConcurrencyShares ?? 0) : nominalConcurrencyShares;
    const { queues = 64, handSize = 8, queueLengthLimit = 50 } = limitResponse?.queuing ?? {};
    const queuing = limitResponse?.type === "Queue" ? JSON.stringify([queues, handSize, queueLengthLimit]) : "";
    if (queuing === this.#queuing) return;
    this.#queuing = queuing;
    // Those who wait in queues that are no more go first.
    const before = this.queue;
    this.queue = queuing ? new FairQueue<Waiting>({ queues, handSize, queueLengthLimit }) : undefined;
    for (let waiting = before?.next(); waiting; waiting = before?.next())
      if (!this.queue?.add("", waiting)) waiting.start();
  }

  /** Nobody waits any more. */
  startAll(): void {
    for (let waiting = this.queue?.next(); waiting; waiting = this.queue?.next()) waiting.start();
  }

  /** Takes over its part of all seats. */
  share(
    { spec }: PriorityLevelConfiguration,
    { totalSeats, totalShares }: { readonly totalSeats: number; readonly totalShares: number },
  ): void {
    this.nominalSeats = totalShares === 0 ? 0 : Math.ceil((totalSeats * this.shares) / totalShares);
    const { lendablePercent = 0, borrowingLimitPercent } = spec.limited ?? {};
    this.guaranteedSeats = this.nominalSeats - Math.round((this.nominalSeats * lendablePercent) / 100);
    this.maxSeats =
      borrowingLimitPercent === undefined
        ? Number.POSITIVE_INFINITY
        : this.nominalSeats + Math.round((this.nominalSeats * borrowingLimitPercent) / 100);
  }

  /** Seats that must stay free for it. */
  get reservedSeats(): number {
    return this.isExempt ? 0 : Math.max(0, this.guaranteedSeats - this.running);
  }
}
