import { addressText } from "../../core/api/ip_address.ts";
import { type AddressRange, inRange, parseAddress, parseRange } from "../../core/kinds/addresses.ts";
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

/** A family of addresses, as services name it. */
export type AddressFamily = "IPv4" | "IPv6";

/** Larger ranges of IPv6 would have numbers that are not exact. */
const prefixes = { IPv4: { shortest: 8, longest: 29 }, IPv6: { shortest: 84, longest: 125 } } as const;

/** The addresses of a service range, numbered from its beginning. */
export class AddressPool {
  readonly family: AddressFamily;
  readonly range: string;
  readonly numbers: NumberPool;
  /** The first address: the `kubernetes` service's. */
  readonly firstAddress: string;
  readonly #parsed: AddressRange;

  /** @throws RangeError when `range` is no range of a usable size */
  constructor(range: string, random: Random) {
    const parsed = parseRange(range);
    this.family = parsed?.bytes.length === 16 ? "IPv6" : "IPv4";
    const { shortest, longest } = prefixes[this.family];
    if (!parsed || parsed.prefix < shortest || parsed.prefix > longest)
      throw new RangeError(
        `Cannot use --service-cluster-ip-range=${range}: it must be an IPv4 range of prefix 8 to 29, such as 10.96.0.0/16, or an IPv6 range of prefix 84 to 125, such as fd00:10:96::/112`,
      );
    this.#parsed = { ...parsed, bytes: networkOf(parsed) };
    this.range = `${addressText(this.#parsed.bytes)}/${parsed.prefix}`;
    const size = 2 ** (parsed.bytes.length * 8 - parsed.prefix);
    // Neither the network's own address nor, with IPv4, its broadcast address; the first one has its owner.
    const last = this.family === "IPv4" ? size - 2 : size - 1;
    const reservedForStatic = Math.min(Math.max(16, Math.floor(size / 16)), 256);
    const dynamicFirst = size > reservedForStatic * 2 ? reservedForStatic + 1 : 2;
    this.numbers = new NumberPool({ first: 2, last, dynamicFirst, random });
    this.firstAddress = this.textOf(1);
  }

  /** The number of an address of the range that can be handed out, its first one included; undefined for any other text. */
  numberOf(address: string): number | undefined {
    const bytes = parseAddress(address);
    if (!bytes || !inRange(bytes, this.#parsed)) return undefined;
    const value = bytes.reduce((sum, byte, at) => sum * 256 + byte - (this.#parsed.bytes[at] ?? 0), 0);
    return this.numbers.has(value) || value === 1 ? value : undefined;
  }

  /** The address of a number. */
  textOf(value: number): string {
    const bytes = [...this.#parsed.bytes];
    let rest = value;
    for (let at = bytes.length - 1; rest > 0 && at >= 0; at--) {
      rest += bytes[at] ?? 0;
      bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return addressText(bytes);
  }
}

function networkOf({ bytes, prefix }: AddressRange): readonly number[] {
  return bytes.map((byte, at) => byte & (0xff << (8 - Math.min(Math.max(prefix - at * 8, 0), 8))) & 0xff);
}

/** The tenth address is DNS's in most clusters: 10.96.0.10. */
const dnsNumber = 10;

/** The service ranges of a cluster: one of IPv4, and maybe one of IPv6 beside it. Addresses are told by their shortest text. */
export class AddressPools {
  /** The family that services are of when they name none comes first. */
  readonly families: readonly AddressFamily[];
  /** The address of the `kubernetes` service. */
  readonly firstAddress: string;
  /** The address that DNS is usually asked at; undefined in a range that is too small. */
  readonly dnsAddress: string | undefined;
  readonly #pools: ReadonlyMap<AddressFamily, AddressPool>;

  /** @param ranges one range, or two that are separated by a comma. @throws RangeError when they cannot be used */
  constructor(ranges: string, random: Random) {
    const pools = ranges.split(",").map((range) => new AddressPool(range.trim(), random));
    const families = pools.map(({ family }) => family);
    if (families[0] !== "IPv4")
      throw new RangeError(`Cannot use --service-cluster-ip-range=${ranges}: the first must be an IPv4 range`);
    if (pools.length > 2 || families.indexOf(families.at(-1) ?? "IPv4") !== families.length - 1)
      throw new RangeError(
        `Cannot use --service-cluster-ip-range=${ranges}: there may be two ranges, which must be of different IP families`,
      );
    this.families = families;
    this.firstAddress = pools[0]?.firstAddress ?? "";
    this.dnsAddress = pools[0]?.numbers.has(dnsNumber) ? pools[0].textOf(dnsNumber) : undefined;
    this.#pools = new Map(pools.map((pool) => [pool.family, pool]));
  }

  of(family: AddressFamily): AddressPool | undefined {
    return this.#pools.get(family);
  }

  /** The shortest text of an address that can be handed out; undefined for any other. */
  known(address: string): string | undefined {
    const pool = this.of(familyOf(address));
    const value = pool?.numberOf(address);
    return value === undefined ? undefined : pool?.textOf(value);
  }

  hold(address: string, owner: string): void {
    const pool = this.of(familyOf(address));
    pool?.numbers.hold(pool.numberOf(address) ?? 0, owner);
  }

  release(address: string, owner: string): void {
    const pool = this.of(familyOf(address));
    pool?.numbers.release(pool.numberOf(address) ?? 0, owner);
  }
}

/** The family of an address. */
export function familyOf(address: string): AddressFamily {
  return address.includes(":") ? "IPv6" : "IPv4";
}
