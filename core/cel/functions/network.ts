import { type AddressRange, inRange, parseAddress, parseRange } from "../../kinds/addresses.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { bool, type CelType, int, opaque, string } from "../types.ts";
import { Opaque, type Value } from "../values.ts";

/** An IP address. */
class IpValue extends Opaque {
  override readonly typeName = "net.IP";
  readonly bytes: readonly number[];
  constructor(bytes: readonly number[]) {
    super();
    this.bytes = bytes;
  }
  equals(other: Opaque): boolean {
    return other instanceof IpValue && String(other.bytes) === String(this.bytes);
  }
}

/** A range of addresses. */
class CidrValue extends Opaque {
  override readonly typeName = "net.CIDR";
  readonly range: AddressRange;
  constructor(range: AddressRange) {
    super();
    this.range = range;
  }
  equals(other: Opaque): boolean {
    return other instanceof CidrValue && formatRange(other.range) === formatRange(this.range);
  }
}

const ipType: CelType = opaque("net.IP");
const cidrType: CelType = opaque("net.CIDR");

const isMapped = (bytes: readonly number[]) =>
  bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;

function readIp(text: string): IpValue {
  const bytes = parseAddress(text);
  const shown = JSON.stringify(text.slice(0, 64));
  if (!bytes)
    throw new CelError(
      `IP Address ${shown} parse error during conversion from string: ParseAddr(${shown}): unable to parse IP`,
    );
  if (isMapped(bytes)) throw new CelError(`IPv4-mapped IPv6 address ${shown} is not allowed`);
  return new IpValue(bytes);
}

function readCidr(text: string): CidrValue {
  const range = parseRange(text);
  const shown = JSON.stringify(text.slice(0, 64));
  // A leading zero (`/08`) is none of Go's prefixes.
  if (!range || /\/0\d/.test(text))
    throw new CelError(
      `network address parse error during conversion from string: netip.ParsePrefix(${shown}): unable to parse`,
    );
  if (isMapped(range.bytes)) throw new CelError(`IPv4-mapped IPv6 address ${shown} is not allowed`);
  return new CidrValue(range);
}

function succeeds(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

/** The canonical text: the longest run of zero groups of an IPv6 address is left out. */
function formatAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

const formatRange = ({ bytes, prefix }: AddressRange) => `${formatAddress(bytes)}/${prefix}`;

function masked({ bytes, prefix }: AddressRange): AddressRange {
  const kept = bytes.map((byte, at) => byte & ((0xff << (8 - Math.min(Math.max(prefix - at * 8, 0), 8))) & 0xff));
  return { bytes: kept, prefix };
}

const range = (text: string) => parseRange(text) ?? { bytes: [], prefix: 0 };
const within = (...texts: readonly string[]) => {
  const ranges = texts.map(range);
  return (bytes: readonly number[]) => ranges.some((one) => inRange(bytes, one));
};
const isUnspecified = within("0.0.0.0/32", "::/128");
const isLoopback = within("127.0.0.0/8", "::1/128");
const isLinkLocalMulticast = within("224.0.0.0/24", "ff02::/16");
const isLinkLocalUnicast = within("169.254.0.0/16", "fe80::/10");
const isMulticast = within("224.0.0.0/4", "ff00::/8");
const isBroadcast = within("255.255.255.255/32");

const ipTest = (name: string, holds: (bytes: readonly number[]) => boolean): FunctionSet => ({
  name,
  member: [overload([ipType], bool, ([value]) => holds((value as IpValue).bytes))],
});

const cidrOf = (value: Value | undefined) => (value as CidrValue).range;
const containsIp = (value: Value | undefined, { bytes }: IpValue) => inRange(bytes, cidrOf(value));
const containsCidr = (value: Value | undefined, other: CidrValue) =>
  other.range.prefix >= cidrOf(value).prefix && inRange(other.range.bytes, cidrOf(value));

/** What it costs to read an address. */
const readCost = 10;

/** Functions of addresses and ranges. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library */
export const networkFunctions: readonly FunctionSet[] = [
  {
    name: "ip",
    global: [
      overload([string], ipType, ([text], budget) => {
        budget.spend(readCost);
        return readIp(text as string);
      }),
    ],
    member: [overload([cidrType], ipType, ([value]) => new IpValue(cidrOf(value).bytes))],
  },
  { name: "isIP", global: [overload([string], bool, ([text]) => succeeds(() => readIp(text as string)))] },
  {
    name: "ip.isCanonical",
    global: [overload([string], bool, ([text]) => formatAddress(readIp(text as string).bytes) === text)],
  },
  { name: "family", member: [overload([ipType], int, ([value]) => ((value as IpValue).bytes.length === 4 ? 4n : 6n))] },
  ipTest("isUnspecified", isUnspecified),
  ipTest("isLoopback", isLoopback),
  ipTest("isLinkLocalMulticast", isLinkLocalMulticast),
  ipTest("isLinkLocalUnicast", isLinkLocalUnicast),
  ipTest(
    "isGlobalUnicast",
    (bytes) => ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast, isBroadcast].some((test) => test(bytes)),
  ),
  {
    name: "cidr",
    global: [
      overload([string], cidrType, ([text], budget) => {
        budget.spend(readCost);
        return readCidr(text as string);
      }),
    ],
  },
  { name: "isCIDR", global: [overload([string], bool, ([text]) => succeeds(() => readCidr(text as string)))] },
  {
    name: "containsIP",
    member: [
      overload([cidrType, ipType], bool, ([value, other]) => containsIp(value, other as IpValue)),
      overload([cidrType, string], bool, ([value, text]) => containsIp(value, readIp(text as string))),
    ],
  },
  {
    name: "containsCIDR",
    member: [
      overload([cidrType, cidrType], bool, ([value, other]) => containsCidr(value, other as CidrValue)),
      overload([cidrType, string], bool, ([value, text]) => containsCidr(value, readCidr(text as string))),
    ],
  },
  { name: "prefixLength", member: [overload([cidrType], int, ([value]) => BigInt(cidrOf(value).prefix))] },
  { name: "masked", member: [overload([cidrType], cidrType, ([value]) => new CidrValue(masked(cidrOf(value))))] },
  {
    name: "string",
    global: [
      overload([ipType], string, ([value]) => formatAddress((value as IpValue).bytes)),
      overload([cidrType], string, ([value]) => formatRange(cidrOf(value))),
    ],
  },
];
