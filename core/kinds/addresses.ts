/** IP addresses and ranges as validation needs them. */
import { type AddressRange, parseAddress, parseRange } from "../api/ip_address.ts";
import type { ValidationContext } from "../api/kind.ts";
import type { ObjectMeta } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";

export { type AddressRange, parseAddress, parseRange };

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
  const isApiServer = namespace === "default" && /^kubernetes(-\d+)?$/.test(name ?? "");
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
  if (!parsed) return [fieldError.invalid(field, text, "must be a valid IP address")];
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
