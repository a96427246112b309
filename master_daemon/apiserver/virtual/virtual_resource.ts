import type { ApiResponse } from "../../../core/client/transport.ts";
import type { ResourceRequest } from "../services.ts";

/** A request about a resource that is never stored. */
export type VirtualRequest = Omit<ResourceRequest, "kind" | "registry">;

/** A resource that is created, answered and forgotten. One file each, listed in `mod.ts`. */
export interface VirtualResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Served, but not told of by discovery: for old clients that know the path. */
  readonly hidden?: true;
  /** Definition in the OpenAPI data. */
  readonly schema: string;
  /** Answers a POST on the collection. @throws StatusError */
  serve(r: VirtualRequest): Promise<ApiResponse>;
}
