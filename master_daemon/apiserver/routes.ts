import { StatusError } from "../../core/api/status.ts";

/** A request about a resource: `/api/v1/…` or `/apis/GROUP/VERSION/…`. */
export interface ResourceRoute {
  readonly type: "resource";
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  /** Plural, as it stands in the path. */
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource. */
  readonly rest: readonly string[];
  /** For the subresource `proxy`: the path that is asked of the backend, as it was sent; `""` when there is none. */
  readonly proxyPath: string | undefined;
}

/** Any other path. */
export interface PathRoute {
  readonly type: "path";
  readonly segments: readonly string[];
}

/** Where a request goes. Everything after this point, authorization included, sees the same route. */
export interface Route {
  readonly target: ResourceRoute | PathRoute;
  readonly query: URLSearchParams;
}

/** Longer request lines are refused. */
const maxPathBytes = 16 * 1024;

/**
 * Reads a request line's path, strictly: what could be understood in two ways is refused.
 *
 * @throws StatusError BadRequest for broken escapes, escaped slashes or NULs, dot segments, and overlong paths
 */
export function parseRoute(path: string): Route {
  if (path.length > maxPathBytes) throw StatusError.badRequest("the request path is too long");
  const mark = path.indexOf("?");
  const rawPath = mark < 0 ? path : path.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : path.slice(mark + 1));
  if (!rawPath.startsWith("/")) throw StatusError.badRequest("the request path must begin with a slash");
  const raw = rawPath.slice(1).split("/");
  // The older way to ask for a watch.
  const root = raw[0] === "api" ? 2 : 3;
  if ((raw[0] === "api" || raw[0] === "apis") && raw[root] === "watch" && raw.length > root + 1) {
    raw.splice(root, 1);
    query.set("watch", "true");
  }
  const end = endOfProxied(raw);
  if (end !== undefined) {
    const behind = raw.splice(end);
    const route = resourceRoute(raw.map(decodeSegment));
    if (route) return { target: { ...route, proxyPath: proxyPath(behind) }, query };
  }
  if (raw.at(-1) === "") raw.pop();
  const segments = raw.map(decodeSegment);
  return { target: resourceRoute(segments) ?? { type: "path", segments }, query };
}

/** Number of segments up to the subresource `proxy` of an object; undefined when the path leads to none. */
function endOfProxied(raw: readonly string[]): number | undefined {
  const root = raw[0] === "api" ? 2 : 3;
  if (raw[0] !== "api" && raw[0] !== "apis") return undefined;
  const object = raw[root] === "namespaces" && raw.length > root + 3 && raw[root + 2] !== "proxy" ? root + 2 : root;
  return raw[object + 2] === "proxy" ? object + 3 : undefined;
}

/** The backend's part of the path, untouched: what it means is the backend's business, but it may not climb. */
function proxyPath(behind: readonly string[]): string {
  for (const segment of behind) decodeSegment(segment.replaceAll(/%2f/gi, "_"));
  return behind.length === 0 ? "" : `/${behind.join("/")}`;
}

function decodeSegment(raw: string): string {
  let segment = raw;
  try {
    if (raw.includes("%")) segment = decodeURIComponent(raw);
  } catch {
    throw StatusError.badRequest("the request path has an invalid escape");
  }
  if (segment === "." || segment === ".." || /[/\\\0]/.test(segment))
    throw StatusError.badRequest("the request path has an invalid segment");
  return segment;
}

function resourceRoute(segments: readonly string[]): ResourceRoute | undefined {
  const [root, first = "", second = ""] = segments;
  if (segments.includes("")) return undefined;
  if (root === "api" && segments.length > 2) return underVersion("", first, segments.slice(2));
  if (root === "apis" && segments.length > 3) return underVersion(first, second, segments.slice(3));
  return undefined;
}

function underVersion(group: string, version: string, path: readonly string[]): ResourceRoute {
  const [first = "", second, third] = path;
  // /namespaces/NAME/status is about the namespace; /namespaces/NAME/pods is inside it.
  const isNamespaceItself = path.length <= 2 || (path.length === 3 && (third === "status" || third === "finalize"));
  if (first === "namespaces" && !isNamespaceItself) {
    return routeOf({ group, version, namespace: second }, path.slice(2));
  }
  return routeOf({ group, version, namespace: undefined }, path);
}

function routeOf(
  { group, version, namespace }: Pick<ResourceRoute, "group" | "version" | "namespace">,
  path: readonly string[],
): ResourceRoute {
  const [resource = "", name, subresource] = path;
  const rest = path.slice(3);
  return { type: "resource", group, version, namespace, resource, name, subresource, rest, proxyPath: undefined };
}
