import { addressText } from "../../core/api/ip_address.ts";
import type { ObjectKey } from "../../core/api/meta.ts";
import { ignoreReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { parseAddress } from "../../core/kinds/addresses.ts";
import { type IPAddress, ipAddress, type Service, service } from "../../core/kinds/mod.ts";
import { unlessGone } from "./_errors.ts";
import { type Controller, watching } from "./controller.ts";

const managedByLabel = "ipaddress.kubernetes.io/managed-by";
const familyLabel = "ipaddress.kubernetes.io/ip-family";
const manager = "ipallocator.k8s.io";
const byAddress = "service-ip-addresses";

/**
 * Shows every address of a service as an IPAddress, and puts right what people change of these. Which addresses are taken
 * the services themselves say: these objects are there for who looks for the service of an address.
 *
 * @see https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-objects
 */
export const serviceIpAddressesController: Controller = {
  name: "service-ip-addresses-controller",
  watches: [
    watching<Service>({
      kind: service,
      indexes: { [byAddress]: addressesOf },
      keys: (object) => addressesOf(object).map((name) => ({ name })),
    }),
    watching<IPAddress>({ kind: ipAddress, keys: ({ metadata: { name = "" } }) => [{ name }] }),
  ],
  async reconcile(key: ObjectKey, { client, event, lister, signal }) {
    const owners = lister(service).byIndex(byAddress, key.name);
    const present = lister(ipAddress).get(key);
    const { remove, create, repaired } = planServiceAddress(key.name, owners, present);
    if (remove && present)
      await unlessGone(client.delete(ipAddress, key, { signal, preconditions: sameObject(present) }));
    if (repaired) {
      const { namespace, name } = repaired.metadata;
      const address = `[${familyOf(key.name)}]: ${key.name}`;
      const message = `the ClusterIP ${address} for Service ${namespace}/${name} has a wrong reference; repairing`;
      event(repaired, { type: "Warning", reason: "ClusterIPNotAllocated", message });
    }
    if (create)
      // One that is still going is followed by the news of its end.
      await client.create(ipAddress, create, { signal }).catch(ignoreReason("AlreadyExists"));
    return undefined;
  },
};

/** What to do about an address. */
export interface ServiceAddressPlan {
  readonly remove?: boolean;
  readonly create?: IPAddress;
  /** The service whose address was said to be somebody else's. */
  readonly repaired?: Service;
}

/** What to do so that an address is shown as that of its service, or not at all. Pure. */
export function planServiceAddress(
  address: string,
  owners: readonly Service[],
  present: IPAddress | undefined,
): ServiceAddressPlan {
  const [first] = owners;
  // What others note about addresses is theirs.
  if (!first) return present && isServiceAddress(present) ? { remove: true } : {};
  const owner = owners.find((one) => refersTo(present, one)) ?? first;
  const labels = { [familyLabel]: familyOf(address), [managedByLabel]: manager };
  const { namespace = "", name = "" } = owner.metadata;
  const create: IPAddress = {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: { name: address, labels },
    spec: { parentRef: { group: "", resource: "services", namespace, name } },
  };
  if (!present) return { create };
  if (!refersTo(present, owner)) return { remove: true, create, repaired: owner };
  const isLabelled = Object.entries(labels).every(([label, value]) => present.metadata.labels?.[label] === value);
  return isLabelled ? {} : { remove: true, create };
}

/** Whether an IPAddress is one that is kept for services. */
export function isServiceAddress({ metadata }: IPAddress): boolean {
  return metadata.labels?.[managedByLabel] === manager;
}

function refersTo(present: IPAddress | undefined, { metadata }: Service): boolean {
  const { group = "", resource, namespace, name } = present?.spec?.parentRef ?? {};
  return group === "" && resource === "services" && namespace === metadata.namespace && name === metadata.name;
}

function familyOf(address: string): "IPv4" | "IPv6" {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** The addresses that a service has, each by its shortest text. */
function addressesOf({ spec }: Service): readonly string[] {
  const texts = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []);
  return texts.flatMap((text) => {
    const bytes = parseAddress(text);
    return bytes ? [addressText(bytes)] : [];
  });
}
