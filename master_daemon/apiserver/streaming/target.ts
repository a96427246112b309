import type { Duplex } from "node:stream";
import type { Status } from "../../../core/api/status.ts";

/** exec or attach: a running connection to the node, which speaks the frames of `core/client/channel_frames.ts`. */
export interface ChannelsTarget {
  readonly kind: "channels";
  readonly node: Duplex;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** port-forward: connections to the pod are opened one by one. */
export interface PortForwardTarget {
  readonly kind: "portforward";
  /** Ports that the request itself named; only WebSocket clients without SPDY do. */
  readonly ports: readonly number[];
  /** For messages: `pod NAME, uid UID`. */
  readonly pod: string;
  /** A connection to a port of the pod. @throws StatusError when the node refuses */
  dial(port: number): Promise<Duplex>;
}

/** What a stream of a pod is to be joined with, after everything about the request was checked. */
export type StreamTarget = ChannelsTarget | PortForwardTarget;

/** What clients are told when the node went away before it said how the command ended. */
export const lostNode: Status = {
  apiVersion: "v1",
  kind: "Status",
  metadata: {},
  status: "Failure",
  message: "Internal error occurred: error executing command in container: the connection to the node was lost",
  reason: "InternalError",
  code: 500,
};
