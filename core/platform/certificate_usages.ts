/** Uses of a certificate: their bits in KeyUsage, and their identifiers in ExtendedKeyUsage. @see https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.3 */

const keyUsageBits: ReadonlyMap<string, number> = new Map([
  ["signing", 0],
  ["digital signature", 0],
  ["content commitment", 1],
  ["key encipherment", 2],
  ["data encipherment", 3],
  ["key agreement", 4],
  ["cert sign", 5],
  ["crl sign", 6],
  ["encipher only", 7],
  ["decipher only", 8],
]);

const extendedUsages: ReadonlyMap<string, string> = new Map([
  ["any", "2.5.29.37.0"],
  ["server auth", "1.3.6.1.5.5.7.3.1"],
  ["client auth", "1.3.6.1.5.5.7.3.2"],
  ["code signing", "1.3.6.1.5.5.7.3.3"],
  ["email protection", "1.3.6.1.5.5.7.3.4"],
  ["s/mime", "1.3.6.1.5.5.7.3.4"],
  ["ipsec end system", "1.3.6.1.5.5.7.3.5"],
  ["ipsec tunnel", "1.3.6.1.5.5.7.3.6"],
  ["ipsec user", "1.3.6.1.5.5.7.3.7"],
  ["timestamping", "1.3.6.1.5.5.7.3.8"],
  ["ocsp signing", "1.3.6.1.5.5.7.3.9"],
  ["microsoft sgc", "1.3.6.1.4.1.311.10.3.3"],
  ["netscape sgc", "2.16.840.1.113730.4.1"],
]);

/** Numbers of the bits of KeyUsage for Kubernetes' names of usages. */
export function keyUsageNumbers(usages: readonly string[]): readonly number[] {
  return [...new Set(usages.flatMap((usage) => keyUsageBits.get(usage) ?? []))].sort((a, b) => a - b);
}

/** Dotted identifiers of ExtendedKeyUsage for Kubernetes' names of usages. */
export function extendedKeyUsages(usages: readonly string[]): readonly string[] {
  return [...new Set(usages.flatMap((usage) => extendedUsages.get(usage) ?? []))];
}
