import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest, ApiResponse, MessageStream } from "../../core/client/transport.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import type { Aggregator } from "./aggregation/aggregator.ts";
import { remoteOf } from "./aggregation/remote_call.ts";
import type { AuditTrail } from "./audit/mod.ts";
import { attributesOf, callOf, isProxied, isStream } from "./call.ts";
import { failureResponse, statusErrorOf } from "./failure_response.ts";
import { finish } from "./finish.ts";
import type { TunnelAnswer } from "./proxy/http_proxy.ts";
import type { RequestChecks, RequestContext } from "./request_checks.ts";
import type { ResourceRequest, Services } from "./services.ts";
import { messagePair } from "./streaming/message_pair.ts";
import { type ReadTarget, readRequest } from "./streaming/read.ts";
import type { StreamTarget } from "./streaming/target.ts";
import { chooseRead, chooseUpgrade, serveMessages, type UpgradeChoice } from "./streaming/upgrade.ts";
import { admitConnect } from "./subresources/admit_connect.ts";
import { connectPod } from "./subresources/connect.ts";
import { connectProxy } from "./subresources/proxy.ts";

/** What becomes of a request to upgrade: it may go on, or it is answered. */
export type ConnectAnswer = StreamAnswer | ReadAnswer | TunnelAnswer;

interface StreamAnswer {
  readonly choice: UpgradeChoice;
  readonly target: StreamTarget;
}

interface ReadAnswer {
  readonly choice: UpgradeChoice;
  readonly target: ReadTarget;
}

/** Options of {@linkcode Upgrades}. */
export interface UpgradesOptions {
  readonly services: Services;
  readonly checks: RequestChecks;
  /** Answers a request that is none to upgrade. Never rejects. */
  handle(request: ApiRequest, context: RequestContext): Promise<ApiResponse>;
  /** Absent: there are no other servers. */
  readonly aggregator?: Aggregator | undefined;
}

/** Requests that turn into streams: exec, attach, port-forward, watches and logs as messages, and what is passed on to others. */
export class Upgrades {
  readonly #options: UpgradesOptions;

  constructor(options: UpgradesOptions) {
    this.#options = options;
  }

  /** Checks a request to upgrade and opens the far end of it. Never rejects. */
  async connect(request: ApiRequest, context: RequestContext): Promise<ConnectAnswer> {
    return (await this.#read(request, context)) ?? (await this.#open(request, context));
  }

  /** Opens a watch or a log; undefined when it is not that which is asked for. */
  async #read(
    request: ApiRequest,
    context: RequestContext,
  ): Promise<ReadAnswer | { readonly response: ApiResponse } | undefined> {
    const isWatch = readOf(request, this.#options.aggregator);
    const choice = isWatch === undefined ? undefined : chooseRead(request.headers, isWatch);
    if (isWatch === undefined || choice === undefined) return undefined;
    const response = await this.#options.handle(readRequest(request), context);
    if (response.status !== 200) return { response };
    return { choice, target: { kind: "read", body: response.body, isWatch } };
  }

  async #open(request: ApiRequest, context: RequestContext): Promise<StreamAnswer | TunnelAnswer> {
    const { services, checks, aggregator } = this.#options;
    const { signal } = context;
    const auditId = randomUuid();
    let trail: AuditTrail | undefined;
    try {
      const call = callOf(request);
      const { target } = call.route;
      const remote = remoteOf(aggregator, call);
      if (target.type !== "resource" || !(remote || isStream(target) || isProxied(target)))
        throw StatusError.badRequest("this path is not served over upgraded connections");
      const known = await checks.identify(request, context);
      if (!known) throw StatusError.unauthorized();
      trail = checks.trailFor({ request, context, auditId, call: { ...call, isLong: true }, user: known });
      trail?.begin();
      const user = await checks.actingAs(known, request, context, trail);
      // Whatever the method: what runs a command is a create.
      const isPassedOn = remote || isProxied(target);
      await checks.authorize(user, isPassedOn ? call.attributes : attributesOf(target, "create"), trail);
      const annotations = trail?.annotations ?? new Map<string, string>();
      const { query } = call.route;
      const answer = remote
        ? await remote.server.connect(remote.group, remote.version, request, { user, signal })
        : await open({ request, route: target, query, user, signal, services, warnings: [], annotations });
      trail?.upgrade(signal);
      return answer;
    } catch (error) {
      const response = failureResponse(error, { request, auditId, signal, log: services.log });
      await trail?.end(response);
      return { response: await finish(response, { request, auditId, warnings: [] }) };
    }
  }

  /** As {@linkcode connect}, for callers in the process: a stream that speaks one of `protocols`. @throws StatusError */
  async upgrade(
    request: ApiRequest,
    { protocols, ...context }: RequestContext & { readonly protocols: readonly string[] },
  ): Promise<MessageStream> {
    const headers = { ...request.headers, upgrade: "websocket", "sec-websocket-protocol": protocols.join(", ") };
    const answer = await this.#open({ ...request, headers }, context);
    if ("response" in answer) throw statusErrorOf(answer.response);
    if ("tunnel" in answer) {
      answer.tunnel.backend.destroy();
      throw StatusError.badRequest("this path is upgraded to over a network connection only");
    }
    const [near, far] = messagePair(answer.choice.protocol);
    context.signal.addEventListener("abort", () => near.close(), { once: true });
    void serveMessages(far, answer.target);
    return near;
  }
}

/** Whether a request is for a watch (true) or a log (false) of this server. */
function readOf(request: ApiRequest, aggregator: Aggregator | undefined): boolean | undefined {
  if (request.method !== "GET") return undefined;
  try {
    const call = callOf(request);
    const { target } = call.route;
    if (target.type !== "resource" || remoteOf(aggregator, call)) return undefined;
    if (call.verb === "watch") return true;
    return target.subresource === "log" ? false : undefined;
  } catch {
    // Refused where it is looked at in earnest.
    return undefined;
  }
}

/** Opens the far end of a request that was allowed, once admission lets it pass. @throws StatusError */
async function open(r: Omit<ResourceRequest, "kind" | "registry" | "form">): Promise<StreamAnswer | TunnelAnswer> {
  const { request, route } = r;
  await admitConnect(r);
  if (isProxied(route)) return connectProxy(r);
  const choice = chooseUpgrade(request.headers, route.subresource ?? "");
  return { choice, target: await connectPod(r) };
}
