import type { Clock } from "../../core/util/clock.ts";
import type { Balancer } from "./balancers/balancer.ts";
import type { Endpoint } from "./rules.ts";

/** Options of {@linkcode clientIpAffinity}. */
export interface AffinityOptions {
  /** How long a client keeps its endpoint after its last connection. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, "monotonic">;
  /** Clients remembered at most; the longest quiet is forgotten first. Default 65536. */
  readonly maxClients?: number;
}

/**
 * Sends a client's connections to the endpoint it had last, while that endpoint is there.
 *
 * @see https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity
 */
export function clientIpAffinity(
  inner: Balancer,
  { timeoutMs, clock, maxClients = 65_536 }: AffinityOptions,
): Balancer {
  // Kept in order of last use: the first key is the one that was quiet longest.
  const clients = new Map<string, { readonly endpoint: Endpoint; readonly usedAt: number }>();
  return {
    name: inner.name,
    pick(endpoints, clientAddress) {
      const now = clock.monotonic();
      const known = clients.get(clientAddress);
      const kept =
        known && now - known.usedAt <= timeoutMs
          ? endpoints.find(({ ip, port }) => ip === known.endpoint.ip && port === known.endpoint.port)
          : undefined;
      const endpoint = kept ?? inner.pick(endpoints, clientAddress);
      clients.delete(clientAddress);
      if (endpoint) clients.set(clientAddress, { endpoint, usedAt: now });
      if (clients.size > maxClients) {
        const oldest = clients.keys().next();
        if (!oldest.done) clients.delete(oldest.value);
      }
      return endpoint;
    },
  };
}
