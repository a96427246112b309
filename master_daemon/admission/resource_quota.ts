import type { Kind } from "../../core/api/kind.ts";
import { resourceQuota as quotaKind, type ResourceQuota } from "../../core/kinds/resource_quota.ts";
import type { Clock } from "../../core/util/clock.ts";
import { linkSignals } from "../../core/util/link_signals.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Registries, RegistryEvent } from "../registry/registry.ts";
import { amountsOf } from "./_amounts.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";
import { type Charge, planCharge } from "./resource_quota/charge.ts";
import { evaluatorOf } from "./resource_quota/evaluators.ts";
import { measuredKinds, NamespaceLedger } from "./resource_quota/ledger.ts";
import type { LimitedResource } from "./resource_quota/limited.ts";

/** Options of {@linkcode openResourceQuota}. */
export interface ResourceQuotaOptions {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds between two recounts of everything. Default 5 minutes. */
  readonly syncPeriodMs?: number | undefined;
  /** Resources of which nobody may have anything where no quota says how much. */
  readonly limited?: readonly LimitedResource[] | undefined;
}

/** Keeps namespaces within their quotas. */
export interface ResourceQuotas extends AsyncDisposable {
  readonly plugin: AdmissionPlugin;
}

const fiveMinutesMs = 300_000;
/** What goes in quick succession is counted once. */
const recountDelayMs = 20;

/**
 * Opens the books: writes are charged before they are committed, and what was deleted is given back as it goes.
 *
 * @see https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
export function openResourceQuota(options: ResourceQuotaOptions): ResourceQuotas {
  const { registries, clock, log, syncPeriodMs = fiveMinutesMs, limited = [] } = options;
  const quotas = registries.for(quotaKind);
  const ledgers = new Map<string, NamespaceLedger>();
  const onError = (error: unknown) => log.error("Cannot keep a quota", { error: errorMessage(error) });
  const tasks = new Tasks({ onError });
  const { signal } = tasks;
  /** What writes that are under way have taken, by the function that all tries of a write share. */
  const open = new WeakMap<AdmissionRequest["onSettled"], { charge: Charge }>();
  const scheduled = new Map<string, () => void>();
  /** Kinds that are followed because a quota limits them, by group and plural. */
  const followed = new Map<string, { readonly kind: Kind; stop(): void }>();

  function ledgerOf(namespace: string): NamespaceLedger {
    const ledger =
      ledgers.get(namespace) ??
      new NamespaceLedger({ namespace, registries, now: () => clock.now(), limited, onError });
    ledgers.set(namespace, ledger);
    return ledger;
  }

  function recountSoon(namespace: string): void {
    if (scheduled.has(namespace) || signal.aborted) return;
    const cancel = clock.schedule(recountDelayMs, () => {
      scheduled.delete(namespace);
      ledgerOf(namespace).recount();
    });
    scheduled.set(namespace, cancel);
  }

  async function limitedNamespaces(): Promise<ReadonlySet<string>> {
    const { items } = await quotas.list();
    return new Set(items.map(({ key }) => key.namespace ?? ""));
  }

  /** Follows the kinds that some quota limits, and no others. */
  async function followKinds(): Promise<void> {
    const { items } = await quotas.list();
    const hard = amountsOf(Object.assign(Object.create(null), ...items.map(({ object }) => object.spec?.hard ?? {})));
    const wanted = new Map(measuredKinds(registries.kinds, hard).map((kind) => [`${kind.group}/${kind.plural}`, kind]));
    for (const [name, { kind, stop }] of followed)
      if (wanted.get(name) !== kind) {
        stop();
        followed.delete(name);
      }
    for (const [name, kind] of wanted) if (!followed.has(name)) followed.set(name, follow(kind));
    for (const namespace of ledgers.keys())
      if (ledgers.get(namespace)?.isIdle && !items.some(({ key }) => key.namespace === namespace))
        ledgers.delete(namespace);
  }

  function follow(kind: Kind): { readonly kind: Kind; stop(): void } {
    const stopping = new AbortController();
    const { signal: until, release } = linkSignals(signal, stopping.signal);
    tasks.run(async () => {
      try {
        await each(kind, until);
      } catch (error) {
        if (!until.aborted) throw error;
      } finally {
        release();
      }
    });
    return { kind, stop: () => stopping.abort() };
  }

  /** Notes every change of a kind from now on; where some were missed, everything is counted again. */
  async function each(kind: Kind, until: AbortSignal): Promise<void> {
    const registry = registries.for(kind);
    const { revision } = await registry.list({ limit: 1 });
    for await (const events of registry.watch({ resourceVersion: String(revision), signal: until }))
      for (const event of events) noteChange(kind, event);
    if (until.aborted) return;
    // Too slow, or the kind is no longer served.
    followed.delete(`${kind.group}/${kind.plural}`);
    await clock.sleep(1000, { signal: until });
    await recountAll();
  }

  async function recountAll(): Promise<void> {
    await followKinds();
    for (const namespace of await limitedNamespaces()) ledgerOf(namespace).recount();
  }

  function noteChange(kind: Kind, event: RegistryEvent): void {
    if (event.type === "BOOKMARK" || event.type === "ADDED") return;
    const namespace = event.stored.key.namespace ?? "";
    if (!ledgers.has(namespace)) return;
    if (event.type === "MODIFIED" && !isLess(kind, event)) return;
    recountSoon(namespace);
  }

  function isLess(kind: Kind, event: RegistryEvent & { readonly type: "MODIFIED" }): boolean {
    const evaluator = evaluatorOf(kind);
    if (evaluator.countsOnly) return false;
    const [before, after] = [event.previous, event.stored].map(({ object }) => evaluator.usage(object, clock.now()));
    return [...(before ?? [])].some(([name, amount]) => amount.nano !== (after?.get(name)?.nano ?? 0n));
  }

  tasks.run(async () => {
    while (!signal.aborted) {
      for await (const events of quotas.watch({ signal })) {
        // Most are what is used, as it was written here.
        const changes = events.filter(changesLimits);
        for (const event of changes) if (event.type !== "DELETED") ledgerOf(event.stored.key.namespace ?? "").recount();
        if (changes.length > 0) await followKinds();
      }
      if (!signal.aborted) await clock.sleep(1000, { signal });
    }
  });
  const forget = registries.onChange(() => tasks.run(() => recountAll()));
  tasks.run(async () => {
    while (!signal.aborted) {
      await clock.sleep(syncPeriodMs, { signal });
      await recountAll();
    }
  });

  async function charge(request: AdmissionRequest): Promise<void> {
    const { kind, key, dryRun } = request;
    const namespace = kind.namespaced ? key.namespace : undefined;
    if (namespace === undefined || request.operation === "DELETE" || !evaluatorOf(kind).handles(request)) return;
    // Most namespaces have no quota.
    if (quotas.isEmpty || (await quotas.list({ namespace, limit: 1 })).items.length === 0) {
      planCharge(request, [], { now: clock.now(), limited });
      return;
    }
    const ledger = ledgerOf(namespace);
    const taken = await ledger.charge(request);
    if (dryRun) return;
    const earlier = open.get(request.onSettled);
    if (earlier) {
      // The write is tried again: what it took the first time is given back.
      ledger.settle(earlier.charge, { isCommitted: false });
      earlier.charge = taken;
    } else if (taken.size > 0) {
      const present = { charge: taken };
      open.set(request.onSettled, present);
      request.onSettled((committed) => ledger.settle(present.charge, { isCommitted: committed !== undefined }));
    }
  }

  return {
    plugin: { name: "ResourceQuota", operations: ["CREATE", "UPDATE"], validate: charge },
    async [Symbol.asyncDispose]() {
      forget();
      for (const cancel of scheduled.values()) cancel();
      await tasks[Symbol.asyncDispose]();
      for (const ledger of ledgers.values()) await ledger.quiet();
    },
  };
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
