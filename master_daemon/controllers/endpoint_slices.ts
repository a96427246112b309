import { keyOf, keyText, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { endpointSlice, type Node, node, type Pod, pod, type Service, service } from "../../core/kinds/mod.ts";
import { errorMessage } from "../../core/util/log.ts";
import { isNamespaceTerminating, unlessGone } from "./_errors.ts";
import { isTopologyAware, managedBy, planEndpointSlices, type SlicePlan } from "./_plan_endpoint_slices.ts";
import { byNode, podsByNode } from "./_pods_by_node.ts";
import { selectedPods, selectsPods, servicesOf } from "./_service_pods.ts";
import { servicesOfSlice, slicesByService } from "./_slices.ts";
import { TriggerTimes, withTriggerTime } from "./_trigger_times.ts";
import { ZoneCapacity, zoneOf } from "./_zone_capacity.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

const byService = "endpointslice.service";
const sliceIndexes = slicesByService(byService, managedBy);

const byTopology = "service.topology";
const serviceIndexes = {
  [byTopology]: (object: Service): readonly string[] => (isTopologyAware(object) ? [""] : []),
};

/**
 * Writes where each service's traffic goes, in slices of at most 100 endpoints. It remembers the zones' weights: make it
 * anew for every run.
 */
export function endpointSliceController(): Controller {
  const memory: Memory = { zones: new ZoneCapacity(), absent: new Set(), hinted: new Set(), times: new TriggerTimes() };
  return {
    name: "endpointslice-controller",
    account: "endpointslice-controller",
    reconciles: service,
    watches: [
      watching({ kind: service, indexes: serviceIndexes, keys: () => [] }),
      watching({
        kind: endpointSlice,
        indexes: sliceIndexes,
        keys: (slice) => servicesOfSlice(slice, managedBy),
      }),
      watching({ kind: pod, indexes: podsByNode, keys: servicesOf }),
      watching({ kind: node, keys: (object, lister) => keysOfNode(object, memory, lister) }),
    ],
    reconcile: (key, context) => reconcile(key, memory, context),
  };
}

/** What is remembered between two looks. */
interface Memory {
  readonly zones: ZoneCapacity;
  /** Names of nodes that pods are on and that were not there. */
  readonly absent: Set<string>;
  /** Services that were told to be topology-aware. */
  readonly hinted: Set<string>;
  readonly times: TriggerTimes;
}

/** The services that a change of a node matters to: it came, it went, or zones weigh something else now. */
function keysOfNode(object: Node, memory: Memory, lister: ControllerContext["lister"]): readonly ObjectKey[] {
  const { name } = keyOf(object);
  const current = lister(node).get({ name });
  const keys = memory.zones.isNews(object, current) ? lister(service).byIndex(byTopology, "").map(keyOf) : [];
  if (current && !memory.absent.delete(name)) return keys;
  const pods = lister(pod).byIndex(byNode, name);
  return [...keys, ...pods.flatMap((one) => servicesOf(one, lister))];
}

async function reconcile(key: ObjectKey, memory: Memory, context: ControllerContext): Promise<ReconcileResult> {
  const { lister } = context;
  const owner = lister(service).get(key);
  // The slices of a service that is gone belong to the garbage collector.
  if (!owner || owner.metadata.deletionTimestamp || !selectsPods(owner)) {
    memory.hinted.delete(keyText(key));
    memory.times.forget(key);
    return undefined;
  }
  const pods = selectedPods(owner, lister).filter((one) => isPlaced(one, memory, lister));
  const changedAt = memory.times.changedAt(key, owner, pods);
  const plan = planEndpointSlices({
    service: owner,
    pods,
    slices: lister(endpointSlice).byIndex(byService, keyText(key)),
    zoneOf: (name) => zoneOf(lister(node).get({ name })),
    shares: memory.zones.shares,
  });
  tellOfTopology(owner, plan, memory, context);
  try {
    await carryOut(plan, changedAt, context);
  } catch (error) {
    if (isNamespaceTerminating(error)) return undefined;
    const message = `Error updating Endpoint Slices for Service ${keyText(key)}: ${errorMessage(error)}`;
    if (!context.signal.aborted && !isReason(error, "Conflict"))
      context.event(owner, { type: "Warning", reason: "FailedToUpdateEndpointSlices", message });
    throw error;
  }
  return undefined;
}

/** Whether a pod's node is there. Where it is not, the service is looked at again once it comes. */
function isPlaced({ spec: { nodeName } }: Pod, { absent }: Memory, lister: ControllerContext["lister"]): boolean {
  if (nodeName === undefined) return false;
  if (lister(node).get({ name: nodeName })) return true;
  absent.add(nodeName);
  return false;
}

/** Says when a service begins or ceases to be topology-aware, and why it is not though it should be. */
function tellOfTopology(
  owner: Service,
  { refusal }: SlicePlan,
  { hinted }: Memory,
  { event }: ControllerContext,
): void {
  const key = keyText(keyOf(owner));
  const wasHinted = hinted.has(key);
  const isHinted = isTopologyAware(owner) && refusal === undefined;
  if (isHinted) hinted.add(key);
  else hinted.delete(key);
  if (isHinted === wasHinted && refusal === undefined) return;
  const [type, word] = isHinted ? (["Normal", "Enabled"] as const) : (["Warning", "Disabled"] as const);
  const why = refusal ?? `Topology Aware Hints has been ${word.toLowerCase()}`;
  event(owner, { type, reason: `TopologyAwareHints${word}`, message: `${why}, addressType: IPv4` });
}

async function carryOut(
  plan: SlicePlan,
  changedAt: string | undefined,
  { client, signal }: ControllerContext,
): Promise<void> {
  for (const slice of plan.create) await client.create(endpointSlice, withTriggerTime(slice, changedAt), { signal });
  for (const slice of plan.update) await client.update(endpointSlice, withTriggerTime(slice, changedAt), { signal });
  for (const slice of plan.remove) await unlessGone(client.delete(endpointSlice, keyOf(slice), { signal }));
}
