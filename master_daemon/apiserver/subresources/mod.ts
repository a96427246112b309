import type { PartName } from "../../../core/api/kind.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import type { ResourceRequest } from "../services.ts";
import { patch } from "../verbs/patch.ts";
import { get } from "../verbs/read.ts";
import { update } from "../verbs/update.ts";
import { bind } from "./binding.ts";
import { evict } from "./eviction.ts";
import { finalize } from "./finalize.ts";
import { log } from "./log.ts";
import { proxy } from "./proxy.ts";
import { scale } from "./scale.ts";
import { requestToken } from "./token.ts";

/** Serves one subresource; asked for verbs only that `table.ts` lists. */
export type SubresourceHandler = (r: ResourceRequest, verb: string) => Promise<ApiResponse>;

/** Subresources that are answered, by name. Which kinds have them stands in `table.ts`. */
export const subresourceHandlers: ReadonlyMap<string, SubresourceHandler> = new Map<string, SubresourceHandler>([
  ["approval", (r, verb) => part(r, verb, "approval")],
  ["binding", bind],
  ["ephemeralcontainers", (r, verb) => part(r, verb, "ephemeralcontainers")],
  ["eviction", evict],
  ["finalize", finalize],
  ["log", log],
  ["proxy", proxy],
  ["resize", (r, verb) => part(r, verb, "resize")],
  ["scale", scale],
  ["status", (r, verb) => part(r, verb, "status")],
  ["token", requestToken],
]);

/** A subresource that is a part of the object itself. */
function part(r: ResourceRequest, verb: string, name: PartName | "status" | "approval"): Promise<ApiResponse> {
  if (verb === "get") return get(r);
  return verb === "update" ? update(r, name) : patch(r, name);
}
