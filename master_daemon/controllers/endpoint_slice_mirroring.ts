import { apiVersionOf } from "../../core/api/kind.ts";
import { controllerReference, keyOf, keyText, type ObjectKey } from "../../core/api/meta.ts";
import { serviceNameLabel } from "../../core/kinds/endpoint_slice.ts";
import {
  type Endpoint,
  type EndpointAddress,
  type EndpointPort,
  type EndpointSlice,
  type Endpoints,
  endpointSlice,
  endpoints,
  type SlicePort,
  service,
} from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { compact } from "../../core/util/compact.ts";
import { isNamespaceTerminating, unlessGone } from "./_errors.ts";
import { managedByLabel, portsKey, servicesOfSlice, slicesByService } from "./_slices.ts";
import { withEntry } from "./_template_hash.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

const managedBy = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
/** Annotations that say something of the Endpoints alone. */
const ownAnnotations = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "endpoints.kubernetes.io/last-change-trigger-time",
];
/** Addresses of one subset that are mirrored, at most. */
const maxAddresses = 1000;

const byService = "mirroredslice.service";
const sliceIndexes = slicesByService(byService, managedBy);

/**
 * Writes what people say in Endpoints into EndpointSlices, by which traffic goes: for services without a selector.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#endpointslice-mirroring
 */
export const endpointSliceMirroringController: Controller = {
  name: "endpointslicemirroring-controller",
  account: "endpointslicemirroring-controller",
  reconciles: endpoints,
  watches: [
    watching({ kind: service, keys: (object) => [keyOf(object)] }),
    watching({ kind: endpointSlice, indexes: sliceIndexes, keys: (slice) => servicesOfSlice(slice, managedBy) }),
  ],
  reconcile,
};

async function reconcile(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult> {
  const { client, lister, signal, event } = context;
  const source = lister(endpoints).get(key);
  const owner = lister(service).get(key);
  const isMirrored = source && owner && isForMirroring(source) && owner.spec?.selector === undefined;
  const present = lister(endpointSlice).byIndex(byService, keyText(key));
  const plan = planMirroring(isMirrored ? source : undefined, present);
  if (source && plan.skipped > 0) {
    const message = `A max of ${maxAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. ${plan.skipped} addresses were skipped`;
    event(source, { type: "Warning", reason: "TooManyAddressesToMirror", message });
  }
  for (const slice of plan.create) {
    try {
      await client.create(endpointSlice, slice, { signal });
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      throw error;
    }
  }
  for (const slice of plan.update) await client.update(endpointSlice, slice, { signal });
  for (const slice of plan.remove) await unlessGone(client.delete(endpointSlice, keyOf(slice), { signal }));
  return undefined;
}

function isForMirroring({ metadata }: Endpoints): boolean {
  const { labels = {}, annotations = {} } = metadata;
  return labels[skipLabel] !== "true" && !Object.hasOwn(annotations, leaderAnnotation);
}

/** What to write so that slices mirror Endpoints. */
export interface MirroringPlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
  /** How many addresses are too many. */
  readonly skipped: number;
}

/**
 * One slice for each subset's ports and family of addresses. A slice that is not needed any more becomes one that is
 * missing, so that there are never fewer addresses in between. Pure.
 *
 * @param source undefined: nothing is to be mirrored
 */
export function planMirroring(source: Endpoints | undefined, present: readonly EndpointSlice[]): MirroringPlan {
  if (!source) return { create: [], update: [], remove: present.filter(isStaying), skipped: 0 };
  const { groups, skipped } = groupsOf(source);
  const update: EndpointSlice[] = [];
  const spare: EndpointSlice[] = [];
  for (const slice of present.filter(isStaying)) {
    const key = groupKey(slice.addressType, slice.ports ?? []);
    const group = groups.get(key);
    groups.delete(key);
    if (!group) spare.push(slice);
    else {
      const next = mirrorOf(source, group, slice);
      if (!semanticEqual(next, slice)) update.push(next);
    }
  }
  const create: EndpointSlice[] = [];
  for (const group of groups.values()) {
    const at = spare.findIndex(({ addressType }) => addressType === group.family);
    const [reused] = at < 0 ? [] : spare.splice(at, 1);
    (reused ? update : create).push(mirrorOf(source, group, reused));
  }
  return { create: source.metadata.deletionTimestamp ? [] : create, update, remove: spare, skipped };
}

interface Group {
  readonly ports: readonly SlicePort[];
  readonly family: Family;
  /** By what tells them apart: an address stands in a slice once. */
  readonly all: Map<string, Endpoint>;
}

function groupsOf({ subsets }: Endpoints): { readonly groups: Map<string, Group>; readonly skipped: number } {
  const groups = new Map<string, Group>();
  let skipped = 0;
  for (const { addresses = [], notReadyAddresses = [], ports: own = [] } of subsets ?? []) {
    const ports = own.map(slicePortOf);
    const endpoints = [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false)),
    ];
    skipped += Math.max(0, endpoints.length - maxAddresses);
    for (const endpoint of endpoints.slice(0, maxAddresses)) {
      const family: Family = endpoint.addresses[0]?.includes(":") ? "IPv6" : "IPv4";
      const key = groupKey(family, ports);
      const group = groups.get(key) ?? { ports, family, all: new Map() };
      groups.set(key, group);
      group.all.set(JSON.stringify([endpoint.addresses, endpoint.hostname, endpoint.targetRef]), endpoint);
    }
  }
  return { groups, skipped };
}

function groupKey(family: string, ports: readonly SlicePort[]): string {
  return `${family} ${portsKey(ports)}`;
}

function isStaying({ metadata }: EndpointSlice): boolean {
  return metadata.deletionTimestamp === undefined;
}

type Family = "IPv4" | "IPv6";

function slicePortOf({ name = "", port, protocol = "TCP", appProtocol }: EndpointPort): SlicePort {
  return compact<SlicePort>({ name, port, protocol, appProtocol });
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return compact<Endpoint>({ addresses: [ip], conditions: { ready }, hostname, nodeName, targetRef });
}

function mirrorOf(source: Endpoints, { ports, all, family }: Group, present: EndpointSlice | undefined): EndpointSlice {
  const { name = "", namespace, labels, annotations = {} } = source.metadata;
  const kept = Object.entries(annotations).filter(([key]) => !ownAnnotations.includes(key));
  const owner = { ...source, apiVersion: apiVersionOf(endpoints), kind: endpoints.kind };
  return {
    ...(present ?? { apiVersion: apiVersionOf(endpointSlice), kind: endpointSlice.kind }),
    metadata: compact<EndpointSlice["metadata"]>({
      ...(present?.metadata ?? { generateName: `${name}-`, namespace }),
      labels: withEntry(withEntry(labels, serviceNameLabel, name), managedByLabel, managedBy),
      annotations: kept.length > 0 ? Object.fromEntries(kept) : undefined,
      ownerReferences: [controllerReference(owner)],
    }),
    addressType: family,
    endpoints: [...all.values()].slice(0, maxAddresses),
    ports,
  };
}
