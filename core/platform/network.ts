import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

/**
 * The addresses of this machine that lie in one of `ranges` (CIDRs or single addresses). A range of everything
 * (`0.0.0.0/0`) gives the unspecified address; a single address is taken as it is.
 *
 * @throws RangeError for text that is no range
 * @see https://kubernetes.io/docs/reference/command-line-tools-reference/kube-proxy/ `--nodeport-addresses`
 */
export function localAddresses(ranges: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = isIP(address);
    const bits = prefix === undefined ? undefined : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (!family || (bits !== undefined && !(bits <= (family === 4 ? 32 : 128)))) {
      throw new RangeError(`Cannot use "${range}" as addresses: give a range such as 10.0.0.0/8, or an address`);
    }
    if (bits === undefined || bits === (family === 4 ? 32 : 128)) {
      found.add(address);
    } else if (bits === 0) {
      found.add(family === 4 ? "0.0.0.0" : "::");
    } else {
      const list = new BlockList();
      list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
      for (const interfaces of Object.values(networkInterfaces())) {
        for (const own of interfaces ?? []) {
          if (list.check(own.address, own.family === "IPv4" ? "ipv4" : "ipv6")) found.add(own.address);
        }
      }
    }
  }
  return [...found];
}
