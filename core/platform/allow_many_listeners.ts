import { setMaxListeners } from "node:events";

/**
 * Lets any number of waiters listen to `signal`, without Node's warning of a leak after the tenth: one signal ends
 * many calls here, and each takes its listener away when it is done.
 */
export function allowManyListeners(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}
