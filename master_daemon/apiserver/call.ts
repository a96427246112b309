import { parseFieldSelector } from "../../core/api/fields.ts";
import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest } from "../../core/client/transport.ts";
import type { Attributes, ResourceAttributes } from "../authorization/authorizer.ts";
import { booleanParameter } from "./query.ts";
import { parseRoute, type ResourceRoute, type Route } from "./routes.ts";
import { connectSubresources } from "./subresources/connect.ts";

/** What a request asks for, read once. */
export interface Call {
  readonly route: Route;
  readonly verb: string;
  readonly attributes: Attributes;
  /** Watches, logs and what is proxied: not counted among the requests in flight. */
  readonly isLong: boolean;
  readonly isWrite: boolean;
  /** Answered without credentials too. */
  readonly isPublic: boolean;
}

const publicPaths = new Set(["healthz", "livez", "readyz", "version"]);

const methods = new Map([
  ["GET", "get"],
  ["HEAD", "get"],
  ["POST", "create"],
  ["PUT", "update"],
  ["PATCH", "patch"],
  ["DELETE", "delete"],
]);

/** @throws StatusError for a path or method that is never served */
export function callOf(request: ApiRequest): Call {
  const route = parseRoute(request.path);
  const { target, query } = route;
  const plain = methods.get(request.method);
  if (plain === undefined) throw StatusError.methodNotAllowed();
  const isWrite = plain !== "get";
  if (target.type === "path") {
    const path = `/${target.segments.join("/")}`;
    const attributes: Attributes = { type: "path", verb: request.method.toLowerCase(), path };
    const isPublic = publicPaths.has(target.segments[0] ?? "");
    return { route, verb: plain, attributes, isLong: false, isWrite, isPublic };
  }
  const verb = verbOf(plain, target, query);
  const isStreamed = target.subresource === "log" || target.subresource === "proxy";
  return {
    route,
    verb,
    attributes: selected(attributesOf(target, verb), query),
    isLong: verb === "watch" || isStreamed,
    isWrite,
    isPublic: false,
  };
}

function verbOf(plain: string, { name, subresource }: ResourceRoute, query: URLSearchParams): string {
  if (name !== undefined) {
    const isWatch = plain === "get" && subresource === undefined && booleanParameter(query, "watch");
    return isWatch ? "watch" : plain;
  }
  if (plain === "get") return booleanParameter(query, "watch") ? "watch" : "list";
  if (plain === "delete") return "deletecollection";
  if (plain === "create") return plain;
  throw StatusError.methodNotAllowed();
}

/** What authorization looks at. */
export function attributesOf(route: ResourceRoute, verb: string): ResourceAttributes {
  const { group, version, resource, subresource, name } = route;
  // A namespace counts as being in itself: whoever has rights there may be allowed to read it.
  const namespace = route.namespace ?? (resource === "namespaces" ? name : undefined);
  return { type: "resource", verb, group, version, resource, subresource, namespace, name };
}

/** Asking for all objects of one name is asking for one. */
function selected(attributes: ResourceAttributes, query: URLSearchParams): ResourceAttributes {
  const fieldSelector = query.get("fieldSelector") ?? undefined;
  const labelSelector = query.get("labelSelector") ?? undefined;
  if (fieldSelector === undefined && labelSelector === undefined) return attributes;
  const selective = { ...attributes, fieldSelector, labelSelector };
  if (!fieldSelector || attributes.name !== undefined) return selective;
  try {
    const only = parseFieldSelector(fieldSelector).exact("metadata.name");
    return only ? { ...selective, name: only } : selective;
  } catch {
    // Refused when it is served.
    return selective;
  }
}

/** Whether the path is one of exec, attach and port-forward of a pod. */
export function isStream({
  group,
  version,
  resource,
  namespace,
  name,
  subresource = "",
  rest,
}: ResourceRoute): boolean {
  const isPod =
    group === "" && version === "v1" && resource === "pods" && namespace !== undefined && name !== undefined;
  return isPod && rest.length === 0 && connectSubresources.includes(subresource);
}

/** Whether the path is behind the proxy of a pod, service or node. */
export function isProxied({ group, version, resource, namespace, name, proxyPath }: ResourceRoute): boolean {
  if (proxyPath === undefined || group !== "" || version !== "v1" || name === undefined) return false;
  return namespace === undefined ? resource === "nodes" : resource === "pods" || resource === "services";
}
