import { abortable } from "../../core/util/abortable.ts";
import { deferred } from "../../core/util/deferred.ts";

/** A range of IPv4 addresses. */
interface Range {
  readonly first: number;
  readonly size: number;
}

/**
 * The addresses that this node gives to its pods, where the runtime does not choose them. What is in use is told by the
 * sandboxes that exist, so that a restart of the kubelet forgets nothing.
 */
export class PodAddresses {
  #range: Range | undefined;
  readonly #ready = deferred();
  readonly #used = new Map<string, string>();
  #next = 0;

  /** Whether the range is known. */
  get isReady(): boolean {
    return this.#range !== undefined;
  }

  /**
   * Sets the range (`127.64.1.0/24`), once it is known. A later call changes what new pods get.
   *
   * @throws SyntaxError when it is no IPv4 range
   */
  setRange(cidr: string): void {
    this.#range = parseRange(cidr);
    this.#ready.resolve();
  }

  /** Notes that a pod has an address already. */
  adopt(podUid: string, address: string): void {
    this.#used.set(address, podUid);
  }

  /** An address for the pod: the one that it has, or a free one. Waits until the range is known. @throws Error when all are taken */
  async allocate(podUid: string, { signal }: { readonly signal: AbortSignal }): Promise<string> {
    await abortable(this.#ready.promise, signal);
    for (const [address, holder] of this.#used) if (holder === podUid) return address;
    const range = this.#range;
    // The first address names the network, the last is for broadcasts: neither is given away.
    const usable = range ? range.size - 2 : 0;
    for (let tried = 0; range && tried < usable; tried++) {
      // Goes round rather than back to the start: an address that was just given up rests longest.
      const address = formatAddress(range.first + 1 + (this.#next % usable));
      this.#next += 1;
      if (this.#used.has(address)) continue;
      this.#used.set(address, podUid);
      return address;
    }
    throw new Error("failed to allocate an address for the pod: no IP addresses available in range set");
  }

  /** The pod is gone. */
  release(podUid: string): void {
    for (const [address, holder] of this.#used) if (holder === podUid) this.#used.delete(address);
  }
}

function parseRange(cidr: string): Range {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  const [, ...parts] = (match ?? []).map(Number);
  const [a = 256, b = 256, c = 256, d = 256, bits = 33] = parts;
  if (Math.max(a, b, c, d) > 255 || bits > 30) throw new SyntaxError(`Cannot use as a range of pod addresses: ${cidr}`);
  const size = 2 ** (32 - bits);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return { first: address - (address % size), size };
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}
