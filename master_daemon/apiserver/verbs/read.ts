import { StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { booleanParameter, integerParameter, resourceVersionParameter, selection } from "../query.ts";
import { listResponse, objectResponse } from "../respond.ts";
import { type ResourceRequest, routeKey } from "../services.ts";
import { watchResponse } from "../watch.ts";

/** GET on an object. */
export async function get(r: ResourceRequest): Promise<ApiResponse> {
  resourceVersionParameter(r.query);
  return objectResponse(r.kind, await r.registry.get(routeKey(r)), 200, r.form);
}

/** GET on a collection. */
export async function list(r: ResourceRequest): Promise<ApiResponse> {
  const { query } = r;
  if (query.has("sendInitialEvents"))
    throw invalidListOptions("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list");
  const limit = integerParameter(query, "limit");
  const resourceVersion = resourceVersionParameter(query);
  const page = await r.registry.list({
    ...selection(r.kind, r.route.namespace, query),
    limit: limit !== undefined && limit > 0 ? limit : undefined,
    continue: query.get("continue") || undefined,
    resourceVersion,
    resourceVersionMatch: resourceVersionMatch(query, resourceVersion),
  });
  return listResponse(r.kind, page, r.form);
}

/** GET with `watch` on a collection, or on one object. */
export async function watch(r: ResourceRequest): Promise<ApiResponse> {
  const { query, services } = r;
  const resourceVersion = resourceVersionParameter(query);
  const sendInitialEvents = query.has("sendInitialEvents") ? booleanParameter(query, "sendInitialEvents") : undefined;
  const match = query.get("resourceVersionMatch") ?? "";
  if (sendInitialEvents !== undefined && match !== "NotOlderThan")
    throw invalidListOptions(
      "resourceVersionMatch",
      match === ""
        ? "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        : `Unsupported value: ${JSON.stringify(match)}: supported values: "NotOlderThan"`,
    );
  if (sendInitialEvents === undefined && match !== "")
    throw invalidListOptions(
      "resourceVersionMatch",
      "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    );
  const timeoutSeconds = integerParameter(query, "timeoutSeconds");
  const { minRequestTimeoutSeconds: least, random } = services;
  return watchResponse({
    kind: r.kind,
    registry: r.registry,
    watch: {
      ...selection(r.kind, r.route.namespace, query, r.route.name),
      resourceVersion,
      sendInitialEvents,
      bookmarks: booleanParameter(query, "allowWatchBookmarks"),
    },
    form: r.form,
    timeoutMs: (timeoutSeconds !== undefined && timeoutSeconds > 0 ? timeoutSeconds : least * (1 + random())) * 1000,
    signal: r.signal,
    closing: services.closing,
    clock: services.clock,
    log: services.log,
  });
}

function resourceVersionMatch(
  query: URLSearchParams,
  resourceVersion: string | undefined,
): "Exact" | "NotOlderThan" | undefined {
  const match = query.get("resourceVersionMatch") ?? "";
  if (match === "") return undefined;
  if (match !== "Exact" && match !== "NotOlderThan")
    throw invalidListOptions(
      "resourceVersionMatch",
      `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
    );
  if (query.get("continue"))
    throw invalidListOptions(
      "resourceVersionMatch",
      "Forbidden: resourceVersionMatch is forbidden when continue is provided",
    );
  if (resourceVersion === undefined)
    throw invalidListOptions(
      "resourceVersionMatch",
      "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    );
  if (match === "Exact" && resourceVersion === "0")
    throw invalidListOptions(
      "resourceVersionMatch",
      'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    );
  return match;
}

function invalidListOptions(field: string, message: string): StatusError {
  const type = message.startsWith("Forbidden") ? "Forbidden" : "NotSupported";
  return StatusError.invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", [{ type, field, message }]);
}
