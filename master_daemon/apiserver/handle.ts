import type { ApiSchema } from "../../core/api/schema.ts";
import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest, ApiResponse, MessageStream, UserInfo } from "../../core/client/transport.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { AdmissionPlugin } from "../admission/plugin.ts";
import {
  type AuthenticationOptions,
  type Authenticator,
  anonymousUser,
  authenticate,
  type Credentials,
} from "../authentication/authenticator.ts";
import type { Attributes, Authorizer } from "../authorization/authorizer.ts";
import type { Registries } from "../registry/registry.ts";
import type { Aggregator } from "./aggregation/aggregator.ts";
import type { AuditedRequest, Auditor, AuditTrail } from "./audit/mod.ts";
import { attributesOf, type Call, callOf, groupVersionOf, isProxied, isStream } from "./call.ts";
import { serverFigures } from "./figures.ts";
import { authorize } from "./filters/authorization.ts";
import { ImpersonationError, impersonate } from "./filters/impersonation.ts";
import { InFlightLimit, type InFlightOptions } from "./filters/in_flight.ts";
import { finish } from "./finish.ts";
import type { FlowControl, FlowDecision } from "./flow_control/mod.ts";
import type { HealthCheck } from "./health.ts";
import type { IssuerDocuments } from "./issuer_documents.ts";
import { RequestMetrics } from "./metrics.ts";
import type { NodeConnector } from "./node_connector.ts";
import { createPaths, type OpenApiDocuments } from "./paths.ts";
import type { TunnelAnswer } from "./proxy/http_proxy.ts";
import { createResources, type Work } from "./resources.ts";
import { documentResponse, isReadByPeople, textResponse } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";
import type { Services, TokenIssuer } from "./services.ts";
import { messagePair } from "./streaming/message_pair.ts";
import type { StreamTarget } from "./streaming/target.ts";
import { chooseUpgrade, serveMessages, type UpgradeChoice } from "./streaming/upgrade.ts";
import { admitConnect } from "./subresources/admit_connect.ts";
import { connectPod } from "./subresources/connect.ts";
import { connectProxy } from "./subresources/proxy.ts";

/** Options of {@linkcode createApiHandler}. */
export interface ApiHandlerOptions {
  readonly registries: Registries;
  readonly admission: readonly AdmissionPlugin[];
  readonly schema: ApiSchema;
  readonly openApi?: OpenApiDocuments | undefined;
  readonly authenticators: readonly Authenticator[];
  /** What the API server is called in tokens. Default: nothing; tokens are then good whatever they are meant for. */
  readonly apiAudiences?: readonly string[] | undefined;
  /** Absent: ServiceAccounts get no tokens. */
  readonly tokens?: TokenIssuer | undefined;
  readonly issuerDocuments?: IssuerDocuments | undefined;
  /** Whether requests without credentials for a path are those of `system:anonymous`. Default: they are refused. */
  readonly allowsAnonymous?: ((path: string) => boolean) | undefined;
  readonly authorizer: Authorizer;
  readonly nodes: NodeConnector;
  /** Sends on what other servers have. Absent: there are none. */
  readonly aggregator?: Aggregator | undefined;
  readonly healthChecks?: readonly HealthCheck[] | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly limits?: InFlightOptions | undefined;
  /** Who is served first. Absent: `limits` alone bound how much is served at once. */
  readonly flowControl?: FlowControl | undefined;
  readonly audit?: Auditor | undefined;
  /** Default 3 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Default 1800. */
  readonly minRequestTimeoutSeconds?: number | undefined;
}

/** Who a request is from, and until when it is wanted. */
export interface RequestContext {
  /** Set by callers in the process: nothing is authenticated then. */
  readonly user?: UserInfo | undefined;
  /** Address at the other end of the connection. */
  readonly remoteAddress?: string | undefined;
  /** What the listener knows besides the headers. */
  readonly credentials?: Omit<Credentials, "headers"> | undefined;
  readonly signal: AbortSignal;
}

/** What becomes of a request to upgrade: it may go on, or it is answered. */
export type ConnectAnswer = { readonly choice: UpgradeChoice; readonly target: StreamTarget } | TunnelAnswer;

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

/** Makes the API over its registries. */
export function createApiHandler(options: ApiHandlerOptions): ApiHandler {
  const closing = new AbortController();
  // Every open watch and log listens.
  allowManyListeners(closing.signal);
  const { registries, clock, log, authenticators, authorizer, flowControl } = options;
  const authentication: AuthenticationOptions = { authenticators, audiences: options.apiAudiences ?? [] };
  const healthChecks: readonly HealthCheck[] = [
    { name: "ping", live: true, check: () => undefined },
    { name: "shutdown", live: false, check: () => (closing.signal.aborted ? "process is shutting down" : undefined) },
    ...(options.healthChecks ?? []),
  ];
  const services: Services = {
    registries,
    admission: options.admission,
    authorizer,
    schema: options.schema,
    nodes: options.nodes,
    authentication,
    tokens: options.tokens,
    clock,
    random: options.random,
    log,
    maxBodyBytes: options.maxBodyBytes ?? 3 * 1024 * 1024,
    minRequestTimeoutSeconds: options.minRequestTimeoutSeconds ?? 1800,
    closing: closing.signal,
    healthChecks,
  };
  const metrics = new RequestMetrics();
  const inFlight = new InFlightLimit(options.limits);
  const resources = createResources(registries, services);
  const paths = createPaths({
    registries,
    openApi: options.openApi,
    issuer: options.issuerDocuments,
    aggregator: options.aggregator,
    healthChecks,
    metrics: async () => [
      ...metrics.families(),
      ...(await serverFigures({ registries, inFlight, flowControl, audit: options.audit })),
    ],
  });

  /** Every request, from outside in: what is refused early costs little. */
  async function handle(request: ApiRequest, context: RequestContext): Promise<ApiResponse> {
    const auditId = randomUuid();
    const startedAt = clock.monotonic();
    const warnings: string[] = [];
    let call: Call | undefined;
    let trail: AuditTrail | undefined;
    let flow: FlowDecision | undefined;
    let response: ApiResponse;
    try {
      const asked = callOf(request);
      call = asked;
      const { isLong, isWrite, isPublic, attributes } = asked;
      const known = await identify(request, context);
      if (!known && !isPublic) throw StatusError.unauthorized();
      trail = trailFor({ request, context, auditId, call, user: known ?? anonymousUser });
      const received = trail?.begin() ?? request;
      const user = known && (await actingAs(known, request, context, trail));
      const annotations = trail?.annotations ?? new Map<string, string>();
      const work = { user, signal: context.signal, warnings, annotations };
      const serve = async () => {
        if (user) await authorizeNoting(user, attributes, trail);
        return dispatch(asked, received, work);
      };
      if (flowControl) {
        flow = flowControl.classify(user ?? anonymousUser, attributes);
        response = await flowControl.run(flow, context.signal, serve);
      } else {
        // As the level "exempt" there: what keeps the cluster going is not refused because others ask for much.
        const isUnlimited = isLong || user?.groups.includes("system:masters");
        response = isUnlimited ? await serve() : await inFlight.run(isWrite ? "write" : "read", serve);
      }
    } catch (error) {
      response = failure(error, { request, auditId, signal: context.signal });
      if (!trail && call && response.status === 401)
        trailFor({ request, context, auditId, call, user: { username: "", groups: [] } })?.refuse(response);
      if (isUnexpected(error) && !context.signal.aborted) {
        trail?.panic(errorMessage(error));
        trail = undefined;
      }
    }
    if (trail) response = await trail.end(response);
    observe(call, response.status, (clock.monotonic() - startedAt) / 1000);
    return finish(response, {
      request,
      auditId,
      warnings,
      flow,
      asIs:
        call !== undefined &&
        ((call.route.target.type === "resource" && isProxied(call.route.target)) || remoteOf(call) !== undefined),
    });
  }

  /** Undefined when the request shows no credentials. @throws StatusError Unauthorized when they are wrong */
  async function identify(request: ApiRequest, context: RequestContext): Promise<UserInfo | undefined> {
    const credentials = { ...context.credentials, headers: request.headers };
    const known = context.user ?? (await authenticate(authentication, credentials));
    if (known) return known;
    const [path = ""] = request.path.split("?", 1);
    return options.allowsAnonymous?.(path) ? anonymousUser : undefined;
  }

  /** The trail of a request in the audit log, if it is to have one. */
  function trailFor({
    context,
    call,
    ...rest
  }: Pick<AuditedRequest, "request" | "auditId" | "user"> & {
    readonly context: RequestContext;
    readonly call: Call;
  }): AuditTrail | undefined {
    const { attributes, isLong } = call;
    return options.audit?.trailFor({ ...rest, attributes, isLong, remoteAddress: context.remoteAddress });
  }

  /** Whom a user acts as. */
  async function actingAs(
    user: UserInfo,
    { headers }: ApiRequest,
    { credentials }: RequestContext,
    trail: AuditTrail | undefined,
  ): Promise<UserInfo> {
    const other = await impersonate(authorizer, user, { ...credentials, headers });
    if (other !== user) trail?.impersonates(other);
    return other;
  }

  async function authorizeNoting(user: UserInfo, attributes: Attributes, trail: AuditTrail | undefined): Promise<void> {
    const note = (decision: string, reason: string) => {
      trail?.annotations.set("authorization.k8s.io/decision", decision);
      trail?.annotations.set("authorization.k8s.io/reason", reason);
    };
    try {
      note("allow", (await authorize(authorizer, user, attributes)) ?? "");
    } catch (error) {
      note("forbid", "");
      throw error;
    }
  }

  async function dispatch(
    call: Call,
    request: ApiRequest,
    work: Omit<Work, "user"> & { readonly user: UserInfo | undefined },
  ): Promise<ApiResponse> {
    const { target, query } = call.route;
    const { user, signal } = work;
    const remote = remoteOf(call);
    if (remote && user) return remote.server.forward(remote.group, remote.version, request, { user, signal });
    if (target.type === "path") return paths.serve(target.segments, query, request);
    if (!user) throw StatusError.unauthorized();
    return resources.serve(target, call, request, { ...work, user });
  }

  /** The other server that a request is for, if it is for one. */
  function remoteOf(
    call: Call,
  ): { readonly server: Aggregator; readonly group: string; readonly version: string } | undefined {
    const { aggregator: server } = options;
    const about = server && groupVersionOf(call);
    return about && server.isRemote(about.group, about.version) ? { server, ...about } : undefined;
  }

  function failure(
    error: unknown,
    {
      request,
      auditId,
      signal,
    }: { readonly request: ApiRequest; readonly auditId: string; readonly signal: AbortSignal },
  ): ApiResponse {
    if (error instanceof ImpersonationError)
      return textResponse(`Internal Server Error: ${JSON.stringify(request.path)}: ${error.message}\n`, 500);
    if (isUnexpected(error) && !signal.aborted)
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
    const known = target?.type === "resource" ? resources.find(target) : undefined;
    const { group = "", version = "", plural: resource = "" } = known?.kind ?? {};
    metrics.observe(
      {
        verb: (call?.verb ?? "unknown").toUpperCase(),
        group,
        version,
        resource,
        subresource: known?.subresource ?? "",
        scope: target?.type === "resource" ? scopeOf(target) : "",
        dryRun: call?.isWrite ? (call.route.query.get("dryRun") === "All" ? "All" : "") : "",
        code,
      },
      call?.isLong ? undefined : seconds,
    );
  }

  async function connect(request: ApiRequest, context: RequestContext): Promise<ConnectAnswer> {
    const auditId = randomUuid();
    let trail: AuditTrail | undefined;
    try {
      const call = callOf(request);
      const { target, query } = call.route;
      const remote = remoteOf(call);
      if (target.type !== "resource" || !(remote || isStream(target) || isProxied(target)))
        throw StatusError.badRequest("this path is not served over upgraded connections");
      const known = await identify(request, context);
      if (!known) throw StatusError.unauthorized();
      trail = trailFor({ request, context, auditId, call: { ...call, isLong: true }, user: known });
      trail?.begin();
      const user = await actingAs(known, request, context, trail);
      const { signal } = context;
      if (remote) {
        await authorizeNoting(user, call.attributes, trail);
        const answer = await remote.server.connect(remote.group, remote.version, request, { user, signal });
        trail?.upgrade(signal);
        return answer;
      }
      const annotations = trail?.annotations ?? new Map<string, string>();
      const r = { request, route: target, query, user, signal, services, warnings: [], annotations };
      if (isProxied(target)) {
        await authorizeNoting(user, call.attributes, trail);
        await admitConnect(r);
        const answer = await connectProxy(r);
        trail?.upgrade(signal);
        return answer;
      }
      // Whatever the method: what runs a command is a create.
      await authorizeNoting(user, attributesOf(target, "create"), trail);
      await admitConnect(r);
      const choice = chooseUpgrade(request.headers, target.subresource ?? "");
      const stream = await connectPod(r);
      trail?.upgrade(signal);
      return { choice, target: stream };
    } catch (error) {
      const response = failure(error, { request, auditId, signal: context.signal });
      await trail?.end(response);
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
      if ("tunnel" in answer) {
        answer.tunnel.backend.destroy();
        throw StatusError.badRequest("this path is upgraded to over a network connection only");
      }
      const [near, far] = messagePair(answer.choice.protocol);
      context.signal.addEventListener("abort", () => near.close(), { once: true });
      void serveMessages(far, answer.target);
      return near;
    },
    endStreams: () => closing.abort(new DOMException("The server is shutting down", "AbortError")),
  };
}

/** Whether a request was about an object, a namespace or all of the cluster, in the words of Kubernetes' metrics. */
function scopeOf({ name, namespace }: ResourceRoute): string {
  if (name !== undefined) return "resource";
  return namespace === undefined ? "cluster" : "namespace";
}

function isUnexpected(error: unknown): boolean {
  return !(error instanceof StatusError || error instanceof ImpersonationError);
}

async function statusErrorOf({ body, status }: ApiResponse): Promise<StatusError> {
  const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : "";
  try {
    return StatusError.from(JSON.parse(text));
  } catch {
    return new StatusError(status, "Unknown", text);
  }
}
