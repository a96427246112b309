import { ignoreReason, isReason } from "../api/status.ts";
import { type Lease, lease as leaseKind } from "../kinds/lease.ts";
import { systemClock } from "../platform/clock.ts";
import { type Random, systemRandom } from "../platform/random.ts";
import { type Clock, microTimestamp } from "../util/clock.ts";
import { linkSignals } from "../util/link_signals.ts";
import { errorMessage, type Logger, silentLogger } from "../util/log.ts";
import type { Client } from "./client.ts";
import { passOn, type Transport } from "./transport.ts";

/** For as long as this candidate leads. */
export interface Leadership {
  /** Aborted when it no longer leads, or is to stop. */
  readonly signal: AbortSignal;
  /** Whether nobody else can lead now: false as soon as the lease has run out, even before anybody noticed. */
  isHeld(): boolean;
}

/** Options of {@linkcode runLeaderElection}, with client-go's names and defaults. */
export interface LeaderElectionOptions {
  readonly client: Client;
  /** Where the Lease is that all candidates want. */
  readonly namespace: string;
  readonly name: string;
  /** What tells this candidate from all others, also from itself in an earlier life. */
  readonly identity: string;
  /** Milliseconds that others wait, after they last saw the lease renewed, before they take it. Default 15000. */
  readonly leaseDurationMs?: number | undefined;
  /** Milliseconds for which the leader tries to renew before it gives up. Default 10000. */
  readonly renewDeadlineMs?: number | undefined;
  /** Milliseconds between two tries. Default 2000. */
  readonly retryPeriodMs?: number | undefined;
  /** What to do while leading, until the signal is aborted. When it ends before that, the election ends, too. */
  readonly run: (leadership: Leadership) => Promise<void>;
  /** Called when somebody else, or this candidate, is seen to lead. */
  readonly onNewLeader?: ((identity: string) => void) | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
  /** Default: the machine's own. */
  readonly random?: Random | undefined;
  /** Default: none. */
  readonly log?: Logger | undefined;
  /** Ends the election. A lease that is held is given back, so that the next leader need not wait. */
  readonly signal: AbortSignal;
}

const jitterFactor = 1.2;

/**
 * Takes part in the election of a leader until aborted: waits for the lease, does what the leader does, and when the lease
 * is lost waits again. Others' leases are followed by a watch, so that one that is given back or runs out is noticed at once.
 *
 * What a leader does may still be under way when the next one begins, if its process was stopped meanwhile: writes should
 * carry the resourceVersion that they rest on, and {@linkcode whileLeading} refuses to send what comes too late.
 *
 * @throws RangeError for durations that do not fit together; what `run` throws
 * @see https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 * @example
 * await runLeaderElection({
 *   client,
 *   namespace: "default",
 *   name: "backup-operator",
 *   identity: `backup-operator_${crypto.randomUUID()}`,
 *   signal,
 *   run: ({ signal }) => reconcileUntil(signal),
 * });
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
  if (leaseDurationMs <= renewDeadlineMs) {
    throw new RangeError(`leaseDuration must be greater than renewDeadline: ${leaseDurationMs}, ${renewDeadlineMs} ms`);
  }
  if (renewDeadlineMs <= jitterFactor * retryPeriodMs) {
    throw new RangeError(
      `renewDeadline must be greater than retryPeriod*JitterFactor: ${renewDeadlineMs}, ${retryPeriodMs} ms`,
    );
  }
  if (retryPeriodMs < 1) throw new RangeError(`retryPeriod must be greater than zero: ${retryPeriodMs} ms`);
  const { clock = systemClock, random = systemRandom, log = silentLogger } = options;
  const durations = { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
  const candidate = new Candidate({ ...options, ...durations, clock, random, log });
  while (await candidate.acquire()) if (await candidate.lead()) return;
}

/** A transport that sends nothing once the lease has run out. */
export function whileLeading(transport: Transport, leadership: Pick<Leadership, "isHeld">): Transport {
  const check = () => {
    if (!leadership.isHeld()) throw new Error("Cannot send: the lease of the leader has run out");
  };
  return {
    ...passOn(transport),
    async request(request, options) {
      check();
      return await transport.request(request, options);
    },
    async upgrade(request, options) {
      check();
      return await transport.upgrade(request, options);
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

type CandidateOptions = LeaderElectionOptions & {
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
};

class Candidate {
  readonly #options: CandidateOptions;
  /** The lease as last seen, and the monotonic moment when it was seen to change. */
  #seen: Lease | undefined;
  #seenAt = 0;
  /** The monotonic moment before which the last renewal was sent. */
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  get #leads(): boolean {
    return this.#seen?.spec?.holderIdentity === this.#options.identity;
  }

  /** Waits until the lease is this candidate's. False when aborted before. */
  async acquire(): Promise<boolean> {
    const { clock, random, retryPeriodMs, signal, namespace, name, identity, log } = this.#options;
    while (!signal.aborted) {
      if (await this.#try()) {
        log.info("Became the leader", { lease: `${namespace}/${name}`, identity });
        return true;
      }
      await this.#untilFree();
      if (this.#validMs() > 0) continue;
      // Candidates do not all try at once.
      await clock.sleep(retryPeriodMs * 0.1 * random(), { signal }).catch(() => {});
    }
    return false;
  }

  /** Milliseconds for which somebody else's lease still counts. */
  #validMs(): number {
    const { holderIdentity, leaseDurationSeconds = 0 } = this.#seen?.spec ?? {};
    if (!holderIdentity || this.#leads) return 0;
    return this.#seenAt + leaseDurationSeconds * 1000 - this.#options.clock.monotonic();
  }

  /** Waits for as long as somebody else holds the lease, and at least a moment when that is not known. */
  async #untilFree(): Promise<void> {
    const { client, clock, retryPeriodMs, signal: caller, namespace, name } = this.#options;
    const free = new AbortController();
    const { signal, release } = linkSignals(caller, free.signal);
    const follow = async () => {
      const resourceVersion = this.#seen?.metadata.resourceVersion;
      const options = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion, signal };
      for await (const { type, object } of client.watch(leaseKind, options)) {
        if (type === "BOOKMARK") continue;
        this.#see(type === "DELETED" ? undefined : object);
        if (this.#validMs() <= 0) free.abort();
      }
    };
    try {
      if (this.#validMs() <= 0) return await clock.sleep(retryPeriodMs, { signal });
      // A watch that ends tells nothing: then the lease counts for as long as was known.
      const following = follow().catch(() => {});
      for (let ms = this.#validMs(); ms > 0; ms = this.#validMs()) await clock.sleep(ms, { signal });
      free.abort();
      await following;
    } catch {
      // Aborted: it is free, or all is over.
    } finally {
      free.abort();
      release();
    }
  }

  /** Leads until the lease is lost, `run` ends, or aborted. Resolves with whether `run` ended by itself. @throws what it throws */
  async lead(): Promise<boolean> {
    const { run, signal: caller, log, leaseDurationMs, clock, namespace, name } = this.#options;
    const lost = new AbortController();
    const { signal, release } = linkSignals(caller, lost.signal);
    const isHeld = () => !lost.signal.aborted && clock.monotonic() < this.#renewedAt + leaseDurationMs;
    try {
      const running = run({ signal, isHeld }).then(
        () => ({ failure: undefined }),
        (failure: unknown) => ({ failure: { cause: failure } }),
      );
      let hasEnded = false;
      void running.then(() => {
        hasEnded = true;
        lost.abort(new Error("Leading has ended"));
      });
      await this.#renewUntil(signal);
      const endedFirst = hasEnded;
      if (!signal.aborted) log.error("Lost the lease of the leader", { lease: `${namespace}/${name}` });
      lost.abort(new Error("Lost the lease of the leader"));
      const { failure } = await running;
      await this.#giveBack();
      if (endedFirst && failure) throw failure.cause;
      if (failure && !caller.aborted) log.error("Leading failed", { error: errorMessage(failure.cause) });
      return endedFirst;
    } finally {
      release();
    }
  }

  /** Renews the lease again and again; resolves when that has failed for too long, or when aborted. */
  async #renewUntil(signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs, renewDeadlineMs } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(retryPeriodMs, { signal }).catch(() => {});
      const end = clock.monotonic() + renewDeadlineMs;
      while (!signal.aborted && !(await this.#try(end))) {
        // Somebody else has it.
        if (!this.#leads || clock.monotonic() >= end) return;
        await clock.sleep(Math.min(retryPeriodMs, end - clock.monotonic()), { signal }).catch(() => {});
      }
    }
  }

  /** Takes the lease, or renews it. False when somebody else holds it, or nobody knows. */
  async #try(end: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { client, clock, renewDeadlineMs, log, signal: caller } = this.#options;
    const late = new AbortController();
    const ms = Math.max(0, Math.min(renewDeadlineMs / 2, end - clock.monotonic()));
    const cancel = clock.schedule(ms, () => late.abort(new Error(`no answer within ${Math.round(ms)} ms`)));
    const { signal, release } = linkSignals(caller, late.signal);
    try {
      const { namespace, name } = this.#options;
      // The leader knows the lease: it need not be read first.
      if (!this.#leads)
        this.#see(await client.get(leaseKind, { namespace, name }, { signal }).catch(ignoreReason("NotFound")));
      if (this.#validMs() > 0) return false;
      const sentAt = clock.monotonic();
      this.#see(await this.#write(signal));
      this.#renewedAt = sentAt;
      return true;
    } catch (error) {
      if (isReason(error, "Conflict") || isReason(error, "NotFound")) await this.#look(signal);
      if (!caller.aborted && !isReason(error, "AlreadyExists") && !isReason(error, "Conflict")) {
        log.warn("Cannot take or renew the lease of the leader", { error: errorMessage(error) });
      }
      return false;
    } finally {
      cancel();
      release();
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    await client.get(leaseKind, { namespace, name }, { signal }).then(
      (found) => this.#see(found),
      (error: unknown) => {
        if (isReason(error, "NotFound")) this.#see(undefined);
      },
    );
  }

  #write(signal: AbortSignal): Promise<Lease> {
    const { client, clock, namespace, name, identity, leaseDurationMs } = this.#options;
    const seen = this.#seen;
    const now = microTimestamp(clock);
    const { acquireTime = now, leaseTransitions = 0 } = seen?.spec ?? {};
    const spec = {
      ...seen?.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      renewTime: now,
      acquireTime: this.#leads ? acquireTime : now,
      leaseTransitions: this.#leads || !seen ? leaseTransitions : leaseTransitions + 1,
    };
    if (seen) return client.update(leaseKind, { ...seen, spec }, { signal });
    const metadata = { name, namespace };
    return client.create(
      leaseKind,
      { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec },
      { signal },
    );
  }

  #see(found: Lease | undefined): void {
    const { onNewLeader, clock } = this.#options;
    const [before, now] = [this.#seen?.spec?.holderIdentity ?? "", found?.spec?.holderIdentity ?? ""];
    if (found?.metadata.resourceVersion !== this.#seen?.metadata.resourceVersion) this.#seenAt = clock.monotonic();
    this.#seen = found;
    if (now && now !== before) onNewLeader?.(now);
  }

  /** Lets the next leader begin at once. */
  async #giveBack(): Promise<void> {
    const { client, clock, log, renewDeadlineMs } = this.#options;
    const late = new AbortController();
    const cancel = clock.schedule(renewDeadlineMs / 2, () => late.abort(new Error("no answer")));
    try {
      while (this.#seen && this.#leads) {
        const now = microTimestamp(clock);
        const spec = {
          ...this.#seen.spec,
          holderIdentity: "",
          leaseDurationSeconds: 1,
          renewTime: now,
          acquireTime: now,
        };
        try {
          this.#see(await client.update(leaseKind, { ...this.#seen, spec }, { signal: late.signal }));
        } catch (error) {
          if (!isReason(error, "Conflict")) throw error;
          // A renewal was written whose answer nobody waited for any more.
          await this.#look(late.signal);
        }
      }
    } catch (error) {
      this.#seen = undefined;
      log.debug("Cannot give back the lease of the leader", { error: errorMessage(error) });
    } finally {
      cancel();
    }
  }
}
