import type { Kind } from "../../../core/api/kind.ts";
import { resourceQuota as quotaKind, type ResourceQuota } from "../../../core/kinds/resource_quota.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { linkSignals } from "../../../core/util/link_signals.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { Tasks } from "../../../core/util/tasks.ts";
import type { Registries, Registry, RegistryEvent } from "../../registry/registry.ts";
import { amountsOf } from "../_amounts.ts";
import type { AdmissionRequest } from "../plugin.ts";
import { type Charge, planCharge } from "./charge.ts";
import { evaluatorOf } from "./evaluators.ts";
import { measuredKinds, NamespaceLedger } from "./ledger.ts";
import type { LimitedResource } from "./limited.ts";

/** Options of {@linkcode QuotaBooks}. */
export interface QuotaBooksOptions {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds between two recounts of everything. Default 5 minutes. */
  readonly syncPeriodMs?: number | undefined;
  /** Resources of which nobody may have anything where no quota says how much. */
  readonly limited?: readonly LimitedResource[] | undefined;
}

const fiveMinutesMs = 300_000;
/** What goes in quick succession is counted once. */
const recountDelayMs = 20;
/** Before what ended is followed again. */
const followAgainMs = 1_000;

/**
 * The books of all namespaces: a ledger for each that has quotas.
 *
 * - Writes are charged before they are committed.
 * - Of the kinds that some quota limits, and no others, every change is followed: what goes is given back.
 */
export class QuotaBooks implements AsyncDisposable {
  readonly #options: QuotaBooksOptions;
  readonly #limited: readonly LimitedResource[];
  readonly #quotas: Registry<ResourceQuota>;
  readonly #ledgers = new Map<string, NamespaceLedger>();
  readonly #tasks: Tasks;
  /** What writes that are under way have taken, by the function that all tries of a write share. */
  readonly #open = new WeakMap<AdmissionRequest["onSettled"], { charge: Charge }>();
  /** What calls off the recount of a namespace. */
  readonly #scheduled = new Map<string, () => void>();
  /** By group and plural. */
  readonly #followed = new Map<string, { readonly kind: Kind; stop(): void }>();
  readonly #forgetKinds: () => void;

  constructor(options: QuotaBooksOptions) {
    this.#options = options;
    const { registries, limited = [] } = options;
    this.#limited = limited;
    this.#quotas = registries.for(quotaKind);
    this.#tasks = new Tasks({ onError: (error) => this.#onError(error) });
    this.#tasks.run(() => this.#followQuotas());
    this.#forgetKinds = registries.onChange(() => this.#tasks.run(() => this.#recountAll()));
    this.#tasks.run(() => this.#recountNowAndThen());
  }

  /** Takes what a request is about from the quotas of its namespace, until it is known whether it was committed. @throws StatusError Forbidden when there is too little left */
  async charge(request: AdmissionRequest): Promise<void> {
    const { kind, key, dryRun } = request;
    const namespace = kind.namespaced ? key.namespace : undefined;
    if (namespace === undefined || request.operation === "DELETE" || !evaluatorOf(kind).handles(request)) return;
    // Most namespaces have no quota.
    if (this.#quotas.isEmpty || (await this.#quotas.list({ namespace, limit: 1 })).items.length === 0) {
      planCharge(request, [], { now: this.#options.clock.now(), limited: this.#limited });
      return;
    }
    const ledger = this.#ledgerOf(namespace);
    const taken = await ledger.charge(request);
    if (dryRun) return;
    const earlier = this.#open.get(request.onSettled);
    if (earlier) {
      // The write is tried again: what it took the first time is given back.
      ledger.settle(earlier.charge, { isCommitted: false });
      earlier.charge = taken;
    } else if (taken.size > 0) {
      const present = { charge: taken };
      this.#open.set(request.onSettled, present);
      request.onSettled((committed) => ledger.settle(present.charge, { isCommitted: committed !== undefined }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetKinds();
    for (const cancel of this.#scheduled.values()) cancel();
    await this.#tasks[Symbol.asyncDispose]();
    for (const ledger of this.#ledgers.values()) await ledger.quiet();
  }

  get #signal(): AbortSignal {
    return this.#tasks.signal;
  }

  #onError(error: unknown): void {
    this.#options.log.error("Cannot keep a quota", { error: errorMessage(error) });
  }

  #ledgerOf(namespace: string): NamespaceLedger {
    const { registries, clock } = this.#options;
    const ledger =
      this.#ledgers.get(namespace) ??
      new NamespaceLedger({
        namespace,
        registries,
        now: () => clock.now(),
        limited: this.#limited,
        onError: (error) => this.#onError(error),
      });
    this.#ledgers.set(namespace, ledger);
    return ledger;
  }

  async #followQuotas(): Promise<void> {
    const signal = this.#signal;
    while (!signal.aborted) {
      for await (const events of this.#quotas.watch({ signal })) {
        // Most are what is used, as it was written here.
        const changes = events.filter(changesLimits);
        for (const event of changes)
          if (event.type !== "DELETED") this.#ledgerOf(event.stored.key.namespace ?? "").recount();
        if (changes.length > 0) await this.#followKinds();
      }
      if (!signal.aborted) await this.#options.clock.sleep(followAgainMs, { signal });
    }
  }

  async #recountNowAndThen(): Promise<void> {
    const { clock, syncPeriodMs = fiveMinutesMs } = this.#options;
    const signal = this.#signal;
    while (!signal.aborted) {
      await clock.sleep(syncPeriodMs, { signal });
      await this.#recountAll();
    }
  }

  async #recountAll(): Promise<void> {
    await this.#followKinds();
    const { items } = await this.#quotas.list();
    for (const namespace of new Set(items.map(({ key }) => key.namespace ?? ""))) this.#ledgerOf(namespace).recount();
  }

  #recountSoon(namespace: string): void {
    if (this.#scheduled.has(namespace) || this.#signal.aborted) return;
    const cancel = this.#options.clock.schedule(recountDelayMs, () => {
      this.#scheduled.delete(namespace);
      this.#ledgerOf(namespace).recount();
    });
    this.#scheduled.set(namespace, cancel);
  }

  /** Follows the kinds that some quota limits, and no others. */
  async #followKinds(): Promise<void> {
    const { items } = await this.#quotas.list();
    const hard = amountsOf(Object.assign(Object.create(null), ...items.map(({ object }) => object.spec?.hard ?? {})));
    const measured = measuredKinds(this.#options.registries.kinds, hard);
    const wanted = new Map(measured.map((kind) => [nameOf(kind), kind]));
    for (const [name, { kind, stop }] of this.#followed)
      if (wanted.get(name) !== kind) {
        stop();
        this.#followed.delete(name);
      }
    for (const [name, kind] of wanted) if (!this.#followed.has(name)) this.#followed.set(name, this.#follow(kind));
    for (const [namespace, { isIdle }] of this.#ledgers)
      if (isIdle && !items.some(({ key }) => key.namespace === namespace)) this.#ledgers.delete(namespace);
  }

  #follow(kind: Kind): { readonly kind: Kind; stop(): void } {
    const stopping = new AbortController();
    const { signal: until, release } = linkSignals(this.#signal, stopping.signal);
    this.#tasks.run(async () => {
      try {
        await this.#noteChanges(kind, until);
      } catch (error) {
        if (!until.aborted) throw error;
      } finally {
        release();
      }
    });
    return { kind, stop: () => stopping.abort() };
  }

  /** Notes every change of a kind from now on; where some were missed, everything is counted again. */
  async #noteChanges(kind: Kind, until: AbortSignal): Promise<void> {
    const registry = this.#options.registries.for(kind);
    const { revision } = await registry.list({ limit: 1 });
    for await (const events of registry.watch({ resourceVersion: String(revision), signal: until }))
      for (const event of events) this.#noteChange(kind, event);
    if (until.aborted) return;
    // Too slow, or the kind is no longer served.
    this.#followed.delete(nameOf(kind));
    await this.#options.clock.sleep(followAgainMs, { signal: until });
    await this.#recountAll();
  }

  #noteChange(kind: Kind, event: RegistryEvent): void {
    if (event.type === "BOOKMARK" || event.type === "ADDED") return;
    const namespace = event.stored.key.namespace ?? "";
    if (!this.#ledgers.has(namespace)) return;
    if (event.type === "MODIFIED" && !this.#isLess(kind, event)) return;
    this.#recountSoon(namespace);
  }

  #isLess(kind: Kind, event: RegistryEvent & { readonly type: "MODIFIED" }): boolean {
    const evaluator = evaluatorOf(kind);
    if (evaluator.countsOnly) return false;
    const now = this.#options.clock.now();
    const [before, after] = [event.previous, event.stored].map(({ object }) => evaluator.usage(object, now));
    return [...(before ?? [])].some(([name, amount]) => amount.nano !== (after?.get(name)?.nano ?? 0n));
  }
}

function nameOf({ group, plural }: Kind): string {
  return `${group}/${plural}`;
}

/** Whether an event is about what is limited, not only about what is used. */
function changesLimits(
  event: RegistryEvent<ResourceQuota>,
): event is Exclude<RegistryEvent<ResourceQuota>, { type: "BOOKMARK" }> {
  if (event.type === "BOOKMARK") return false;
  return event.type !== "MODIFIED" || limitsOf(event.stored.object) !== limitsOf(event.previous.object);
}

function limitsOf({ spec }: { readonly spec?: object }): string {
  return JSON.stringify(spec ?? {});
}
