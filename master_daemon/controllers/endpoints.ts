import { keyOf, type ObjectKey, type StringMap } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import {
  type EndpointAddress,
  type EndpointPort,
  type EndpointSubset,
  type Endpoints,
  endpoints,
  type Pod,
  pod,
  type Service,
  type ServicePort,
  service,
} from "../../core/kinds/mod.ts";
import { isPodReady } from "../../core/kinds/pod_helpers.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { compact } from "../../core/util/compact.ts";
import { errorMessage } from "../../core/util/log.ts";
import { isNamespaceTerminating, unlessGone } from "./_errors.ts";
import {
  announcedHostname,
  endpointLabels,
  isHeadless,
  podReference,
  selectedPods,
  selectsPods,
  servicesOf,
  targetPort,
} from "./_service_pods.ts";
import { withEntry } from "./_template_hash.ts";
import { TriggerTimes, withTriggerTime } from "./_trigger_times.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

/** Writes where each service's traffic goes, in the older form. It remembers what that rests on: make it anew for every run. */
export function endpointsController(): Controller {
  const times = new TriggerTimes();
  return {
    name: "endpoint-controller",
    account: "endpoint-controller",
    reconciles: service,
    watches: [{ kind: endpoints, keys: (object) => [keyOf(object)] }, watching({ kind: pod, keys: servicesOf })],
    reconcile: (key, context) => reconcile(key, times, context),
  };
}

/** More addresses than these do not fit one object. */
const maxAddresses = 1000;
const managedByLabel = "endpoints.kubernetes.io/managed-by";
const managedBy = "endpoint-controller";
const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";

/**
 * The Endpoints of a service that selects `pods`. Pure.
 *
 * @param pods selected pods with an address, that have not ended
 * @param present the Endpoints as they stand
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/endpoint/endpoints_controller.go syncService
 */
export function planEndpoints(owner: Service, pods: readonly Pod[], present: Endpoints | undefined): Endpoints {
  const { subsets, truncated } = cut(packSubsets(owner, pods));
  const { namespace, name } = owner.metadata;
  const others = Object.entries(present?.metadata.annotations ?? {}).filter(([key]) => key !== overCapacityAnnotation);
  const annotations: StringMap = Object.fromEntries(
    truncated ? [...others, [overCapacityAnnotation, "truncated"]] : others,
  );
  return {
    ...(present ?? { apiVersion: "v1", kind: "Endpoints" }),
    metadata: compact<Endpoints["metadata"]>({
      ...present?.metadata,
      name,
      namespace,
      labels: withEntry(endpointLabels(owner), managedByLabel, managedBy),
      annotations: Object.keys(annotations).length > 0 ? annotations : undefined,
    }),
    subsets,
  };
}

interface Draft {
  readonly address: EndpointAddress;
  readonly ready: boolean;
  readonly ports: EndpointPort[];
}

/** One subset for each set of ports that pods share. */
function packSubsets(owner: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const { ports = [], publishNotReadyAddresses = false } = owner.spec ?? {};
  const groups = new Map<string, Draft[]>();
  for (const one of pods.filter(({ metadata }) => !metadata.deletionTimestamp || publishNotReadyAddresses)) {
    const own = ports.flatMap((port) => endpointPort(one, port));
    if (own.length === 0 && !(isHeadless(owner) && ports.length === 0)) continue;
    const draft = { address: addressOf(one, owner), ready: publishNotReadyAddresses || isPodReady(one), ports: own };
    const key = JSON.stringify(own);
    const group = groups.get(key);
    if (group) group.push(draft);
    else groups.set(key, [draft]);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, drafts]) => {
      const addresses = drafts.filter(({ ready }) => ready).map(({ address }) => address);
      const notReadyAddresses = drafts.filter(({ ready }) => !ready).map(({ address }) => address);
      const shared = drafts[0]?.ports ?? [];
      return {
        ...(addresses.length > 0 ? { addresses } : {}),
        ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
        ...(shared.length > 0 ? { ports: shared } : {}),
      };
    });
}

function endpointPort(one: Pod, port: ServicePort): readonly EndpointPort[] {
  const number = targetPort(one, port);
  if (number === undefined) return [];
  const { name, protocol = "TCP", appProtocol } = port;
  return [compact<EndpointPort>({ name: name || undefined, port: number, protocol, appProtocol })];
}

function addressOf(one: Pod, owner: Service): EndpointAddress {
  return compact<EndpointAddress>({
    ip: one.status?.podIP ?? "",
    hostname: announcedHostname(one, owner),
    nodeName: one.spec.nodeName,
    targetRef: podReference(one),
  });
}

/** At most {@linkcode maxAddresses}, ready ones before others. */
function cut(subsets: readonly EndpointSubset[]): { subsets: readonly EndpointSubset[]; truncated: boolean } {
  let left = maxAddresses;
  let truncated = false;
  const take = (list: readonly EndpointAddress[] = []) => {
    const taken = list.slice(0, left);
    if (taken.length < list.length) truncated = true;
    left -= taken.length;
    return taken;
  };
  const ready = subsets.map(({ addresses }) => take(addresses));
  const kept = subsets.map((subset, at) => {
    const { addresses: _, notReadyAddresses: __, ...rest } = subset;
    const notReady = take(subset.notReadyAddresses);
    const addresses = ready[at] ?? [];
    return {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...rest,
    };
  });
  return { subsets: truncated ? kept : subsets, truncated };
}

async function reconcile(key: ObjectKey, times: TriggerTimes, context: ControllerContext): Promise<ReconcileResult> {
  const { client, lister, signal } = context;
  const owner = lister(service).get(key);
  const present = lister(endpoints).get(key);
  if (!owner) {
    times.forget(key);
    // Others write Endpoints of their own, without a service: those stay.
    if (present?.metadata.labels?.[managedByLabel] !== managedBy) return undefined;
    await unlessGone(client.delete(endpoints, key, { signal, preconditions: sameObject(present) }));
    return undefined;
  }
  if (!selectsPods(owner) || owner.metadata.deletionTimestamp) return undefined;
  const pods = selectedPods(owner, lister);
  const changedAt = times.changedAt(key, owner, pods);
  const planned = planEndpoints(owner, pods, present);
  if (present && semanticEqual(planned, present)) return undefined;
  const wanted = withTriggerTime(planned, changedAt);
  try {
    await (present ? client.update(endpoints, wanted, { signal }) : client.create(endpoints, wanted, { signal }));
  } catch (error) {
    if (isNamespaceTerminating(error)) return undefined;
    if (!signal.aborted && !isReason(error, "Conflict"))
      tellOfFailure(wanted, present ? "update" : "create", error, context);
    throw error;
  }
  return undefined;
}

function tellOfFailure(
  wanted: Endpoints,
  verb: "create" | "update",
  error: unknown,
  { event }: ControllerContext,
): void {
  const { namespace, name } = wanted.metadata;
  const about = `${verb} endpoint ${verb === "create" ? "for service " : ""}${namespace}/${name}`;
  const reason = verb === "create" ? "FailedToCreateEndpoint" : "FailedToUpdateEndpoint";
  event(wanted, { type: "Warning", reason, message: `Failed to ${about}: ${errorMessage(error)}` });
}
