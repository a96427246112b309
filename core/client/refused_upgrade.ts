import { StatusError } from "../api/status.ts";

/**
 * Whether a server that refused a WebSocket may still speak SPDY: whom it does not know, or what is not there, is the same
 * whichever way one asks.
 */
export function isRefusedUpgrade(error: unknown): error is StatusError {
  return error instanceof StatusError && error.code !== 401 && error.code !== 404;
}
