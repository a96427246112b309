import { inRange, parseAddress, parseRange } from "../../core/kinds/addresses.ts";
import type { Random } from "../../core/platform/random.ts";

/** Numbers handed out one by one: addresses of a range, or ports. Knows which are taken, and by whom. */
export class NumberPool {
  readonly first: number;
  readonly last: number;
  readonly #dynamicFirst: number;
  readonly #random: Random;
  readonly #owners = new Map<number, Map<string, number>>();

  /** @param options.dynamicFirst smallest number that is preferred when nobody asks for a particular one; the smaller ones are for those who do */
  constructor(options: {
    readonly first: number;
    readonly last: number;
    readonly dynamicFirst: number;
    readonly random: Random;
  }) {
    this.first = options.first;
    this.last = options.last;
    this.#dynamicFirst = options.dynamicFirst;
    this.#random = options.random;
  }

  /** Whether `value` belongs to the pool. */
  has(value: number): boolean {
    return value >= this.first && value <= this.last;
  }

  /** Whether somebody else than `owners` holds `value`. */
  isTaken(value: number, owners: readonly string[]): boolean {
    return [...(this.#owners.get(value)?.keys() ?? [])].some((owner) => !owners.includes(owner));
  }

  /** Notes that `owner` holds `value`; as often as it is released again. */
  hold(value: number, owner: string): void {
    const owners = this.#owners.get(value) ?? new Map<string, number>();
    this.#owners.set(value, owners);
    owners.set(owner, (owners.get(owner) ?? 0) + 1);
  }

  /** Takes back one {@linkcode hold}. */
  release(value: number, owner: string): void {
    const owners = this.#owners.get(value);
    const count = owners?.get(owner);
    if (!owners || count === undefined) return;
    if (count > 1) owners.set(owner, count - 1);
    else owners.delete(owner);
    if (owners.size === 0) this.#owners.delete(value);
  }

  /** A free number, by chance, so that one just released is not handed out again at once; undefined when there is none. */
  pick(except: ReadonlySet<number> = new Set()): number | undefined {
    return this.#scan(this.#dynamicFirst, this.last, except) ?? this.#scan(this.first, this.#dynamicFirst - 1, except);
  }

  #scan(first: number, last: number, except: ReadonlySet<number>): number | undefined {
    const size = last - first + 1;
    if (size <= 0) return undefined;
    const start = Math.floor(this.#random() * size);
    for (let step = 0; step < size; step++) {
      const value = first + ((start + step) % size);
      if (!this.#owners.has(value) && !except.has(value)) return value;
    }
    return undefined;
  }
}

/** The IPv4 addresses of a service range. */
export class AddressPool {
  readonly range: string;
  readonly numbers: NumberPool;
  /** The first address: the `kubernetes` service's. */
  readonly firstAddress: string;

  /** @throws RangeError when `range` is no IPv4 range of at least 8 addresses */
  constructor(range: string, random: Random) {
    const parsed = parseRange(range);
    const base = parsed && parsed.bytes.length === 4 ? toNumber(parsed.bytes) : undefined;
    if (!parsed || base === undefined || parsed.prefix > 29 || parsed.prefix < 8)
      throw new RangeError(
        `Cannot use --service-cluster-ip-range=${range}: it must be an IPv4 range of prefix 8 to 29, such as 10.96.0.0/16`,
      );
    const size = 2 ** (32 - parsed.prefix);
    const network = base - (base % size);
    this.range = `${toText(network)}/${parsed.prefix}`;
    // Neither the network's own address nor its broadcast address; the first one has its owner.
    const first = network + 2;
    const last = network + size - 2;
    const reservedForStatic = Math.min(Math.max(16, Math.floor(size / 16)), 256);
    const dynamicFirst = size > reservedForStatic * 2 ? network + reservedForStatic + 1 : first;
    this.numbers = new NumberPool({ first, last, dynamicFirst, random });
    this.firstAddress = toText(network + 1);
  }

  /** The number of an address of the range that can be handed out, its first one included; undefined for any other text. */
  numberOf(address: string): number | undefined {
    const bytes = parseAddress(address);
    const range = parseRange(this.range);
    if (!bytes || !range || !inRange(bytes, range)) return undefined;
    const value = toNumber(bytes);
    return this.numbers.has(value) || address === this.firstAddress ? value : undefined;
  }

  /** The address of a number. */
  textOf(value: number): string {
    return toText(value);
  }
}

function toNumber(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
