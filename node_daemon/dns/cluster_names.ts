import { addressText, parseAddress } from "../../core/api/ip_address.ts";
import { parseKey } from "../../core/api/meta.ts";
import { type EndpointSlice, serviceKeysOf } from "../../core/kinds/endpoint_slice.ts";
import type { Service } from "../../core/kinds/service.ts";
import { type DomainName, nameOf, recordType } from "./message.ts";
import { hostnameOf, type SlicedEndpoint, sliceEndpoints } from "./slice_endpoints.ts";
import { addressRecord, long, type ResourceRecord, short } from "./write_message.ts";

/** What names are made from. */
export interface ClusterView {
  service(namespace: string, name: string): Service | undefined;
  hasServices(namespace: string): boolean;
  slices(namespace: string, name: string): readonly EndpointSlice[];
  /** Services that have this address. */
  servicesAt(address: string): readonly Service[];
  /** Slices with an endpoint of this address. */
  slicesAt(address: string): readonly EndpointSlice[];
}

/** The part of the tree of names that is the cluster's. */
export interface Zone {
  /** E.g. `cluster.local`. */
  readonly domain: DomainName;
  /** Addresses at which it is answered for. */
  readonly servers: readonly string[];
  /** Number of its state, for those who compare. */
  readonly serial: number;
  /** Some of these, any of them, where there are more than an answer has room for. */
  pick<T>(items: readonly T[]): readonly T[];
}

/** Version of the specification. */
const schemaVersion = "1.1.0";
/** Seconds that answers are good for: endpoints come and go. */
export const clusterTtl = 5;

/**
 * The records of a name below the cluster's domain. Pure.
 *
 * @param labels the name without the domain, in lower case
 * @returns undefined when there is no such name; an empty list for one that has only names below it
 * @see https://github.com/kubernetes/dns/blob/master/docs/specification.md
 */
export function clusterRecords(
  labels: DomainName,
  view: ClusterView,
  zone: Zone,
): readonly ResourceRecord[] | undefined {
  const name = [...labels, ...zone.domain];
  const rest = labels.slice(0, -1);
  const nameServer = ["ns", "dns", ...zone.domain];
  switch (labels.at(-1)) {
    case undefined:
      return [zoneAuthority(zone), { name, ttl: clusterTtl, type: recordType.NS, data: [nameServer] }];
    case "dns-version":
      return rest.length === 0 ? [textRecord(name, schemaVersion)] : undefined;
    case "dns":
      if (rest.length === 0) return [];
      return rest.length === 1 && rest[0] === "ns" ? addressRecords(name, zone.servers) : undefined;
    case "svc":
      return serviceRecords(rest, view, zone);
    case "pod":
      return podRecords(rest, name);
    default:
      return undefined;
  }
}

/** The record that goes with answers that something is not there. */
export function zoneAuthority({ domain, serial }: Zone): ResourceRecord {
  const times = [serial, 7200, 1800, 86_400, clusterTtl].map(long);
  const data = [["ns", "dns", ...domain], ["hostmaster", ...domain], ...times];
  return { name: domain, ttl: clusterTtl, type: recordType.SOA, data };
}

/** The address of a name for the way back (`1.0.96.10.in-addr.arpa`); undefined for any other name. */
export function reverseAddress(name: DomainName): string | undefined {
  const parts = name.slice(0, -2).reverse();
  const tree = name.slice(-2).join(".");
  if (tree === "in-addr.arpa" && parts.length === 4) {
    const address = parseAddress(parts.join("."));
    return address && addressText(address);
  }
  if (tree !== "ip6.arpa" || parts.length !== 32 || !parts.every((part) => /^[0-9a-f]$/.test(part))) return undefined;
  return addressText(
    Array.from({ length: 16 }, (_, at) => Number.parseInt(`${parts[2 * at]}${parts[2 * at + 1]}`, 16)),
  );
}

/** The names of an address: those of services, else those of endpoints; none for an address outside. Pure. */
export function pointersTo(address: string, name: DomainName, view: ClusterView, { domain }: Zone): ResourceRecord[] {
  const named = (labels: DomainName): ResourceRecord => ({
    name,
    ttl: clusterTtl,
    type: recordType.PTR,
    data: [[...labels, "svc", ...domain]],
  });
  const services = view.servicesAt(address).map(({ metadata: { name = "", namespace = "" } }) => [name, namespace]);
  if (services.length > 0) return services.map(named);
  const found = new Map<string, DomainName>();
  for (const slice of view.slicesAt(address)) {
    const [key = ""] = serviceKeysOf(slice);
    const { namespace = "", name: owner } = parseKey(key);
    const service = view.service(namespace, owner);
    for (const { endpoint } of service ? sliceEndpoints(slice, namesAll(service)).all : []) {
      if (!endpoint.addresses.some((text) => isSameAddress(text, address))) continue;
      const labels = [hostnameOf(endpoint), owner, namespace];
      found.set(labels.join("."), labels);
    }
  }
  return [...found.values()].map(named);
}

function serviceRecords(labels: DomainName, view: ClusterView, zone: Zone): ResourceRecord[] | undefined {
  const { domain, pick } = zone;
  const [namespace, name] = labels.slice(-2).reverse();
  if (namespace === undefined) return [];
  if (name === undefined) return view.hasServices(namespace) ? [] : undefined;
  const service = view.service(namespace, name);
  const { type, externalName, clusterIPs, clusterIP } = service?.spec ?? {};
  if (!service) return undefined;
  const own = [name, namespace, "svc", ...domain];
  const [first, second] = labels.slice(0, -2).reverse();
  if (type === "ExternalName") return first === undefined && externalName ? alias(own, externalName) : undefined;
  const isHeadless = clusterIP === "None";
  const endpoints = () => view.slices(namespace, name).map((slice) => sliceEndpoints(slice, namesAll(service)));
  if (first === undefined) {
    const addresses = isHeadless
      ? joined(endpoints().map(({ addresses }) => addresses))
      : (clusterIPs ?? [clusterIP ?? ""]);
    return someOf(addressRecords(own, pick(addresses)));
  }
  const protocol = /^_(tcp|udp|sctp)$/.exec(first)?.[1];
  if (labels.length === 3 && protocol === undefined) {
    const named = endpoints().flatMap(({ byHostname }) => byHostname.get(first) ?? []);
    return someOf(
      addressRecords(
        [first, ...own],
        named.flatMap(({ addresses }) => addresses),
      ),
    );
  }
  if (protocol === undefined || labels.length > 4) return undefined;
  const all = isHeadless ? joined(endpoints().map((slice) => slice.all)) : undefined;
  const ports = portsOf(service, all, { own, pick }).filter((port) => port.protocol === protocol);
  // `_tcp` has no records of its own.
  if (second === undefined) return ports.length > 0 ? [] : undefined;
  return someOf(
    ports.filter(({ label }) => label === second).map((port) => portRecord([...labels, "svc", ...domain], port)),
  );
}

interface NamedPort {
  readonly label: string;
  readonly protocol: string;
  readonly port: number;
  readonly target: DomainName;
}

/** The ports that have a name: of a headless service those of each endpoint. */
function portsOf(
  service: Service,
  all: readonly SlicedEndpoint[] | undefined,
  { own, pick }: Pick<Zone, "pick"> & { readonly own: DomainName },
): NamedPort[] {
  const namedPort = (
    { name, port, protocol }: { readonly name?: string; readonly port?: number; readonly protocol?: string },
    target: DomainName,
  ): NamedPort[] =>
    name && port ? [{ label: `_${name}`, protocol: (protocol ?? "TCP").toLowerCase(), port, target }] : [];
  if (!all) return (service.spec?.ports ?? []).flatMap((port) => namedPort(port, own));
  const found = new Map<string, NamedPort>();
  for (const { endpoint, slice } of pick(all)) {
    const target = [hostnameOf(endpoint), ...own];
    for (const port of (slice.ports ?? []).flatMap((port) => namedPort(port, target))) {
      // An endpoint with two addresses stands in two slices.
      found.set(`${port.label} ${port.protocol} ${port.port} ${target[0]}`, port);
    }
  }
  return [...found.values()];
}

function portRecord(name: DomainName, { port, target }: NamedPort): ResourceRecord {
  const [priority, weight] = [0, 100];
  const data = [...[priority, weight, port].map(short), target];
  return { name, ttl: clusterTtl, type: recordType.SRV, data };
}

/** Any address in any namespace: that there is such a pod is not looked up, and a namespace may have pods without services. */
function podRecords(labels: DomainName, name: DomainName): ResourceRecord[] | undefined {
  const [namespace, dashed, ...more] = [...labels].reverse();
  if (namespace === undefined) return [];
  if (more.length > 0) return undefined;
  if (dashed === undefined) return [];
  const address =
    dashed.split("-").length === 4 && !dashed.includes("--")
      ? dashed.replaceAll("-", ".")
      : dashed.replaceAll("-", ":");
  return someOf(addressRecords(name, [address]));
}

/** All in one: `flat()` takes ten times as long for thousands. */
function joined<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const all: T[] = [];
  for (const list of lists) for (const item of list) all.push(item);
  return all;
}

/** Whether endpoints have names before they are ready. */
function namesAll({ spec }: Service): boolean {
  return spec?.publishNotReadyAddresses === true;
}

function alias(name: DomainName, target: string): ResourceRecord[] {
  const address = parseAddress(target);
  if (address) return [addressRecord(name, clusterTtl, Uint8Array.from(address))];
  return [{ name, ttl: clusterTtl, type: recordType.CNAME, data: [nameOf(target)] }];
}

function addressRecords(name: DomainName, addresses: readonly string[]): ResourceRecord[] {
  return [...new Set(addresses)].flatMap((text) => {
    const address = parseAddress(text);
    return address ? [addressRecord(name, clusterTtl, Uint8Array.from(address))] : [];
  });
}

function textRecord(name: DomainName, text: string): ResourceRecord {
  return {
    name,
    ttl: clusterTtl,
    type: recordType.TXT,
    data: [Uint8Array.of(text.length), Buffer.from(text, "latin1")],
  };
}

/** A name without records is none. */
function someOf(records: ResourceRecord[]): ResourceRecord[] | undefined {
  return records.length > 0 ? records : undefined;
}

function isSameAddress(text: string, address: string): boolean {
  const parsed = parseAddress(text);
  return parsed !== undefined && addressText(parsed) === address;
}
