import type { Node } from "../../core/kinds/node.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { service as serviceKind } from "../../core/kinds/service.ts";
import { machineFacts } from "../../core/platform/machine.ts";
import { ContainerKiller } from "./container_killer.ts";
import { ImageFolders } from "./images/image_folders.ts";
import type { KubeletOptions } from "./kubelet.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { nodeReference } from "./node_events.ts";
import { ObjectCache } from "./object_cache.ts";
import { PodAddresses } from "./pod_addresses.ts";
import { PodEvents } from "./pod_events.ts";
import { PodEvictions } from "./pod_evictions.ts";
import type { PodFolders } from "./pod_folders.ts";
import { ProbeManager } from "./probes.ts";
import type { AllocationRecords } from "./resources/allocation_records.ts";
import { Allocations } from "./resources/allocations.ts";
import { StatusManager } from "./status_manager.ts";
import { PathPins } from "./volumes/path_pins.ts";

/** What the parts that workers share ask of the kubelet, and tell it. */
export interface ContextHooks {
  readonly folders: PodFolders;
  readonly records: AllocationRecords;
  /** The pod's worker is to look at it. */
  readonly wake: (podUid: string) => void;
  /** The pod's probes have something new to say. */
  readonly probed: (podUid: string) => void;
  /** What the pod refers to changed, or what is set aside for it. */
  readonly dataChanged: (podUid: string) => void;
  /** The API's version of the same pod, or what shows it there. */
  readonly shown: (pod: Pod, podUid: string) => Pod | undefined;
  /** Whether the pod is of the node's own, and the API only shows it. */
  readonly isMirrored: (podUid: string) => boolean;
  /** The other pods that the node has taken. */
  readonly others: (pod: Pod) => readonly Pod[];
  readonly node: () => Node | undefined;
}

/** Makes what the workers of a kubelet share. */
export function openContext(options: KubeletOptions, hooks: ContextHooks): KubeletContext {
  const { client, informers, runtime, clock, random, log, nodeIPs, allocatable } = options;
  const { folders, records, wake, probed, dataChanged, shown, isMirrored, others, node } = hooks;
  const { recorder, nodeName } = options;
  const events = new PodEvents(recorder);
  return {
    client,
    runtime,
    clock,
    random,
    log,
    events,
    onNodeNews: (news) => recorder.record(nodeReference(nodeName), news),
    killer: new ContainerKiller({ runtime, events, clock, log }),
    probes: new ProbeManager({
      runtime,
      clock,
      random,
      log,
      onChange: probed,
      onUnhealthy: (pod, message, container) => events.warning(pod, "Unhealthy", message, container),
      onWarning: (pod, message, container) => events.warning(pod, "ProbeWarning", message, container),
    }),
    statuses: new StatusManager({
      client,
      clock,
      log,
      lookup: shown,
      isMirrored,
    }),
    objects: new ObjectCache({
      client,
      clock,
      log,
      onChange: dataChanged,
      others,
      onExpanded: (object, event) => recorder.record(object, event),
    }),
    folders,
    pins: new PathPins({ folder: folders.pins, log }),
    imageFolders: new ImageFolders({ runtime, folders }),
    allocations: new Allocations({
      records,
      events,
      allocatable: () => allocatable,
      others,
      onChange: dataChanged,
    }),
    addresses: new PodAddresses(),
    evictions: new PodEvictions(wake),
    names: options.names,
    imageRecords: options.imageRecords,
    services: informers.informer(serviceKind),
    node,
    nodeIPs: oneOfEachFamily(nodeIPs),
    allocatable,
    memoryBytes: machineFacts().memoryBytes,
  };
}

/** The first address of each family: what pods are told of their node. */
function oneOfEachFamily(addresses: readonly string[]): readonly string[] {
  const isV6 = (address: string) => address.includes(":");
  const other = addresses.find((address) => isV6(address) !== isV6(addresses[0] ?? ""));
  return [...addresses.slice(0, 1), ...(other === undefined ? [] : [other])];
}
