/** A range of IP addresses. */
export interface Cidr {
  readonly version: 4 | 6;
  readonly base: bigint;
  readonly prefix: number;
}

/** Reads `10.244.0.0/16` or `fd00::/48`; bits past the prefix are dropped. @throws RangeError for anything else */
export function parseCidr(text: string): Cidr {
  const [, address = "", prefixText = ""] = /^([0-9a-fA-F:.]{2,45})\/(\d{1,3})$/.exec(text) ?? [];
  const version = address.includes(":") ? 6 : 4;
  const bits = version === 6 ? 128 : 32;
  const value = version === 6 ? parseIpv6(address) : parseIpv4(address);
  const prefix = Number(prefixText);
  if (value === undefined || prefixText === "" || prefix > bits) {
    throw new RangeError(`Cannot read the address range: current value is "${text}"`);
  }
  const hostBits = BigInt(bits - prefix);
  return { version, base: (value >> hostBits) << hostBits, prefix };
}

/** `cidr` as text. */
export function formatCidr({ version, base, prefix }: Cidr): string {
  return `${version === 4 ? formatIpv4(base) : formatIpv6(base)}/${prefix}`;
}

/** The number-th part of `cidr` with the longer prefix `prefix`; undefined past the last. */
export function subnet(cidr: Cidr, prefix: number, number: number): Cidr | undefined {
  const bits = cidr.version === 4 ? 32 : 128;
  if (BigInt(number) >= 1n << BigInt(prefix - cidr.prefix)) return undefined;
  return { version: cidr.version, base: cidr.base + (BigInt(number) << BigInt(bits - prefix)), prefix };
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined) => (half ? half.split(":") : []);
  const [head, tail] = [groups(halves[0]), groups(halves[1])];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...tail];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function formatIpv4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

/** Groups without leading zeros; the longest run of zero groups becomes `::`. */
function formatIpv6(value: bigint): string {
  const text = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(
    ":",
  );
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?::|$)/g)].map(([run]) => run);
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? text : text.replace(longest, "::");
}
