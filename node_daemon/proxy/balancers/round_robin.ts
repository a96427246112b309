import type { Balancer } from "./balancer.ts";

/** Each endpoint in turn. */
export function roundRobin(): Balancer {
  let turn = 0;
  return {
    name: "round-robin",
    pick(endpoints) {
      if (endpoints.length === 0) return undefined;
      const endpoint = endpoints[turn % endpoints.length];
      turn = (turn + 1) % Number.MAX_SAFE_INTEGER;
      return endpoint;
    },
  };
}
