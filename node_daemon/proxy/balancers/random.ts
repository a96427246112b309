import type { Random } from "../../../core/platform/random.ts";
import type { Balancer } from "./balancer.ts";

/** Any endpoint, all equally likely. */
export function random(options: { readonly random: Random }): Balancer {
  return {
    name: "random",
    pick: (endpoints) => endpoints[Math.floor(options.random() * endpoints.length)],
  };
}
