import { primaryAddress } from "../core/platform/machine.ts";
import type { MasterListenOptions, MasterOptions } from "./master_options.ts";

/** The ranges that were asked for; by default ones that need no privilege, as long as only this machine has to reach them. */
export function rangesOf(
  { serviceClusterIpRange, controllers: { clusterCidr } = {} }: MasterOptions,
  listenHost: string,
): { readonly serviceRange: string; readonly podRange: string } {
  const [serviceRange, podRange] = isLoopback(listenHost)
    ? ["127.96.0.0/16", "127.64.0.0/16"]
    : ["10.96.0.0/16", "10.244.0.0/16"];
  return { serviceRange: serviceClusterIpRange ?? serviceRange, podRange: clusterCidr ?? podRange };
}

/** The names and addresses that the server's certificate is for. */
export function certificateNames(
  listen: MasterListenOptions | undefined,
  addresses: readonly string[],
): { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] } {
  const { host = "127.0.0.1", subjectAltNames = [] } = listen ?? {};
  const service = "kubernetes.default.svc";
  const names = ["localhost", "kubernetes", "kubernetes.default", service, `${service}.cluster.local`];
  const all = new Set([...names, "127.0.0.1", ...addresses, ...(isAny(host) ? [] : [host]), ...subjectAltNames]);
  return { dnsNames: [...all].filter((name) => !isAddress(name)), ipAddresses: [...all].filter(isAddress) };
}

/** An address as it stands in a URL. */
export function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function isAny(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

/** Whether an address, or a range's, is one of this machine alone. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.");
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}

/** Where the master listens, and the address that others reach it by. */
export function hostsOf(listen: MasterListenOptions | undefined): {
  readonly listenHost: string;
  readonly advertised: string;
} {
  const listenHost = listen?.host ?? "127.0.0.1";
  return {
    listenHost,
    advertised: listen?.advertiseAddress ?? (isAny(listenHost) ? primaryAddress() : listenHost),
  };
}
