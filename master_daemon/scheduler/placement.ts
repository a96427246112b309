import type { CycleState, PostFilterResult, Refusal, SchedulerPlugin } from "./framework.ts";
import type { NodeInfo } from "./node_info.ts";

/** How one plug-in found the node that a pod goes to. */
export interface PluginScore {
  readonly plugin: string;
  /** 0 to 100. */
  readonly score: number;
  readonly weight: number;
}

/** Where a pod goes. */
export interface Placed {
  readonly node: NodeInfo;
  /** What plug-ins remember of it. */
  readonly state: CycleState;
  /** How many nodes were looked at. */
  readonly visited: number;
  /** How many of them fit. */
  readonly feasible: number;
  readonly scores: readonly PluginScore[];
}

/** Why a pod gets no node. */
export interface Unplaced {
  readonly node: undefined;
  /** As Kubernetes words it. */
  readonly message: string;
  /** Who refused it somewhere: nobody when there is no node. */
  readonly refusedBy: readonly SchedulerPlugin[];
  /** Who refused which node. */
  readonly refusals: ReadonlyMap<NodeInfo, Refusal>;
  readonly visited: number;
  /** What is to be done so that it gets a node. */
  readonly postFilter: PostFilterResult | undefined;
}

/** Where a pod goes, or why nowhere. */
export type Placement = Placed | Unplaced;
