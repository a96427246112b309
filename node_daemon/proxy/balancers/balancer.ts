import type { Random } from "../../../core/platform/random.ts";
import type { Endpoint } from "../rules.ts";

/** Chooses where the next connection (TCP) or flow (UDP) of one service port goes. Keeps its own state. */
export interface Balancer {
  readonly name: string;
  /** One of `endpoints`, which may differ from call to call; undefined only when there are none. */
  pick(endpoints: readonly Endpoint[], clientAddress: string): Endpoint | undefined;
}

/** Makes the balancer of one service port. */
export type BalancerFactory = (options: { readonly random: Random }) => Balancer;
