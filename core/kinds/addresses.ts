/** IP addresses and ranges as validation needs them. */
import type { ValidationContext } from "../api/kind.ts";
import type { ObjectMeta } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";

/** Bytes of an address: 4 or 16; undefined when the text is none. Leading zeros and zones are refused. */
export function parseAddress(text: string): readonly number[] | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

function parseIpv6(text: string): readonly number[] | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, at) => (half === "" ? [] : groups(half, at === halves.length - 1)));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  return missing >= 2 ? [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])] : undefined;
}

/** Bytes of groups separated by colons; the last group may be an IPv4 address where `last`. */
function groups(text: string, last: boolean): readonly number[] | undefined {
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    if (last && at === parts.length - 1 && part.includes(".")) {
      const four = parseIpv4(part);
      if (!four) return undefined;
      bytes.push(...four);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 255);
    }
  }
  return bytes;
}

/** A range in CIDR form. */
export interface AddressRange {
  readonly bytes: readonly number[];
  readonly prefix: number;
}

/** Reads `ADDRESS/PREFIX`; undefined when the text is none. */
export function parseRange(text: string): AddressRange | undefined {
  const slash = text.indexOf("/");
  if (slash < 0 || !/^\d{1,3}$/.test(text.slice(slash + 1))) return undefined;
  const bytes = parseAddress(text.slice(0, slash));
  const prefix = Number(text.slice(slash + 1));
  return bytes && prefix <= bytes.length * 8 ? { bytes, prefix } : undefined;
}

/** Whether an address lies in a range of the same family. */
export function inRange(address: readonly number[], { bytes, prefix }: AddressRange): boolean {
  if (address.length !== bytes.length) return false;
  return bytes.every((byte, at) => {
    const bits = Math.min(Math.max(prefix - at * 8, 0), 8);
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((address[at] ?? 0) & mask);
  });
}

/** Why `text` is no address. */
export function addressError(text: string): string | undefined {
  return parseAddress(text) ? undefined : "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
}

const special = [
  { ranges: ["127.0.0.0/8", "::1/128"], reason: "may not be in the loopback range (127.0.0.0/8, ::1/128)" },
  { ranges: ["169.254.0.0/16", "fe80::/10"], reason: "may not be in the link-local range (169.254.0.0/16, fe80::/10)" },
  {
    ranges: ["224.0.0.0/24", "ff02::/16"],
    reason: "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
  },
].map(({ ranges, reason }) => ({ ranges: ranges.flatMap((text) => parseRange(text) ?? []), reason }));

/** The ranges out of which the endpoints of an object may be, see {@linkcode checkEndpointAddress}. */
export function localRangesFor(
  { name, namespace }: ObjectMeta,
  { localRanges, apiServerAddress }: ValidationContext,
): readonly string[] {
  const isApiServer = namespace === "default" && name === "kubernetes";
  return isApiServer && apiServerAddress !== undefined ? [...localRanges, `${apiServerAddress}/32`] : localRanges;
}

/**
 * An address that traffic may be sent to: valid, and neither unspecified, loopback nor link-local unless it lies in
 * one of the cluster's own `localRanges`. Otherwise services could be pointed at what listens on the node itself.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateNonSpecialIP
 */
export function checkEndpointAddress(
  field: string,
  text: string,
  localRanges: readonly string[],
): readonly FieldError[] {
  const parsed = parseAddress(text);
  if (!parsed) return [fieldError.invalid(field, text, addressError(text) ?? "")];
  // ::ffff:127.0.0.1 reaches the same place as 127.0.0.1.
  const mapped =
    parsed.length === 16 && parsed.slice(0, 10).every((byte) => byte === 0) && parsed[10] === 255 && parsed[11] === 255;
  const address = mapped ? parsed.slice(12) : parsed;
  if (address.every((byte) => byte === 0)) return [fieldError.invalid(field, text, `may not be unspecified (${text})`)];
  const found = special.find(({ ranges }) => ranges.some((range) => inRange(address, range)));
  if (!found) return [];
  const own = localRanges.some((local) => {
    const range = parseRange(local);
    return range !== undefined && inRange(address, range);
  });
  return own ? [] : [fieldError.invalid(field, text, found.reason)];
}
