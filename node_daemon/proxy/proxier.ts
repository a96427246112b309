import type { LocalRoutes } from "../../core/platform/local_routes.ts";
import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { clientIpAffinity } from "./affinity.ts";
import type { Balancer } from "./balancers/balancer.ts";
import { balancers, defaultBalancer } from "./balancers/mod.ts";
import type { Listener } from "./listener.ts";
import type { ProxyRule } from "./rules.ts";
import { listenTcp } from "./tcp.ts";
import { listenUdp } from "./udp.ts";

/** Options of {@linkcode Proxier}. */
export interface ProxierOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Balancer for rules that name none. Default `round-robin`. */
  readonly balancer?: string | undefined;
  /** Makes a service address this machine's own when it is not. Default: such services are not served, and that is said. */
  readonly localRoutes?: Pick<LocalRoutes, "add" | "remove"> | undefined;
}

interface Slot {
  readonly owner: string;
  rule: ProxyRule;
  balancer: Balancer;
  listener: Listener | undefined;
  /** Work on the listener, one step after another. */
  pending: Promise<void>;
  cancelRetry: () => void;
  retryMs: number;
  closed: boolean;
}

const firstRetryMs = 250;
const longestRetryMs = 30_000;

/**
 * The data plane: keeps one listener per rule in step with what `apply()` says.
 *
 * - A rule without endpoints has no listener, so that clients are refused at once.
 * - A changed rule keeps its listener, its balancer's state and its established connections.
 * - An address that is taken is said once, with who wants it, and tried again.
 */
export class Proxier implements AsyncDisposable {
  readonly #options: ProxierOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: ProxierOptions) {
    if (options.balancer !== undefined && !balancers.has(options.balancer)) {
      throw new RangeError(
        `Cannot use balancer "${options.balancer}": known ones are ${[...balancers.keys()].join(", ")}`,
      );
    }
    this.#options = options;
  }

  /**
   * Replaces the rules of `owner` (a service, a file). Resolves when every listener that can be open is.
   */
  async apply(owner: string, rules: readonly ProxyRule[]): Promise<void> {
    const wanted = new Map(rules.map((rule) => [keyOf(rule), rule]));
    for (const [key, slot] of [...this.#slots]) {
      if (slot.owner === owner && !wanted.has(key)) this.#remove(key, slot);
    }
    const work: Promise<void>[] = [];
    for (const [key, rule] of wanted) {
      const slot = this.#slots.get(key);
      if (!slot) {
        work.push(this.#add(key, owner, rule));
      } else if (slot.owner === owner) {
        this.#change(slot, rule);
        work.push(slot.pending);
      } else {
        this.#options.log.error("Cannot serve an address twice", {
          address: key,
          wantedBy: rule.service,
          servedFor: slot.rule.service,
        });
      }
    }
    await Promise.all(work);
  }

  /** Listeners that are open, as `protocol/address:port`. */
  get listening(): readonly string[] {
    return [...this.#slots].filter(([, slot]) => slot.listener).map(([key]) => key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [key, slot] of [...this.#slots]) this.#remove(key, slot);
    await Promise.all(this.#closing);
  }

  #add(key: string, owner: string, rule: ProxyRule): Promise<void> {
    const slot: Slot = {
      owner,
      rule,
      balancer: this.#balancerFor(rule),
      listener: undefined,
      pending: Promise.resolve(),
      cancelRetry: () => {},
      retryMs: 0,
      closed: false,
    };
    this.#slots.set(key, slot);
    this.#settle(slot);
    return slot.pending;
  }

  #change(slot: Slot, rule: ProxyRule): void {
    const { balancer, affinityTimeoutMs } = slot.rule;
    if (balancer !== rule.balancer || affinityTimeoutMs !== rule.affinityTimeoutMs)
      slot.balancer = this.#balancerFor(rule);
    slot.rule = rule;
    this.#settle(slot);
  }

  #remove(key: string, slot: Slot): void {
    slot.closed = true;
    this.#slots.delete(key);
    this.#settle(slot);
    const closing = slot.pending.finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Makes the listener what the slot wants, after what is already under way. */
  #settle(slot: Slot): void {
    slot.cancelRetry();
    slot.pending = slot.pending.then(async () => {
      const wanted = !slot.closed && slot.rule.endpoints.length > 0;
      const target = { endpoints: slot.rule.endpoints, balancer: slot.balancer };
      if (wanted && slot.listener) {
        slot.listener.retarget(target);
      } else if (wanted) {
        await this.#open(slot, target);
      } else if (slot.listener) {
        const { listener } = slot;
        slot.listener = undefined;
        await listener[Symbol.asyncDispose]();
        if (!this.#serves(slot.rule.address)) await this.#options.localRoutes?.remove(slot.rule.address);
      }
    });
  }

  async #open(slot: Slot, target: Parameters<Listener["retarget"]>[0]): Promise<void> {
    const { clock, log } = this.#options;
    const { address, port, protocol, service } = slot.rule;
    try {
      const listen = () => (protocol === "UDP" ? listenUdp : listenTcp)({ address, port, target, clock, log });
      slot.listener = await listen().catch(async (error: unknown) => {
        if (isForeignAddress(error) && (await this.#options.localRoutes?.add(address))) return await listen();
        throw error;
      });
      slot.retryMs = 0;
    } catch (error) {
      const report = slot.retryMs === 0 ? log.error : log.debug;
      report("Cannot listen for a service", {
        service,
        address: `${address}:${port}`,
        protocol,
        error: errorMessage(error),
      });
      slot.retryMs = Math.min(slot.retryMs * 2 || firstRetryMs, longestRetryMs);
      slot.cancelRetry = clock.schedule(slot.retryMs, () => this.#settle(slot));
    }
  }

  #serves(address: string): boolean {
    return [...this.#slots.values()].some(({ rule, listener }) => listener && rule.address === address);
  }

  #balancerFor({ balancer, affinityTimeoutMs, service }: ProxyRule): Balancer {
    const { random, clock, log, balancer: preset = defaultBalancer } = this.#options;
    const factory = balancers.get(balancer ?? preset) ?? balancers.get(defaultBalancer);
    if (!factory) throw new RangeError(`Cannot use balancer "${balancer}"`);
    if (balancer !== undefined && !balancers.has(balancer)) {
      log.warn("Unknown balancer, using the default", { service, balancer });
    }
    const inner = factory({ random });
    return affinityTimeoutMs === undefined ? inner : clientIpAffinity(inner, { timeoutMs: affinityTimeoutMs, clock });
  }
}

/** Deno says EINVAL for TCP. */
function isForeignAddress(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EADDRNOTAVAIL" || error.code === "EINVAL");
}

function keyOf({ protocol, address, port }: ProxyRule): string {
  return `${protocol}/${address}:${port}`;
}
