import { jsonEqual } from "../../../core/api/json_object.ts";
import type { Kind } from "../../../core/api/kind.ts";
import { ignoreReason, isReason, StatusError } from "../../../core/api/status.ts";
import { resourceQuota as quotaKind, type ResourceQuota } from "../../../core/kinds/resource_quota.ts";
import { type Deferred, deferred } from "../../../core/util/deferred.ts";
import type { Registries, Stored } from "../../registry/registry.ts";
import { type Amounts, amountsOf, excess, listOf, only, summed } from "../_amounts.ts";
import type { AdmissionRequest } from "../plugin.ts";
import { afterCharge, type Charge, concerns, planCharge, type QuotaState, stateOf } from "./charge.ts";
import { evaluatorOf, pieces } from "./evaluators.ts";
import type { LimitedResource } from "./limited.ts";
import { scopesOf } from "./scopes.ts";

/** The API server itself. */
const user = { username: "system:apiserver", groups: ["system:masters"] };
/** Tries of a batch whose quotas somebody else changed meanwhile. */
const maxTries = 8;

/** What is written to a quota when it would be too much in the meantime. */
class Overtaken extends Error {}

/** Something to be done with the quotas of a namespace, in its turn. */
type Task =
  | { readonly type: "charge"; readonly request: AdmissionRequest; readonly done: Deferred<Charge> }
  | { readonly type: "refund"; readonly charge: Charge };

/** Options of {@linkcode NamespaceLedger}. */
export interface LedgerOptions {
  readonly namespace: string;
  readonly registries: Registries;
  readonly now: () => number;
  /** See {@linkcode planCharge}. */
  readonly limited?: readonly LimitedResource[] | undefined;
  readonly onError: (error: unknown) => void;
}

/**
 * Who keeps the books of one namespace.
 *
 * - Everything about its quotas happens here, one after the other: of writes that race for the last place one gets it.
 * - Writes that wait together are charged together, with one commit for each quota.
 * - What was charged for writes that are under way is known: a recount adds it to what it finds.
 */
export class NamespaceLedger {
  readonly #options: LedgerOptions;
  #tasks: Task[] = [];
  #running: Promise<void> | undefined;
  /** Charges of writes that are not over yet. */
  readonly #pending = new Set<Charge>();
  /** Whether what is used may no longer be what the quotas say. */
  #isDirty = false;
  /** Charges that a recount has added: once their objects are there, they were counted twice. */
  readonly #counted = new Set<Charge>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#pending.size === 0 && !this.#isDirty;
  }

  /** Charges the quotas for a write. @throws StatusError Forbidden when it is too much */
  charge(request: AdmissionRequest): Promise<Charge> {
    const done = deferred<Charge>();
    this.#tasks.push({ type: "charge", request, done });
    this.#run();
    return done.promise;
  }

  /** The write is over. */
  settle(charge: Charge, { isCommitted }: { readonly isCommitted: boolean }): void {
    if (isCommitted) {
      this.#pending.delete(charge);
      if (this.#counted.delete(charge)) this.recount();
      return;
    }
    this.#tasks.push({ type: "refund", charge });
    this.#run();
  }

  /** Counts again what is used. */
  recount(): void {
    this.#isDirty = true;
    this.#run();
  }

  /** Until nothing is left to do. */
  async quiet(): Promise<void> {
    while (this.#running) await this.#running;
  }

  #run(): void {
    this.#running ??= this.#work();
  }

  async #work(): Promise<void> {
    // Those that ask in the same turn of the event loop are served together.
    await Promise.resolve();
    try {
      while (this.#tasks.length > 0 || this.#isDirty) {
        const isWell = await this.#serve();
        // Whatever went wrong, trying again at once would be no better: the next who asks counts again.
        if (!isWell && this.#tasks.length === 0) return;
      }
    } finally {
      // At once: whoever asks from now on finds nobody at work.
      this.#running = undefined;
    }
  }

  /** Does what waits. @returns whether it could */
  async #serve(): Promise<boolean> {
    const tasks = this.#tasks;
    this.#tasks = [];
    try {
      // Nothing that is said below may bring a charge back whose write is over.
      for (const task of tasks) if (task.type === "refund") this.#pending.delete(task.charge);
      for (const task of tasks) if (task.type === "refund") await this.#refund(task.charge);
      const charges = tasks.filter((task) => task.type === "charge");
      if (charges.length > 0) await this.#chargeAll(charges);
      else if (this.#isDirty) await this.#recount();
      return true;
    } catch (error) {
      this.#options.onError(error);
      for (const task of tasks) if (task.type === "charge") task.done.reject(error);
      this.#isDirty = true;
      return false;
    }
  }

  async #quotas(): Promise<readonly Stored<ResourceQuota>[]> {
    const { registries, namespace } = this.#options;
    return (await registries.for(quotaKind).list({ namespace })).items;
  }

  /** The quotas as they stand; counted first where one is new or has changed. */
  async #states(): Promise<readonly QuotaState[]> {
    const isCurrent = ({ object: { spec, status } }: Stored<ResourceQuota>) =>
      status !== undefined && jsonEqual({ ...(spec?.hard ?? {}) }, { ...(status.hard ?? {}) });
    const quotas = await this.#quotas();
    if (quotas.every(isCurrent)) return quotas.map(({ object }) => stateOf(object));
    await this.#recount();
    return (await this.#quotas()).map(({ object }) => stateOf(object));
  }

  async #chargeAll(tasks: readonly (Task & { readonly type: "charge" })[]): Promise<void> {
    for (let tried = 1; ; tried++) {
      const { charges, refused } = await this.#plan(tasks.map(({ request }) => request));
      try {
        await this.#take(charges);
      } catch (error) {
        if (error instanceof Overtaken && tried < maxTries) continue;
        if (!(error instanceof Overtaken)) throw error;
        const conflict = StatusError.conflict({ group: "", plural: "resourcequotas" }, "");
        for (const { done } of tasks) done.reject(conflict);
        return;
      }
      for (const { request, done } of tasks) {
        const charge = charges.get(request);
        if (!charge) {
          done.reject(refused.get(request));
          continue;
        }
        if (charge.size > 0 && !request.dryRun) this.#pending.add(charge);
        done.resolve(charge);
      }
      return;
    }
  }

  /** What each write takes, and why some may not. */
  async #plan(requests: readonly AdmissionRequest[]): Promise<{
    readonly charges: ReadonlyMap<AdmissionRequest, Charge>;
    readonly refused: ReadonlyMap<AdmissionRequest, unknown>;
  }> {
    const attempt = async () => {
      let states = await this.#states();
      const charges = new Map<AdmissionRequest, Charge>();
      const refused = new Map<AdmissionRequest, unknown>();
      for (const request of requests) {
        try {
          const charge = planCharge(request, states, { now: this.#options.now(), limited: this.#options.limited });
          charges.set(request, charge);
          if (!request.dryRun) states = afterCharge(states, charge);
        } catch (error) {
          refused.set(request, error);
        }
      }
      return { charges, refused };
    };
    const plan = await attempt();
    if (plan.refused.size === 0 || !this.#isDirty) return plan;
    // Something has gone since: who would be refused may have its place.
    await this.#recount();
    return attempt();
  }

  /** Writes what was taken to every quota. @throws Overtaken when a quota has no room for it any more; nothing is taken then */
  async #take(charges: ReadonlyMap<AdmissionRequest, Charge>): Promise<void> {
    const sums = new Map<string, Amounts>();
    for (const [{ dryRun }, charge] of charges) {
      if (dryRun) continue;
      for (const [name, amounts] of charge) sums.set(name, summed(sums.get(name) ?? new Map(), amounts));
    }
    const taken: [string, Amounts][] = [];
    try {
      for (const [name, amounts] of sums) {
        await this.#change(name, (used, hard) => {
          const next = summed(used, amounts);
          const fits = [...amounts.keys()].every((key) => (next.get(key)?.nano ?? 0n) <= (hard.get(key)?.nano ?? 0n));
          if (!fits) throw new Overtaken(name);
          return next;
        });
        taken.push([name, amounts]);
      }
    } catch (error) {
      for (const [name, amounts] of taken) await this.#change(name, (used) => excess(used, amounts));
      throw error;
    }
  }

  async #refund(charge: Charge): Promise<void> {
    this.#counted.delete(charge);
    for (const [name, amounts] of charge) await this.#change(name, (used) => excess(used, amounts));
  }

  /** Changes what is used of a quota. One that is gone needs no change; one that appears meanwhile is counted. */
  async #change(name: string, change: (used: Amounts, hard: Amounts) => Amounts): Promise<void> {
    const { registries, namespace } = this.#options;
    try {
      await registries.for(quotaKind).update(
        { namespace, name },
        (quota) => {
          const { hard, used } = stateOf(quota);
          return { ...quota, status: { ...quota.status, used: listOf(change(used, hard)) } };
        },
        { user, subresource: "status" },
      );
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }

  async #recount(): Promise<void> {
    this.#isDirty = false;
    const { registries, namespace, now } = this.#options;
    const counts = new Counts(registries, namespace, now());
    for (const { object } of await this.#quotas()) {
      const name = object.metadata.name ?? "";
      // The present charges are part of what is used, whether their objects are there already or not.
      const pending = [...this.#pending];
      await registries
        .for(quotaKind)
        .update(
          { namespace, name },
          async (quota) => {
            const hard = quota.spec?.hard ?? {};
            const state: QuotaState = { quota, hard: amountsOf(hard), used: amountsOf(quota.status?.used) };
            let used = await counts.used(state);
            for (const charge of pending) used = summed(used, charge.get(name) ?? new Map());
            const kept = only(state.used, (key) => state.hard.has(key));
            return {
              ...quota,
              status: { hard, used: listOf(new Map([...kept, ...only(used, (key) => state.hard.has(key))])) },
            };
          },
          { user, subresource: "status" },
        )
        .catch(ignoreReason("NotFound"));
      for (const charge of pending)
        if (this.#pending.has(charge)) this.#counted.add(charge);
        else this.#isDirty = true;
    }
  }
}

/** What the objects of a namespace use up, each kind looked at once. */
class Counts {
  readonly #registries: Registries;
  readonly #namespace: string;
  readonly #now: number;
  readonly #objects = new Map<Kind, readonly Stored[]>();

  constructor(registries: Registries, namespace: string, now: number) {
    this.#registries = registries;
    this.#namespace = namespace;
    this.#now = now;
  }

  /** What is used of everything that a quota limits and something measures. */
  async used(state: QuotaState): Promise<Amounts> {
    let sum: Amounts = new Map();
    for (const kind of measuredKinds(this.#registries.kinds, state.hard)) {
      const evaluator = evaluatorOf(kind);
      const names = [...state.hard.keys()].filter((name) => evaluator.measures(name));
      sum = summed(sum, new Map(names.map((name) => [name, pieces(0)])));
      if (evaluator.countsOnly) {
        const count = pieces(scopesOf(state.quota).length > 0 ? 0 : await this.#count(kind));
        sum = summed(sum, new Map(names.map((name) => [name, count])));
        continue;
      }
      for (const { object } of await this.#list(kind)) {
        if (!concerns(state, evaluator, object)) continue;
        sum = summed(
          sum,
          only(evaluator.usage(object, this.#now), (name) => state.hard.has(name)),
        );
      }
    }
    return sum;
  }

  /** How many there are: nobody need look at one. */
  async #count(kind: Kind): Promise<number> {
    const page = await this.#registries.for(kind).list({ namespace: this.#namespace, limit: 1 });
    return page.items.length + (page.remainingItemCount ?? 0);
  }

  async #list(kind: Kind): Promise<readonly Stored[]> {
    const known = this.#objects.get(kind);
    if (known) return known;
    const { items } = await this.#registries.for(kind).list({ namespace: this.#namespace });
    this.#objects.set(kind, items);
    return items;
  }
}

/** The kinds whose objects use up what is limited, each resource once. */
export function measuredKinds(kinds: readonly Kind[], hard: Amounts): readonly Kind[] {
  const seen = new Set<string>();
  return kinds.filter((kind) => {
    if (!kind.namespaced) return false;
    const evaluator = evaluatorOf(kind);
    const name = `${kind.group}/${kind.plural}`;
    if (seen.has(name) || ![...hard.keys()].some((key) => evaluator.measures(key))) return false;
    seen.add(name);
    return true;
  });
}
