import { type Condition, findCondition, setCondition } from "../../core/api/meta.ts";
import { type AddressRange, inRange, parseAddress, parseRange } from "../../core/kinds/addresses.ts";
import { type IPAddress, ipAddress, type ServiceCIDR, serviceCidr } from "../../core/kinds/mod.ts";
import { timestamp } from "../../core/util/clock.ts";
import { withFinalizer, withoutFinalizer } from "./_finalizers.ts";
import { type Controller, watching } from "./controller.ts";
import { isServiceAddress } from "./service_ip_addresses.ts";

const finalizer = "networking.k8s.io/service-cidr-finalizer";
/** Time in which everybody who hands out addresses learns that a range is to go. */
const graceMs = 10_000;

/** Options of {@linkcode serviceCidrController}. */
export interface ServiceCidrOptions {
  /** The ranges that services get their addresses from, separated by a comma. */
  readonly serviceClusterIpRange: string;
}

/**
 * Says which ranges services get addresses from, and keeps a range that is to go while a service has an address of it that
 * no other range has.
 *
 * @see https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-objects
 */
export function serviceCidrController({ serviceClusterIpRange }: ServiceCidrOptions): Controller {
  const inUse = new Set(serviceClusterIpRange.split(",").map((range) => range.trim()));
  return {
    name: "service-cidr-controller",
    account: "service-cidrs-controller",
    reconciles: serviceCidr,
    watches: [
      watching<ServiceCIDR>({ kind: serviceCidr, keys: (_range, lister) => keysOf(lister(serviceCidr).list()) }),
      watching<IPAddress>({
        kind: ipAddress,
        keys: (_address, lister) =>
          keysOf(
            lister(serviceCidr)
              .list()
              .filter(({ metadata }) => metadata.deletionTimestamp !== undefined),
          ),
      }),
    ],
    async reconcile(key, { client, clock, lister, signal }) {
      const found = lister(serviceCidr).get(key);
      if (!found) return undefined;
      const plan = planServiceCidr(found, {
        ranges: lister(serviceCidr).list(),
        addresses: lister(ipAddress).list().filter(isServiceAddress),
        inUse,
        nowMs: clock.now(),
      });
      if (plan.conditions)
        await client.updateStatus(serviceCidr, { ...found, status: { conditions: plan.conditions } }, { signal });
      else if (plan.finalizers === "add") await client.update(serviceCidr, withFinalizer(found, finalizer), { signal });
      else if (plan.finalizers === "remove")
        await client.update(serviceCidr, withoutFinalizer(found, finalizer), { signal });
      return { requeueAfterMs: plan.requeueAfterMs };
    },
  };
}

function keysOf(ranges: readonly ServiceCIDR[]): readonly { readonly name: string }[] {
  return ranges.map(({ metadata: { name = "" } }) => ({ name }));
}

/** What is known beside a range itself. */
export interface ObservedServiceCidr {
  /** All of them, itself too. */
  readonly ranges: readonly ServiceCIDR[];
  /** The addresses that services have. */
  readonly addresses: readonly IPAddress[];
  /** Texts of the ranges that addresses are handed out from. */
  readonly inUse: ReadonlySet<string>;
  readonly nowMs: number;
}

/** What to write of a range: one thing at a time. */
export interface ServiceCidrPlan {
  readonly conditions?: readonly Condition[];
  readonly finalizers?: "add" | "remove";
  readonly requeueAfterMs?: number;
}

/** Makes a range known as one that is handed out from, or lets it go when it is no longer needed. Pure. */
export function planServiceCidr(range: ServiceCIDR, observed: ObservedServiceCidr): ServiceCidrPlan {
  const { metadata, spec, status } = range;
  const isProtected = metadata.finalizers?.includes(finalizer) ?? false;
  const become = (next: Condition): ServiceCidrPlan | undefined => {
    const present = findCondition(status?.conditions, next.type);
    if (present?.status === next.status && present.message === next.message) return undefined;
    return { conditions: setCondition(status?.conditions, next) };
  };
  const lastTransitionTime = timestamp({ now: () => observed.nowMs });
  if (!metadata.deletionTimestamp) {
    if (!isProtected) return { finalizers: "add" };
    // Nobody hands out addresses of a range that the API servers were not told of.
    if (!(spec?.cidrs ?? []).every((text) => observed.inUse.has(text))) return {};
    const message = "Kubernetes Service CIDR is ready";
    return become({ type: "Ready", status: "True", lastTransitionTime, reason: "", message }) ?? {};
  }
  if (!isProtected) return {};
  if (isNeeded(range, observed)) {
    const message =
      "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";
    return become({ type: "Ready", status: "False", lastTransitionTime, reason: "Terminating", message }) ?? {};
  }
  const waitMs = Date.parse(metadata.deletionTimestamp) + graceMs - observed.nowMs;
  return waitMs > 0 ? { requeueAfterMs: waitMs } : { finalizers: "remove" };
}

/** Whether an address would be in no range any more. */
function isNeeded(range: ServiceCIDR, { ranges, addresses }: ObservedServiceCidr): boolean {
  const parse = ({ spec }: ServiceCIDR) => (spec?.cidrs ?? []).flatMap((text) => parseRange(text) ?? []);
  const own = parse(range);
  const others = ranges.filter(({ metadata }) => metadata.name !== range.metadata.name).flatMap(parse);
  if (own.every((one) => others.some((other) => contains(other, one)))) return false;
  return addresses.some(({ metadata }) => {
    const address = parseAddress(metadata.name ?? "");
    const isIn = (one: AddressRange) => address !== undefined && inRange(address, one);
    return own.some(isIn) && !others.some(isIn);
  });
}

function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.prefix <= inner.prefix && inRange(inner.bytes, outer);
}
