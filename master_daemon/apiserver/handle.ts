import type { Kind } from "../../core/api/kind.ts";
import type { ApiSchema } from "../../core/api/schema.ts";
import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest, ApiResponse, MessageStream, UserInfo } from "../../core/client/transport.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { gzip, gzipStream } from "../../core/platform/gzip.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import type { AdmissionPlugin } from "../admission/plugin.ts";
import type { Registries } from "../registry/registry.ts";
import { createDiscovery } from "./discovery.ts";
import { type Authenticator, authenticate, type CertificateSubject } from "./filters/authentication.ts";
import { type Attributes, type Authorizer, authorize } from "./filters/authorization.ts";
import { InFlightLimit, type InFlightOptions } from "./filters/in_flight.ts";
import { type HealthCheck, healthResponse, versionDocument } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { negotiate } from "./negotiate.ts";
import type { NodeConnector } from "./node_connector.ts";
import { booleanParameter } from "./query.ts";
import { type AnswerForm, documentResponse, includeObjectOf, textResponse } from "./respond.ts";
import { parseRoute, type ResourceRoute, type Route } from "./routes.ts";
import type { ResourceRequest, Services } from "./services.ts";
import { messagePair } from "./streaming/message_pair.ts";
import type { StreamTarget } from "./streaming/target.ts";
import { chooseUpgrade, serveMessages, type UpgradeChoice } from "./streaming/upgrade.ts";
import { bind } from "./subresources/binding.ts";
import { connectPod, connectSubresources } from "./subresources/connect.ts";
import { subresourceHandlers } from "./subresources/mod.ts";
import { subresourcesOf, verbsOf, virtualResources } from "./subresources/table.ts";
import { create } from "./verbs/create.ts";
import { remove, removeCollection } from "./verbs/delete.ts";
import { patch } from "./verbs/patch.ts";
import { get, list, watch } from "./verbs/read.ts";
import { update } from "./verbs/update.ts";

/** Serves OpenAPI documents. */
export interface OpenApiDocuments {
  /** Undefined for a path that is none of its own. */
  respond(
    path: string,
    headers: Readonly<Record<string, string>>,
  ): ApiResponse | undefined | Promise<ApiResponse | undefined>;
}

/** Options of {@linkcode createApiHandler}. */
export interface ApiHandlerOptions {
  readonly registries: Registries;
  readonly admission: readonly AdmissionPlugin[];
  readonly schema: ApiSchema;
  readonly openApi?: OpenApiDocuments | undefined;
  readonly authenticators: readonly Authenticator[];
  readonly authorizer: Authorizer;
  readonly nodes: NodeConnector;
  readonly healthChecks?: readonly HealthCheck[] | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly limits?: InFlightOptions | undefined;
  /** Default 3 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Default 1800. */
  readonly minRequestTimeoutSeconds?: number | undefined;
}

/** Who a request is from, and until when it is wanted. */
export interface RequestContext {
  /** Set by callers in the process: nothing is authenticated then. */
  readonly user?: UserInfo | undefined;
  /** Subject of a client certificate that the listener verified. */
  readonly certificate?: CertificateSubject | undefined;
  readonly signal: AbortSignal;
}

/** What becomes of a request to upgrade: it may go on, or it is answered. */
export type ConnectAnswer =
  | { readonly choice: UpgradeChoice; readonly target: StreamTarget }
  | { readonly response: ApiResponse };

/** The API, without sockets. */
export interface ApiHandler {
  /** Answers a request. Never rejects: failures are Status objects. */
  handle(request: ApiRequest, context: RequestContext): Promise<ApiResponse>;
  /** Checks a request to upgrade and opens the node's end of it. Never rejects. */
  connect(request: ApiRequest, context: RequestContext): Promise<ConnectAnswer>;
  /** As {@linkcode connect}, for callers in the process: a stream that speaks one of `protocols`. @throws StatusError */
  upgrade(
    request: ApiRequest,
    context: RequestContext & { readonly protocols: readonly string[] },
  ): Promise<MessageStream>;
  /** Ends watches and logs, now and from now on: the server is about to close. */
  endStreams(): void;
}

const gzipAboveBytes = 128 * 1024;
const publicPaths = new Set(["healthz", "livez", "readyz", "version"]);

/** Makes the API over its registries. */
export function createApiHandler(options: ApiHandlerOptions): ApiHandler {
  const closing = new AbortController();
  // Every open watch and log listens.
  allowManyListeners(closing.signal);
  const { registries, clock, log, authenticators, authorizer } = options;
  const services: Services = {
    registries,
    admission: options.admission,
    schema: options.schema,
    nodes: options.nodes,
    clock,
    random: options.random,
    log,
    maxBodyBytes: options.maxBodyBytes ?? 3 * 1024 * 1024,
    minRequestTimeoutSeconds: options.minRequestTimeoutSeconds ?? 1800,
    closing: closing.signal,
  };
  const kinds = new Map(
    registries.kinds.map((kind): [string, Kind] => [`${kind.group}/${kind.version}/${kind.plural}`, kind]),
  );
  const groupVersions = new Set(registries.kinds.map((kind) => `${kind.group}/${kind.version}`));
  const discovery = createDiscovery(registries.kinds);
  const metrics = new Metrics();
  const inFlight = new InFlightLimit(options.limits);

  /** Every request, from outside in: what is refused early costs little. */
  async function handle(request: ApiRequest, context: RequestContext): Promise<ApiResponse> {
    const auditId = randomUuid();
    const startedAt = clock.monotonic();
    const warnings: string[] = [];
    let call: Call | undefined;
    let response: ApiResponse;
    try {
      call = callOf(request);
      const { isLong, isWrite, isPublic } = call;
      const user = await identify(request, context);
      if (!user && !isPublic) throw StatusError.unauthorized();
      if (user) await authorize(authorizer, user, call.attributes);
      const serve = dispatch.bind(undefined, call, request, { user, signal: context.signal, warnings });
      // As Kubernetes' priority level "exempt": what keeps the cluster going is not refused because others ask for much.
      const isUnlimited = isLong || user?.groups.includes("system:masters");
      response = isUnlimited ? await serve() : await inFlight.run(isWrite ? "write" : "read", serve);
    } catch (error) {
      response = failure(error, { request, auditId, signal: context.signal });
    }
    observe(call, response.status, (clock.monotonic() - startedAt) / 1000);
    return finish(response, { request, auditId, warnings });
  }

  /** Undefined when the request shows no credentials. @throws StatusError Unauthorized when they are wrong */
  async function identify(request: ApiRequest, context: RequestContext): Promise<UserInfo | undefined> {
    const { certificate } = context;
    const user = context.user ?? (await authenticate(authenticators, { headers: request.headers, certificate }));
    // Acting as oneself where somebody else was asked for would be worse than refusing.
    if (user && Object.keys(request.headers).some((name) => name.startsWith("impersonate-")))
      throw new StatusError(403, "Forbidden", "impersonation is not available yet", {});
    return user;
  }

  async function dispatch(call: Call, request: ApiRequest, work: Work): Promise<ApiResponse> {
    const { target, query } = call.route;
    if (target.type === "path") return servePath(target.segments, query, request);
    const { user } = work;
    if (!user) throw StatusError.unauthorized();
    if (!groupVersions.has(`${target.group}/${target.version}`)) return notFoundPage();
    return serveResource(target, { ...call, query }, request, { ...work, user });
  }

  async function servePath(
    segments: readonly string[],
    query: URLSearchParams,
    request: ApiRequest,
  ): Promise<ApiResponse> {
    const [first = ""] = segments;
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (segments.includes("") && segments.length > 0) return notFoundPage();
    if (first === "openapi" && isRead)
      return (await options.openApi?.respond(request.path, request.headers)) ?? notFoundPage();
    const answer = pathAnswer(segments, query, request);
    if (!answer) return notFoundPage();
    if (!isRead) throw StatusError.methodNotAllowed();
    return answer();
  }

  function pathAnswer(
    segments: readonly string[],
    query: URLSearchParams,
    request: ApiRequest,
  ): (() => ApiResponse) | undefined {
    const [first = "", second] = segments;
    const form = { representation: { format: "json" } as const, pretty: isPretty(query, request) };
    if (segments.length === 0) return () => documentResponse({ paths: rootPaths(groupVersions) }, 200, form);
    if (first === "healthz" || first === "livez" || first === "readyz") {
      const checks = allHealthChecks();
      if (second === undefined) return () => healthResponse(first, query, checks);
      const one = checks.filter(({ name }) => name === second);
      return segments.length === 2 && one.length > 0 ? () => healthResponse(first, query, one) : undefined;
    }
    if (segments.length === 1 && first === "version") return () => documentResponse(versionDocument(), 200, form);
    if (segments.length === 1 && first === "metrics") return () => textResponse(metrics.render(gauges()));
    const document = discovery.respond(segments, request.headers);
    return document && (() => document);
  }

  function allHealthChecks(): readonly HealthCheck[] {
    return [
      { name: "ping", live: true, check: () => undefined },
      { name: "shutdown", live: false, check: () => (closing.signal.aborted ? "process is shutting down" : undefined) },
      ...(options.healthChecks ?? []),
    ];
  }

  function gauges(): Record<string, number> {
    const { read, write } = inFlight.running;
    return {
      'apiserver_current_inflight_requests{request_kind="readOnly"}': read,
      'apiserver_current_inflight_requests{request_kind="mutating"}': write,
      wherry_store_revision: registries.revision,
    };
  }

  async function serveResource(
    route: ResourceRoute,
    { verb, query }: Pick<Call, "verb"> & { readonly query: URLSearchParams },
    request: ApiRequest,
    { user, signal, warnings }: Work & { readonly user: UserInfo },
  ): Promise<ApiResponse> {
    const form: AnswerForm = {
      representation: negotiate(request.headers["accept"]),
      pretty: isPretty(query, request),
      includeObject: includeObjectOf(query),
      now: clock.now(),
    };
    const common = { request, route, query, user, signal, form, services, warnings };
    if (isVirtual(route)) {
      if (verb !== "create" || route.name !== undefined) throw StatusError.methodNotAllowed();
      return bind(common);
    }
    const kind = kindOf(route);
    const r: ResourceRequest = { ...common, kind, registry: registries.for(kind) };
    if (route.subresource !== undefined) return serveSubresource(r, verb);
    checkVerb(r, verb);
    switch (verb) {
      case "get":
        return get(r);
      case "list":
        return list(r);
      case "watch":
        return watch(r);
      case "create":
        return create(r);
      case "update":
        return update(r);
      case "patch":
        return patch(r);
      case "delete":
        return remove(r);
      case "deletecollection":
        return removeCollection(r);
      default:
        throw StatusError.methodNotAllowed();
    }
  }

  function isVirtual({ group, version, resource, namespace }: ResourceRoute): boolean {
    return virtualResources.some(
      (one) =>
        one.group === group &&
        one.version === version &&
        one.plural === resource &&
        one.namespaced === (namespace !== undefined),
    );
  }

  /** The kind that a path is about. @throws StatusError NotFound when there is none, or the path leaves out its namespace or has one too many */
  function kindOf({ group, version, resource, namespace, name, rest }: ResourceRoute): Kind {
    const kind = kinds.get(`${group}/${version}/${resource}`);
    const isWellScoped = kind?.namespaced ? namespace !== undefined || name === undefined : namespace === undefined;
    if (!kind || !isWellScoped || rest.length > 0) throw noSuchResource();
    return kind;
  }

  function checkVerb({ kind, route }: ResourceRequest, verb: string): void {
    const isAcrossNamespaces = kind.namespaced && route.namespace === undefined;
    if (!verbsOf(kind).includes(verb) || (isAcrossNamespaces && verb !== "list" && verb !== "watch"))
      throw StatusError.methodNotAllowed();
  }

  function serveSubresource(r: ResourceRequest, verb: string): Promise<ApiResponse> {
    const entry = subresourcesOf(r.kind).find(({ name }) => name === r.route.subresource);
    if (!entry) throw noSuchResource();
    if (!entry.verbs.includes(verb)) throw StatusError.methodNotAllowed();
    const serve = subresourceHandlers.get(entry.name);
    // What is only ever upgraded has no answer of its own.
    if (!serve) throw StatusError.badRequest("Upgrade request required");
    return serve(r, verb);
  }

  function failure(
    error: unknown,
    {
      request,
      auditId,
      signal,
    }: { readonly request: ApiRequest; readonly auditId: string; readonly signal: AbortSignal },
  ): ApiResponse {
    if (!(error instanceof StatusError) && !signal.aborted)
      log.error("Cannot serve a request", {
        method: request.method,
        path: request.path.split("?", 1)[0]?.slice(0, 200),
        auditId,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    // What went wrong inside is told to the log only.
    const { status } =
      error instanceof StatusError ? error : StatusError.internal(`see the server's log for audit ID ${auditId}`);
    const form = { representation: { format: "json" } as const, pretty: isReadByPeople(request) };
    const response = documentResponse(status, status.code, form);
    const retryAfter = status.details?.retryAfterSeconds;
    if (retryAfter === undefined) return response;
    return { ...response, headers: { ...response.headers, "retry-after": String(retryAfter) } };
  }

  function observe(call: Call | undefined, code: number, seconds: number): void {
    const target = call?.route.target;
    const kind =
      target?.type === "resource" ? kinds.get(`${target.group}/${target.version}/${target.resource}`) : undefined;
    const subresource = target?.type === "resource" ? (target.subresource ?? "") : "";
    const known = kind && (subresource === "" || subresourcesOf(kind).some(({ name }) => name === subresource));
    metrics.observe(
      {
        verb: (call?.verb ?? "unknown").toUpperCase(),
        group: known ? kind.group : "",
        version: known ? kind.version : "",
        resource: known ? kind.plural : "",
        subresource: known ? subresource : "",
        code,
      },
      call?.isLong ? undefined : seconds,
    );
  }

  async function connect(request: ApiRequest, context: RequestContext): Promise<ConnectAnswer> {
    const auditId = randomUuid();
    try {
      const { target, query } = parseRoute(request.path);
      if (target.type !== "resource" || !isStream(target))
        throw StatusError.badRequest("this path is not served over upgraded connections");
      const user = await identify(request, context);
      if (!user) throw StatusError.unauthorized();
      // Whatever the method: what runs a command is a create.
      await authorize(authorizer, user, { ...attributesOf(target), verb: "create" });
      const choice = chooseUpgrade(request.headers, target.subresource ?? "");
      const { signal } = context;
      const stream = await connectPod({ request, route: target, query, user, signal, services, warnings: [] });
      return { choice, target: stream };
    } catch (error) {
      const response = failure(error, { request, auditId, signal: context.signal });
      return { response: await finish(response, { request, auditId, warnings: [] }) };
    }
  }

  return {
    handle,
    connect,
    async upgrade(request, { protocols, ...context }) {
      const headers = { ...request.headers, upgrade: "websocket", "sec-websocket-protocol": protocols.join(", ") };
      const answer = await connect({ ...request, headers }, context);
      if ("response" in answer) throw await statusErrorOf(answer.response);
      const [near, far] = messagePair(answer.choice.protocol);
      context.signal.addEventListener("abort", () => near.close(), { once: true });
      void serveMessages(far, answer.target);
      return near;
    },
    endStreams: () => closing.abort(new DOMException("The server is shutting down", "AbortError")),
  };
}

interface Work {
  readonly user: UserInfo | undefined;
  readonly signal: AbortSignal;
  readonly warnings: string[];
}

/** What a request asks for, read once. */
interface Call {
  readonly route: Route;
  readonly verb: string;
  readonly attributes: Attributes;
  /** Watches and logs: not counted among the requests in flight. */
  readonly isLong: boolean;
  readonly isWrite: boolean;
  /** Answered without credentials too. */
  readonly isPublic: boolean;
}

const methods = new Map([
  ["GET", "get"],
  ["HEAD", "get"],
  ["POST", "create"],
  ["PUT", "update"],
  ["PATCH", "patch"],
  ["DELETE", "delete"],
]);

function callOf(request: ApiRequest): Call {
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
  const isLog = target.subresource === "log";
  return {
    route,
    verb,
    attributes: { ...attributesOf(target), verb },
    isLong: verb === "watch" || isLog,
    isWrite,
    isPublic: false,
  };
}

function verbOf(plain: string, { name }: ResourceRoute, query: URLSearchParams): string {
  if (name !== undefined) return plain;
  if (plain === "get") return booleanParameter(query, "watch") ? "watch" : "list";
  if (plain === "delete") return "deletecollection";
  if (plain === "create") return plain;
  throw StatusError.methodNotAllowed();
}

function attributesOf({ group, version, resource, subresource, namespace, name }: ResourceRoute) {
  return { type: "resource", group, version, resource, subresource, namespace, name } as const;
}

/** Whether the path is one of exec, attach and port-forward of a pod. */
function isStream({ group, version, resource, namespace, name, subresource = "", rest }: ResourceRoute): boolean {
  const isPod =
    group === "" && version === "v1" && resource === "pods" && namespace !== undefined && name !== undefined;
  return isPod && rest.length === 0 && connectSubresources.includes(subresource);
}

function noSuchResource(): StatusError {
  return new StatusError(404, "NotFound", "the server could not find the requested resource", {});
}

function notFoundPage(): ApiResponse {
  return textResponse("404 page not found\n", 404);
}

function isPretty(query: URLSearchParams, request: ApiRequest): boolean {
  return query.has("pretty") ? booleanParameter(query, "pretty") : isReadByPeople(request);
}

function isReadByPeople({ headers }: ApiRequest): boolean {
  return /^(curl|Wget|Mozilla)\//.test(headers["user-agent"] ?? "");
}

function rootPaths(groupVersions: ReadonlySet<string>): readonly string[] {
  const groups = [...groupVersions].filter((text) => !text.startsWith("/"));
  const paths = groups.flatMap((text) => [`/apis/${text.split("/", 1)[0]}`, `/apis/${text}`]);
  const others = [
    "/api",
    "/api/v1",
    "/apis",
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
  ];
  return [...new Set([...others, ...paths])].sort();
}

/** Puts on what every answer carries. */
async function finish(
  response: ApiResponse,
  {
    request,
    auditId,
    warnings,
  }: { readonly request: ApiRequest; readonly auditId: string; readonly warnings: readonly string[] },
): Promise<ApiResponse> {
  const headers: Record<string, string | readonly string[]> = {
    "audit-id": auditId,
    "cache-control": "no-cache, private",
    ...response.headers,
  };
  if (warnings.length > 0)
    headers["warning"] = [...new Set(warnings)].slice(0, 100).map((text) => `299 - ${JSON.stringify(printable(text))}`);
  const body = response.body;
  const isLarge =
    body instanceof Uint8Array
      ? body.length > gzipAboveBytes
      : headers["content-type"] === "application/json" && !isWatch(request);
  if (!isLarge || headers["content-encoding"] || !/\bgzip\b/.test(request.headers["accept-encoding"] ?? ""))
    return { status: response.status, headers, body };
  headers["content-encoding"] = "gzip";
  headers["vary"] = "Accept-Encoding";
  return {
    status: response.status,
    headers,
    body: body instanceof Uint8Array ? await gzip(body) : gzipStream(body),
  };
}

function isWatch({ path }: ApiRequest): boolean {
  return /[?&]watch=/.test(path);
}

/** Header values are ASCII without line ends. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 512);
}

async function statusErrorOf({ body, status }: ApiResponse): Promise<StatusError> {
  const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : "";
  try {
    return StatusError.from(JSON.parse(text));
  } catch {
    return new StatusError(status, "Unknown", text);
  }
}
