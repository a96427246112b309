import type { ApiSchema } from "../../core/api/schema.ts";
import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest, ApiResponse, MessageStream, UserInfo } from "../../core/client/transport.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { AdmissionPlugin } from "../admission/plugin.ts";
import { type AuthenticationOptions, type Authenticator, anonymousUser } from "../authentication/authenticator.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { Registries } from "../registry/registry.ts";
import type { Aggregator } from "./aggregation/aggregator.ts";
import { remoteOf } from "./aggregation/remote_call.ts";
import type { Auditor, AuditTrail } from "./audit/mod.ts";
import { type Call, callOf, isProxied } from "./call.ts";
import { failureResponse, isUnexpected } from "./failure_response.ts";
import { serverFigures } from "./figures.ts";
import { InFlightLimit, type InFlightOptions } from "./filters/in_flight.ts";
import { finish } from "./finish.ts";
import type { FlowControl, FlowDecision } from "./flow_control/mod.ts";
import type { HealthCheck } from "./health.ts";
import type { IssuerDocuments } from "./issuer_documents.ts";
import { RequestMetrics, requestLabels } from "./metrics.ts";
import type { NodeConnector } from "./node_connector.ts";
import { createPaths, type OpenApiDocuments, type PathsOptions } from "./paths.ts";
import { RequestChecks, type RequestContext } from "./request_checks.ts";
import { createResources, type Work } from "./resources.ts";
import type { Services, TokenIssuer } from "./services.ts";
import { type ConnectAnswer, Upgrades } from "./upgrades.ts";

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
  readonly explainScheduling?: PathsOptions["explainScheduling"];
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
  const { registries, clock, log, authenticators, authorizer, aggregator, flowControl, audit } = options;
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
  const checks = new RequestChecks({ authentication, authorizer, audit, allowsAnonymous: options.allowsAnonymous });
  const upgrades = new Upgrades({ services, checks, handle, aggregator });
  const metrics = new RequestMetrics();
  const inFlight = new InFlightLimit(options.limits);
  const resources = createResources(registries, services);
  const paths = createPaths({
    registries,
    openApi: options.openApi,
    issuer: options.issuerDocuments,
    aggregator,
    healthChecks,
    explainScheduling: options.explainScheduling,
    metrics: async () => [
      ...metrics.families(),
      ...(await serverFigures({ registries, inFlight, flowControl, audit })),
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
      const known = await checks.identify(request, context);
      if (!known && !isPublic) throw StatusError.unauthorized();
      trail = checks.trailFor({ request, context, auditId, call, user: known ?? anonymousUser });
      const received = trail?.begin() ?? request;
      const user = known && (await checks.actingAs(known, request, context, trail));
      const annotations = trail?.annotations ?? new Map<string, string>();
      const { signal, takesObjects } = context;
      const work = { user, signal, takesObjects, warnings, annotations };
      const serve = async () => {
        if (user) await checks.authorize(user, attributes, trail);
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
      response = failureResponse(error, { request, auditId, signal: context.signal, log });
      if (!trail && call && response.status === 401)
        checks.trailFor({ request, context, auditId, call, user: { username: "", groups: [] } })?.refuse(response);
      if (isUnexpected(error) && !context.signal.aborted) {
        trail?.panic(errorMessage(error));
        trail = undefined;
      }
    }
    if (trail) response = await trail.end(response);
    const seconds = call?.isLong ? undefined : (clock.monotonic() - startedAt) / 1000;
    metrics.observe(requestLabels(call, call && resources.find(call.route.target), response.status), seconds);
    return finish(response, { request, auditId, warnings, flow, asIs: call !== undefined && isPassedOn(call) });
  }

  async function dispatch(
    call: Call,
    request: ApiRequest,
    work: Omit<Work, "user"> & { readonly user: UserInfo | undefined },
  ): Promise<ApiResponse> {
    const { target, query } = call.route;
    const { user, signal } = work;
    const remote = remoteOf(aggregator, call);
    if (remote && user) return remote.server.forward(remote.group, remote.version, request, { user, signal });
    if (target.type === "path") return paths.serve(target.segments, query, request);
    if (!user) throw StatusError.unauthorized();
    return resources.serve(target, call, request, { ...work, user });
  }

  /** Whether the answer is somebody else's. */
  function isPassedOn(call: Call): boolean {
    const { target } = call.route;
    return (target.type === "resource" && isProxied(target)) || remoteOf(aggregator, call) !== undefined;
  }

  return {
    handle,
    connect: (request, context) => upgrades.connect(request, context),
    upgrade: (request, context) => upgrades.upgrade(request, context),
    endStreams: () => closing.abort(new DOMException("The server is shutting down", "AbortError")),
  };
}
