import type { Endpoint, EndpointSlice } from "../../core/kinds/endpoint_slice.ts";

/** An endpoint, and the slice that has its ports. */
export interface SlicedEndpoint {
  readonly endpoint: Endpoint;
  readonly slice: EndpointSlice;
}

/** What answers need of a slice. */
export interface SliceEndpoints {
  readonly all: readonly SlicedEndpoint[];
  readonly addresses: readonly string[];
  readonly byHostname: ReadonlyMap<string, readonly Endpoint[]>;
}

/** What tells an endpoint from others of its service: its own name, or its address. */
export function hostnameOf({ hostname, addresses: [address = ""] }: Endpoint): string {
  return hostname?.toLowerCase() || address.replaceAll(/[.:]/g, "-");
}

/** Slices never change, they are replaced: what was made of one is good as long as somebody has it. */
const ofReady = new WeakMap<EndpointSlice, SliceEndpoints>();
const ofAll = new WeakMap<EndpointSlice, SliceEndpoints>();

/** The endpoints of a slice that can be named: those that are ready, or all. Made once for each slice. */
export function sliceEndpoints(slice: EndpointSlice, includeNotReady: boolean): SliceEndpoints {
  const made = includeNotReady ? ofAll : ofReady;
  const known = made.get(slice);
  if (known) return known;
  const endpoints =
    slice.addressType === "FQDN"
      ? []
      : slice.endpoints.filter(({ conditions }) => includeNotReady || conditions?.ready !== false);
  const byHostname = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const name = hostnameOf(endpoint);
    const same = byHostname.get(name);
    if (same) same.push(endpoint);
    else byHostname.set(name, [endpoint]);
  }
  const all = endpoints.map((endpoint) => ({ endpoint, slice }));
  const result = { all, addresses: endpoints.flatMap(({ addresses }) => addresses), byHostname };
  made.set(slice, result);
  return result;
}
