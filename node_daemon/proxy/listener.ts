import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import type { Balancer } from "./balancers/balancer.ts";
import type { Endpoint } from "./rules.ts";

/** Where a listener's traffic goes now. Read anew for each connection or datagram, so that changes apply at once. */
export interface Target {
  readonly endpoints: readonly Endpoint[];
  readonly balancer: Balancer;
}

/** An open socket that serves one rule. */
export interface Listener extends AsyncDisposable {
  /** Sends new connections and flows to `target`; established TCP connections stay where they are. */
  retarget(target: Target): void;
}

/** What both protocols need to listen. */
export interface ListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly target: Target;
  readonly clock: Clock;
  readonly log: Logger;
}
