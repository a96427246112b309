import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { JsonObject } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import { cpuWindowHeader } from "../../../core/kinds/node_server.ts";
import type { Logger } from "../../../core/util/log.ts";
import { type MetricFamily, renderMetrics } from "../../../core/util/prometheus.ts";
import { StatsDocuments, type StatsOptions } from "../stats/stats_documents.ts";
import { Access, type AccessOptions } from "./access.ts";
import { sendLogs } from "./logs.ts";
import { refuseUpgrade, sendJson, sendMetrics, sendStatus, statusOf } from "./responses.ts";
import { booleanParameter, parseRoute, type Route } from "./route.ts";
import { runningPods } from "./running_pods.ts";
import { type StreamOptions, upgradeToChannels, upgradeToPort } from "./streams.ts";
import { sendSystemLog, systemLogFolder } from "./system_logs.ts";

/** What requests are answered with. */
export interface HandlerOptions extends StreamOptions {
  /** How others than API servers and administrators are told and let in. Absent: they are not. */
  readonly access?: AccessOptions | undefined;
  /** What is told of the use of the machine. Absent: nothing. */
  readonly stats?: Omit<StatsOptions, "pods" | "runtime" | "clock" | "log"> | undefined;
  /** What came of the pods' probes. Absent: nothing is told of them. */
  readonly probeMetrics?: (() => readonly MetricFamily[]) | undefined;
  /** What the daemon was told, as a kubelet's configuration. Absent: nothing is told of it. */
  readonly configuration?: JsonObject | undefined;
  /** Folder of the machine's logs. Default `/var/log`. */
  readonly systemLogFolder?: string | undefined;
  readonly log: Logger;
}

/** Answers the requests that `Access` lets in. */
export class Handler {
  readonly #options: HandlerOptions;
  readonly #access: Access;
  readonly #stats: StatsDocuments | undefined;

  constructor(options: HandlerOptions, closing: AbortSignal) {
    this.#options = options;
    this.#access = new Access(options.access, options.clock);
    this.#stats = options.stats && new StatsDocuments({ ...options, ...options.stats }, closing);
  }

  /** Answers a request. Never rejects. */
  async request(request: IncomingMessage, response: ServerResponse, closing: AbortSignal): Promise<void> {
    const gone = new AbortController();
    const leave = () => gone.abort(new DOMException("The peer has gone", "AbortError"));
    closing.addEventListener("abort", leave, { once: true });
    response.on("close", leave).on("error", leave);
    try {
      await this.#answer(request, response, gone.signal);
    } catch (error) {
      if (gone.signal.aborted) return;
      // Too late for a Status: only a broken stream tells the peer that this is not all.
      if (response.headersSent) response.destroy();
      else sendStatus(response, statusOf(error));
    } finally {
      closing.removeEventListener("abort", leave);
    }
  }

  /** Serves a stream to its end. Never rejects. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, signal: AbortSignal): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      const route = await this.#route(request, signal);
      if (head.length > 0) socket.unshift(head);
      const upgrade = { request, socket, signal };
      if (route.verb === "exec" || route.verb === "attach") await upgradeToChannels(route, upgrade, this.#options);
      else if (route.verb === "portForward") await upgradeToPort(route, upgrade, this.#options);
      else throw StatusError.badRequest("this resource is not for upgrades");
    } catch (error) {
      refuseUpgrade(socket, statusOf(error));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const route = await this.#route(request, signal);
    const { pods } = this.#options;
    switch (route.verb) {
      case "healthz":
        response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("ok");
        return;
      case "pods":
        sendJson(response, 200, { kind: "PodList", apiVersion: "v1", metadata: {}, items: pods.list() });
        return;
      case "runningPods":
        sendJson(response, 200, await runningPods(this.#options.runtime, signal));
        return;
      case "configz":
        sendJson(response, 200, { kubeletconfig: this.#options.configuration ?? {} });
        return;
      case "systemLogs": {
        const { systemLogFolder: folder = systemLogFolder } = this.#options;
        await sendSystemLog(route.path, { folder, response, signal });
        return;
      }
      case "summary":
        await this.#summary(route.query, response);
        return;
      case "metrics":
        sendMetrics(response, await this.#documents.ownMetrics(signal));
        return;
      case "resourceMetrics":
        sendMetrics(response, await this.#documents.resourceMetrics());
        return;
      case "cadvisorMetrics":
        sendMetrics(response, await this.#documents.cadvisorMetrics());
        return;
      case "probeMetrics":
        sendMetrics(response, renderMetrics(this.#options.probeMetrics?.() ?? []));
        return;
      case "spec":
        sendJson(response, 200, await this.#documents.machineInfo());
        return;
      case "containerLogs":
        await sendLogs(route, { response, signal }, this.#options);
        return;
      default:
        throw StatusError.badRequest("Upgrade request required");
    }
  }

  /** The route of a request that may be served. @throws StatusError Unauthorized, Forbidden, MethodNotAllowed, NotFound */
  async #route(request: IncomingMessage, signal: AbortSignal): Promise<Route> {
    await this.#access.check(request, signal);
    if (request.method !== "GET") throw StatusError.methodNotAllowed();
    return parseRoute(request.url ?? "");
  }

  async #summary(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const onlyCpuAndMemory = booleanParameter(query, "only_cpu_and_memory");
    const { summary, windowSeconds } = await this.#documents.summary({ onlyCpuAndMemory });
    sendJson(response, 200, summary, { [cpuWindowHeader]: String(windowSeconds) });
  }

  /** @throws StatusError NotFound where nothing is told */
  get #documents(): StatsDocuments {
    if (!this.#stats) throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    return this.#stats;
  }
}
