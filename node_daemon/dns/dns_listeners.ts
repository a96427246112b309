import type { LocalRoutes } from "../../core/platform/local_routes.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { exchange } from "./exchange.ts";
import { listenDns } from "./listen.ts";
import { codeOf, type DomainName, recordType } from "./message.ts";
import { questionFor, type Responder } from "./responder.ts";

/** Options of {@linkcode DnsListeners}. */
export interface DnsListenersOptions {
  readonly port: number;
  /** The cluster's: by it another daemon of the same cluster is known. */
  readonly domain: DomainName;
  readonly respond: Responder;
  readonly localRoutes: LocalRoutes | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

interface Slot {
  readonly address: string;
  listener: AsyncDisposable | undefined;
  /** Whether another daemon of this machine answers there. */
  isAnsweredElsewhere: boolean;
  /** Work on the listener, one step after another. */
  pending: Promise<void>;
  cancelRetry: () => void;
  retryMs: number;
  closed: boolean;
}

const firstRetryMs = 1000;
const longestRetryMs = 10_000;
const probeMs = 1000;

/**
 * The sockets of a node's DNS, one pair for each address. Where several daemons of a cluster run on one machine the first
 * one answers, and another takes its place when it ends.
 */
export class DnsListeners implements AsyncDisposable {
  readonly #options: DnsListenersOptions;
  readonly #slots = new Map<string, Slot>();

  constructor(options: DnsListenersOptions) {
    this.#options = options;
  }

  /** The addresses to be answered at. */
  get wanted(): readonly string[] {
    return [...this.#slots.keys()];
  }

  /** Those at which somebody answers. */
  get answered(): readonly string[] {
    const slots = [...this.#slots.values()];
    return slots
      .filter(({ listener, isAnsweredElsewhere }) => listener || isAnsweredElsewhere)
      .map(({ address }) => address);
  }

  /** Listens at these addresses and no others. Resolves when each was tried. */
  async set(addresses: readonly string[]): Promise<void> {
    const { clock } = this.#options;
    const closing = [...this.#slots.values()]
      .filter(({ address }) => !addresses.includes(address))
      .map((slot) => this.#close(slot));
    for (const address of addresses) {
      if (this.#slots.has(address)) continue;
      const slot: Slot = {
        address,
        listener: undefined,
        isAnsweredElsewhere: false,
        pending: Promise.resolve(),
        cancelRetry: () => {},
        retryMs: 0,
        closed: false,
      };
      this.#slots.set(address, slot);
      slot.pending = this.#open(slot, clock);
    }
    await Promise.all([...closing, ...[...this.#slots.values()].map(({ pending }) => pending)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.set([]);
  }

  async #close(slot: Slot): Promise<void> {
    this.#slots.delete(slot.address);
    slot.closed = true;
    slot.cancelRetry();
    await slot.pending;
    await slot.listener?.[Symbol.asyncDispose]();
    await this.#options.localRoutes?.remove(slot.address);
  }

  async #open(slot: Slot, clock: Clock): Promise<void> {
    const { respond, port, localRoutes, log } = this.#options;
    const { address } = slot;
    const listen = () => listenDns({ address, port, respond, clock, log });
    try {
      const listener = await listen().catch(async (error: unknown) => {
        if (isCode(error, foreignAddress) && (await localRoutes?.add(address))) return await listen();
        throw error;
      });
      if (slot.closed) return await listener[Symbol.asyncDispose]();
      slot.listener = listener;
      slot.isAnsweredElsewhere = false;
    } catch (error) {
      const isFirst = slot.retryMs === 0;
      if (isCode(error, forbidden)) {
        log.warn(
          "Names of services are not found by pods: this user may not listen on the port for them. Run as root, or allow it (sysctl net.ipv4.ip_unprivileged_port_start=53)",
          { address, port },
        );
        return;
      }
      slot.isAnsweredElsewhere = isCode(error, inUse) && (await this.#answers(address));
      const report = isFirst && !slot.isAnsweredElsewhere ? log.error : log.debug;
      report("Cannot answer names of services", { address, port, error: errorMessage(error) });
      if (slot.closed) return;
      slot.retryMs = Math.min(slot.retryMs * 2 || firstRetryMs, longestRetryMs);
      slot.cancelRetry = clock.schedule(slot.retryMs, () => {
        slot.pending = this.#open(slot, clock);
      });
    }
  }

  /** Whether it is one of ours that answers at an address. */
  async #answers(address: string): Promise<boolean> {
    const { port, domain, clock, random } = this.#options;
    const message = questionFor(["dns-version", ...domain], recordType.TXT);
    message.set([Math.floor(random() * 256), Math.floor(random() * 256)]);
    const ending = new AbortController();
    const cancel = clock.schedule(probeMs, () => ending.abort());
    try {
      const answer = await exchange({ server: { address, port }, protocol: "UDP", message, signal: ending.signal });
      return codeOf(answer) === 0;
    } catch {
      return false;
    } finally {
      cancel();
    }
  }
}

/** Deno says EINVAL for TCP. */
const foreignAddress = ["EADDRNOTAVAIL", "EINVAL"];
const forbidden = ["EACCES", "EPERM"];
const inUse = ["EADDRINUSE"];

function isCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
