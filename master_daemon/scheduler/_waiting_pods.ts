import type { Pod } from "../../core/kinds/mod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { podUid } from "./_pod_uid.ts";
import type { Refusal, SchedulerPlugin, WaitingPod, WaitingPods } from "./framework.ts";

/** Longest wait for one plug-in. */
const maxWaitMs = 15 * 60_000;

/** Pods that have a node and wait for plug-ins that have not yet said whether they may be bound to it. */
export class PermitRoom implements WaitingPods {
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Waiter>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  get(uid: string): WaitingPod | undefined {
    return this.#waiters.get(uid);
  }

  list(): readonly WaitingPod[] {
    return [...this.#waiters.values()];
  }

  /**
   * Resolves with nothing when all plug-ins allow the pod, with the first that rejects it, or that said nothing in time.
   *
   * @param waits milliseconds to wait for each plug-in
   * @throws the signal's reason when it is aborted
   */
  async wait(
    pod: Pod,
    waits: ReadonlyMap<SchedulerPlugin, number>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Refusal | undefined> {
    if (waits.size === 0) return undefined;
    signal.throwIfAborted();
    const waiter = new Waiter(pod, { waits, clock: this.#clock });
    this.#waiters.set(podUid(pod), waiter);
    const onAbort = () => waiter.end(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const refusal = await waiter.outcome;
      signal.throwIfAborted();
      return refusal;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiters.delete(podUid(pod));
    }
  }
}

class Waiter implements WaitingPod {
  readonly pod: Pod;
  readonly #done: Deferred<Refusal | undefined> = deferred();
  /** By name, ends the wait for a plug-in. */
  readonly #pending = new Map<string, { readonly plugin: SchedulerPlugin; readonly stop: () => void }>();

  constructor(
    pod: Pod,
    { waits, clock }: { readonly waits: ReadonlyMap<SchedulerPlugin, number>; readonly clock: Clock },
  ) {
    this.pod = pod;
    for (const [plugin, waitMs] of waits) {
      const ms = Math.min(waitMs, maxWaitMs);
      const reason = `rejected due to timeout after waiting ${ms / 1000}s at plugin ${plugin.name}`;
      this.#pending.set(plugin.name, { plugin, stop: clock.schedule(ms, () => this.reject(plugin.name, reason)) });
    }
  }

  get outcome(): Promise<Refusal | undefined> {
    return this.#done.promise;
  }

  get pending(): readonly string[] {
    return [...this.#pending.keys()];
  }

  allow(name: string): void {
    this.#pending.get(name)?.stop();
    this.#pending.delete(name);
    if (this.#pending.size === 0) this.end(undefined);
  }

  reject(name: string, reason: string): void {
    const found = this.#pending.get(name);
    if (found) this.end({ plugin: found.plugin, rejection: { reason } });
  }

  end(outcome: Refusal | undefined): void {
    for (const { stop } of this.#pending.values()) stop();
    this.#pending.clear();
    this.#done.resolve(outcome);
  }
}
