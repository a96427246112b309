import type { StringMap } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import type { Lister } from "../../core/client/informer.ts";
import type { Node } from "../../core/kinds/node.ts";
import type { Service } from "../../core/kinds/service.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import type { ContainerKiller } from "./container_killer.ts";
import type { ImageFolders } from "./images/image_folders.ts";
import type { ImageRecords } from "./images/image_records.ts";
import type { NodeNews } from "./node_events.ts";
import type { ObjectCache } from "./object_cache.ts";
import type { PodAddresses } from "./pod_addresses.ts";
import type { NameSettings } from "./pod_dns.ts";
import type { PodEvents } from "./pod_events.ts";
import type { PodEvictions } from "./pod_evictions.ts";
import type { PodFolders } from "./pod_folders.ts";
import type { ProbeManager } from "./probes.ts";
import type { Allocations } from "./resources/allocations.ts";
import type { StatusManager } from "./status_manager.ts";
import type { PathPins } from "./volumes/path_pins.ts";

/** What the workers of one kubelet share. */
export interface KubeletContext {
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly events: PodEvents;
  /** Tells of something about the node itself. */
  readonly onNodeNews: (news: NodeNews) => void;
  readonly probes: ProbeManager;
  readonly statuses: StatusManager;
  readonly objects: ObjectCache;
  readonly folders: PodFolders;
  readonly pins: PathPins;
  readonly imageFolders: ImageFolders;
  readonly allocations: Allocations;
  readonly addresses: PodAddresses;
  readonly killer: ContainerKiller;
  readonly evictions: PodEvictions;
  readonly names: NameSettings;
  /** Which images the node fetched; absent: nobody is to know. */
  readonly imageRecords: ImageRecords | undefined;
  readonly services: Lister<Service>;
  /** The Node that this is; undefined while it is not known. */
  node(): Node | undefined;
  /** One of each family, the node's first of all first. */
  readonly nodeIPs: readonly string[];
  /** What the node has to give. */
  readonly allocatable: StringMap;
  /** The machine's memory. */
  readonly memoryBytes: number;
}
