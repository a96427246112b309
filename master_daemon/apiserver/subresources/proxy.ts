import { StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { node as nodeKind } from "../../../core/kinds/node.ts";
import { parseBackendName } from "../proxy/backend_name.ts";
import { podBackend, serviceBackend } from "../proxy/backends.ts";
import { type Backend, forward, openTunnel, type TunnelAnswer } from "../proxy/http_proxy.ts";
import { hasLinks, maxLinkedBytes, rewriteLinks, rewriteLocation } from "../proxy/rewrite_links.ts";
import type { ResourceRequest } from "../services.ts";
import { admitConnect } from "./admit_connect.ts";

type ProxyRequest = Pick<ResourceRequest, "request" | "route" | "services" | "signal">;

/**
 * `/proxy` of pods, services and nodes: HTTP to what runs in the cluster, for whoever reaches only the API server.
 *
 * @see https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
 */
export async function proxy(r: ResourceRequest): Promise<ApiResponse> {
  const { request, signal } = r;
  const { path, prefix } = pathsOf(r);
  const isRead = request.method === "GET" || request.method === "HEAD";
  // Links that are relative to the backend's root need a slash behind them.
  if (r.route.proxyPath === "" && isRead)
    return { status: 301, headers: { location: `${prefix}/${searchOf(request.path)}` }, body: new Uint8Array() };
  await admitConnect(r);
  if (r.route.resource === "nodes") return askNode(r, path);
  const backend = await backendOf(r);
  const response = await forward(backend, { request, path, headers: forwardedFor(r), signal });
  return withLinks(response, { prefix, host: backend.host });
}

/**
 * Upgrades the connection through `/proxy`.
 *
 * @throws StatusError
 */
export async function connectProxy(r: ProxyRequest): Promise<TunnelAnswer> {
  if (r.route.resource === "nodes") throw StatusError.badRequest("node daemons are not upgraded to through the proxy");
  const { request, signal } = r;
  const backend = await backendOf(r);
  return openTunnel(backend, { request, path: pathsOf(r).path, headers: forwardedFor(r), signal });
}

function backendOf(r: ProxyRequest): Promise<Backend> {
  const name = parseBackendName(r.route.name ?? "");
  return r.route.resource === "pods" ? podBackend(r, name) : serviceBackend(r, name);
}

/** What is asked of the backend, and what stands before it in the client's path. */
function pathsOf({ request, route }: ProxyRequest): { readonly path: string; readonly prefix: string } {
  const { proxyPath = "" } = route;
  const [own = ""] = request.path.split("?", 1);
  return {
    path: `${proxyPath || "/"}${searchOf(request.path)}`,
    prefix: own.slice(0, own.length - proxyPath.length),
  };
}

function searchOf(path: string): string {
  const mark = path.indexOf("?");
  return mark < 0 ? "" : path.slice(mark);
}

function forwardedFor(r: ProxyRequest): Readonly<Record<string, string>> {
  return {
    "x-forwarded-host": r.request.headers["host"] ?? "",
    "x-forwarded-proto": "https",
    "x-forwarded-uri": pathsOf(r).prefix + (r.route.proxyPath ?? ""),
  };
}

async function askNode({ services, route, request, signal }: ResourceRequest, path: string): Promise<ApiResponse> {
  const { name, port } = parseBackendName(route.name ?? "");
  const { object } = await services.registries.for(nodeKind).get({ name });
  const own = object.status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (port !== "" && port !== String(own))
    throw StatusError.badRequest(`address not allowed: only the node daemon's own port ${own ?? ""} is proxied to`);
  if (request.method !== "GET") throw StatusError.methodNotAllowed();
  return services.nodes.request(object, path, { signal });
}

/** Has redirects and links lead through the proxy. */
function withLinks(
  { status, headers, body }: ApiResponse,
  through: { readonly prefix: string; readonly host: string },
): ApiResponse {
  const location = headers["location"];
  const moved = typeof location === "string" ? { ...headers, location: rewriteLocation(location, through) } : headers;
  if (!hasLinks(headers)) return { status, headers: moved, body };
  const { "content-length": _length, ...rest } = moved;
  return { status, headers: rest, body: rewritten(body, through.prefix) };
}

/** A document with its links rewritten, unless it turns out to be too long for that. */
async function* rewritten(body: ApiResponse["body"], prefix: string): AsyncGenerator<Uint8Array, void, void> {
  const waiting: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    if (size > maxLinkedBytes) {
      yield chunk;
      continue;
    }
    waiting.push(chunk);
    size += chunk.length;
    if (size > maxLinkedBytes) yield Buffer.concat(waiting);
  }
  // As bytes, whatever the charset: addresses are ASCII.
  if (size <= maxLinkedBytes)
    yield Buffer.from(rewriteLinks(Buffer.concat(waiting).toString("latin1"), prefix), "latin1");
}
