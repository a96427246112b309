/**
 * The scheduler's plug-ins, in the order in which they are asked, each with the weight of its score.
 *
 * - A plug-in is one file and one line here. It sees a pod, a node and what the cycle remembers; nothing else.
 * - The first "no" about a node ends the questions about it, so that the order decides which reason is told: Kubernetes' own.
 */
import type { WeightedPlugin } from "../framework.ts";
import { defaultBinder } from "./default_binder.ts";
import { defaultPreemption } from "./default_preemption.ts";
import { imageLocality } from "./image_locality.ts";
import { interPodAffinity } from "./inter_pod_affinity.ts";
import { nodeAffinity } from "./node_affinity.ts";
import { nodeName } from "./node_name.ts";
import { nodePorts } from "./node_ports.ts";
import { nodeResourcesBalancedAllocation } from "./node_resources_balanced_allocation.ts";
import { nodeResourcesFit } from "./node_resources_fit.ts";
import { nodeUnschedulable } from "./node_unschedulable.ts";
import { nodeVolumeLimits } from "./node_volume_limits.ts";
import { podTopologySpread } from "./pod_topology_spread.ts";
import { prioritySort } from "./priority_sort.ts";
import { taintToleration } from "./taint_toleration.ts";
import { volumeBinding } from "./volume_binding.ts";
import { volumeRestrictions } from "./volume_restrictions.ts";
import { volumeZone } from "./volume_zone.ts";

/** All plug-ins with Kubernetes' weights. */
export const plugins: readonly WeightedPlugin[] = [
  { plugin: prioritySort, weight: 0 },
  { plugin: nodeUnschedulable, weight: 0 },
  { plugin: nodeName, weight: 0 },
  { plugin: taintToleration, weight: 3 },
  { plugin: nodeAffinity(), weight: 2 },
  { plugin: nodePorts, weight: 0 },
  { plugin: nodeResourcesFit(), weight: 1 },
  { plugin: volumeRestrictions, weight: 0 },
  { plugin: nodeVolumeLimits, weight: 0 },
  { plugin: volumeBinding(), weight: 0 },
  { plugin: volumeZone, weight: 0 },
  { plugin: podTopologySpread(), weight: 2 },
  { plugin: interPodAffinity(), weight: 2 },
  { plugin: defaultPreemption(), weight: 0 },
  { plugin: nodeResourcesBalancedAllocation(), weight: 1 },
  { plugin: imageLocality, weight: 1 },
  { plugin: defaultBinder, weight: 0 },
];
