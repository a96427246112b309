import { controllerReference } from "../../core/api/meta.ts";
import { serviceNameLabel } from "../../core/kinds/endpoint_slice.ts";
import type { Endpoint, EndpointSlice, Pod, Service, ServicePort, SlicePort } from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { compact } from "../../core/util/compact.ts";
import { announcedHostname, endpointLabels, podReference, targetPort } from "./_service_pods.ts";
import { managedByLabel, portsKey } from "./_slices.ts";
import { withEntry } from "./_template_hash.ts";
import { bare, withTopologyHints } from "./_topology_hints.ts";
import type { ZoneShares } from "./_zone_capacity.ts";

/** Who writes the slices of services that select pods. */
export const managedBy = "endpointslice-controller.k8s.io";

/** Endpoints in one slice, at most. */
const maxEndpoints = 100;

/** Names of the annotation by which a service's traffic is to stay in its zone, the older one first. */
const topologyAnnotations = ["service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"];

/** What is known about a service. */
export interface ObservedService {
  readonly service: Service;
  /** Selected pods with an address, that have not ended. */
  readonly pods: readonly Pod[];
  /** The slices that this controller wrote for the service. */
  readonly slices: readonly EndpointSlice[];
  readonly zoneOf: (nodeName: string) => string | undefined;
  /** Only asked for where the service is topology-aware. */
  readonly shares?: ZoneShares | undefined;
}

/** What to write for a service's slices. */
export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
  /** Of a topology-aware service: why traffic goes to any zone. */
  readonly refusal?: string | undefined;
}

/** Whether a service asks that its traffic stays in its zone as far as that is fair. */
export function isTopologyAware({ metadata: { annotations = {} } }: Service): boolean {
  const name = topologyAnnotations.find((one) => Object.hasOwn(annotations, one)) ?? "";
  return annotations[name] === "Auto" || annotations[name] === "auto";
}

/**
 * The fewest writes after which the slices hold exactly the service's endpoints: endpoints stay where they are, new ones
 * fill slices that change anyway, then those with room, then new ones. Pure.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/endpointslice/reconciler.go
 */
export function planEndpointSlices(observed: ObservedService): SlicePlan {
  if (!isTopologyAware(observed.service)) return planSlices(observed);
  // First without hints, which depend on what else is written.
  const plan = planSlices({ ...observed, slices: observed.slices.map(bare) });
  const written = new Set([...plan.update, ...plan.remove].map(({ metadata }) => metadata.name));
  const unchanged = observed.slices.filter(
    ({ metadata }) => !metadata.deletionTimestamp && !written.has(metadata.name),
  );
  return { ...plan, ...withTopologyHints({ ...plan, unchanged }, observed.shares) };
}

function planSlices({ service, pods, slices, zoneOf }: ObservedService): SlicePlan {
  const groups = groupByPorts(service, pods, zoneOf);
  const plan = { create: [] as EndpointSlice[], update: [] as EndpointSlice[], remove: [] as EndpointSlice[] };
  const kept = new Map<string, EndpointSlice[]>();
  for (const slice of slices.filter(({ metadata }) => !metadata.deletionTimestamp)) {
    const key = portsKey(slice.ports ?? []);
    if (groups.has(key) && slice.addressType === "IPv4") kept.set(key, [...(kept.get(key) ?? []), slice]);
    else plan.remove.push(slice);
  }
  for (const [key, { ports, endpoints }] of groups) {
    fillSlices(service, ports, endpoints, kept.get(key) ?? [], plan);
  }
  keepOne(service, plan, slices);
  return plan;
}

interface Group {
  readonly ports: readonly SlicePort[];
  /** By the pod's uid. */
  readonly endpoints: Map<string, Endpoint>;
}

function groupByPorts(owner: Service, pods: readonly Pod[], zoneOf: ObservedService["zoneOf"]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const one of pods) {
    const ports = (owner.spec?.ports ?? []).flatMap((port) => slicePort(one, port));
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: new Map() };
    groups.set(key, group);
    group.endpoints.set(one.metadata.uid ?? "", endpointOf(one, owner, zoneOf));
  }
  return groups;
}

function slicePort(one: Pod, port: ServicePort): readonly SlicePort[] {
  const number = targetPort(one, port);
  if (number === undefined) return [];
  const { name = "", protocol = "TCP", appProtocol } = port;
  return [compact<SlicePort>({ name, port: number, protocol, appProtocol })];
}

function endpointOf(one: Pod, owner: Service, zoneOf: ObservedService["zoneOf"]): Endpoint {
  const serving = isPodReady(one);
  const terminating = one.metadata.deletionTimestamp !== undefined;
  const ready = owner.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { nodeName } = one.spec;
  const zone = nodeName ? zoneOf(nodeName) : undefined;
  return compact<Endpoint>({
    addresses: [one.status?.podIP ?? ""],
    conditions: { ready, serving, terminating },
    hostname: announcedHostname(one, owner),
    nodeName,
    zone,
    targetRef: podReference(one),
    hints: ready ? hintsOf(owner, { nodeName, zone }) : undefined,
  });
}

/** Whose traffic an endpoint is meant for, where its service says that traffic is to stay near. */
function hintsOf(
  owner: Service,
  { nodeName, zone }: { readonly nodeName: string | undefined; readonly zone: string | undefined },
): Endpoint["hints"] {
  const { trafficDistribution } = isTopologyAware(owner) ? {} : (owner.spec ?? {});
  const isByNode = trafficDistribution === "PreferSameNode";
  if (!isByNode && trafficDistribution !== "PreferClose" && trafficDistribution !== "PreferSameZone") return undefined;
  const hints = compact<NonNullable<Endpoint["hints"]>>({
    forZones: zone ? [{ name: zone }] : undefined,
    forNodes: isByNode && nodeName ? [{ name: nodeName }] : undefined,
  });
  return hints.forZones || hints.forNodes ? hints : undefined;
}

interface MutablePlan {
  readonly create: EndpointSlice[];
  readonly update: EndpointSlice[];
  readonly remove: EndpointSlice[];
}

function fillSlices(
  owner: Service,
  ports: readonly SlicePort[],
  wanted: ReadonlyMap<string, Endpoint>,
  present: readonly EndpointSlice[],
  plan: MutablePlan,
): void {
  const left = new Map(wanted);
  const drafts = present.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const uid = endpoint.targetRef?.uid ?? "";
      const next = left.get(uid);
      if (!next) continue;
      left.delete(uid);
      endpoints.push(next);
    }
    return { slice, endpoints };
  });
  const isChanged = ({ slice, endpoints }: (typeof drafts)[number]) => !semanticEqual(endpoints, slice.endpoints);
  const rest = [...left.values()];
  // Those that are written anyway first, then the fullest, so that slices do not stay half empty.
  const order = [...drafts].sort(
    (a, b) => Number(isChanged(b)) - Number(isChanged(a)) || b.endpoints.length - a.endpoints.length,
  );
  for (const draft of order) draft.endpoints.push(...rest.splice(0, maxEndpoints - draft.endpoints.length));
  for (const { slice, endpoints } of drafts) {
    if (endpoints.length === 0) plan.remove.push(slice);
    else addIfChanged(sliceOf(owner, ports, endpoints, slice), slice, plan);
  }
  while (rest.length > 0) plan.create.push(sliceOf(owner, ports, rest.splice(0, maxEndpoints), undefined));
}

function addIfChanged(next: EndpointSlice, present: EndpointSlice, plan: MutablePlan): void {
  if (!semanticEqual(next, present)) plan.update.push(next);
}

/** A service without endpoints keeps one empty slice, which says that there are none. */
function keepOne(owner: Service, plan: MutablePlan, slices: readonly EndpointSlice[]): void {
  const staying = slices.filter(({ metadata }) => !metadata.deletionTimestamp).length - plan.remove.length;
  if (staying + plan.create.length > 0) return;
  const spared = plan.remove.shift();
  if (spared) addIfChanged(sliceOf(owner, [], [], spared), spared, plan);
  else plan.create.push(sliceOf(owner, [], [], undefined));
}

function sliceOf(
  owner: Service,
  ports: readonly SlicePort[],
  endpoints: readonly Endpoint[],
  present: EndpointSlice | undefined,
): EndpointSlice {
  const { name = "", namespace } = owner.metadata;
  const labels = withEntry(withEntry(endpointLabels(owner), serviceNameLabel, name), managedByLabel, managedBy);
  return {
    ...(present ?? { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" }),
    metadata: compact<EndpointSlice["metadata"]>({
      ...(present?.metadata ?? { generateName: `${name}-`, namespace }),
      labels,
      ownerReferences: [controllerReference(owner)],
    }),
    addressType: "IPv4",
    endpoints,
    ports,
  };
}
