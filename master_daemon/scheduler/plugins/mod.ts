/**
 * The scheduler's plug-ins, in the order in which they are asked, each with the weight of its score.
 *
 * - A plug-in is one file and one line here. It sees a pod, a node and what the cycle remembers; nothing else.
 * - Cheap questions come first: the first "no" about a node ends the questions about it.
 */
import type { WeightedPlugin } from "../framework.ts";
import { nodeAffinity } from "./node_affinity.ts";
import { nodeName } from "./node_name.ts";
import { nodePorts } from "./node_ports.ts";
import { nodeResourcesFit } from "./node_resources_fit.ts";
import { nodeUnschedulable } from "./node_unschedulable.ts";
import { taintToleration } from "./taint_toleration.ts";
import { volumeBinding } from "./volume_binding.ts";
import { volumeRestrictions } from "./volume_restrictions.ts";

/** All plug-ins with Kubernetes' weights. */
export const plugins: readonly WeightedPlugin[] = [
  { plugin: nodeUnschedulable, weight: 0 },
  { plugin: nodeName, weight: 0 },
  { plugin: taintToleration, weight: 3 },
  { plugin: nodeAffinity, weight: 2 },
  { plugin: nodePorts, weight: 0 },
  { plugin: nodeResourcesFit, weight: 1 },
  { plugin: volumeRestrictions, weight: 0 },
  { plugin: volumeBinding, weight: 0 },
];
