import { StatusError } from "../../../core/api/status.ts";

type PlainVerb =
  | "healthz"
  | "pods"
  | "runningPods"
  | "configz"
  | "metrics"
  | "resourceMetrics"
  | "cadvisorMetrics"
  | "probeMetrics"
  | "spec";

/** What a request asks of the node daemon. */
export type Route =
  | { readonly verb: PlainVerb }
  | { readonly verb: "summary"; readonly query: URLSearchParams }
  /** The path behind `/logs/`, as it was sent. */
  | { readonly verb: "systemLogs"; readonly path: string }
  | { readonly verb: "portForward"; readonly namespace: string; readonly pod: string; readonly query: URLSearchParams }
  | {
      readonly verb: "containerLogs" | "exec" | "attach";
      readonly namespace: string;
      readonly pod: string;
      readonly container: string;
      readonly query: URLSearchParams;
    };

/** A route to a container. */
export type ContainerRoute = Extract<Route, { readonly container: string }>;

/** Paths without names. A slash at their end changes nothing. */
const plainVerbs: ReadonlyMap<string, PlainVerb | "summary"> = new Map([
  ["/healthz", "healthz"],
  // The daemon is one: when it answers, all of it does.
  ["/healthz/ping", "healthz"],
  ["/healthz/log", "healthz"],
  ["/healthz/syncloop", "healthz"],
  ["/pods", "pods"],
  ["/runningpods", "runningPods"],
  ["/configz", "configz"],
  ["/metrics", "metrics"],
  ["/metrics/resource", "resourceMetrics"],
  ["/metrics/cadvisor", "cadvisorMetrics"],
  ["/metrics/probes", "probeMetrics"],
  ["/spec", "spec"],
  ["/stats/summary", "summary"],
]);

const name = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * Reads the target of a request. Only what is named here is served.
 *
 * @throws StatusError NotFound for anything else
 */
export function parseRoute(target: string): Route {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1));
  const plain = plainVerbs.get(path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path);
  if (plain === "summary") return { verb: plain, query };
  if (plain !== undefined) return { verb: plain };
  if (path === "/logs" || path.startsWith("/logs/")) return { verb: "systemLogs", path: path.slice("/logs/".length) };
  const [empty, verb, ...names] = path.split("/");
  const [namespace = "", pod = "", container = ""] = names;
  if (empty === "" && names.every((part) => name.test(part))) {
    if (verb === "portForward" && names.length === 2) return { verb, namespace, pod, query };
    if ((verb === "containerLogs" || verb === "exec" || verb === "attach") && names.length === 3) {
      return { verb, namespace, pod, container, query };
    }
  }
  throw new StatusError(404, "NotFound", "the server could not find the requested resource");
}

/** A boolean of a query. @throws StatusError BadRequest when it is none */
export function booleanParameter(query: URLSearchParams, key: string): boolean {
  const text = query.get(key);
  if (text === null || text === "false" || text === "0") return false;
  if (text === "true" || text === "1" || text === "") return true;
  throw StatusError.badRequest(`invalid value ${JSON.stringify(text)} for ${key}: expected true or false`);
}

/** A whole number of a query; undefined when absent. @throws StatusError BadRequest when it is none or too small */
export function integerParameter(query: URLSearchParams, key: string, least: number): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  const value = Number(text);
  if (!/^-?\d{1,15}$/.test(text) || value < least) {
    throw StatusError.badRequest(
      `invalid value ${JSON.stringify(text.slice(0, 64))} for ${key}: expected a whole number of at least ${least}`,
    );
  }
  return value;
}
