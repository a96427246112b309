import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { StatusError } from "../../core/api/status.ts";
import { bytesProtocol, channelsProtocol } from "../../core/client/channel_frames.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { metricsContentType } from "../../core/util/prometheus.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import { Access, type AccessOptions } from "./server/access.ts";
import { serveChannels } from "./server/channels.ts";
import { findLoggedContainer, findRunningContainer } from "./server/find_container.ts";
import { booleanParameter, integerParameter, parseRoute, type Route } from "./server/route.ts";
import { write } from "./server/write.ts";
import { StatsDocuments, type StatsOptions } from "./stats/stats_documents.ts";

/** Options of {@linkcode startKubeletServer}. */
export interface KubeletServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Certificate and key of this server, PEM. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Authority, PEM, that signs the certificates of the API servers, who may ask, and of others, who may not. */
  readonly clientCa: string;
  readonly pods: {
    get(namespace: string, name: string): Pod | undefined;
    list(): readonly Pod[];
  };
  readonly runtime: ContainerRuntime;
  /** How others than API servers and administrators are told and let in. Absent: they are not. */
  readonly access?: AccessOptions | undefined;
  /** What is told of the use of the machine. Absent: nothing. */
  readonly stats?: Omit<StatsOptions, "pods" | "runtime" | "clock" | "log"> | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A listening server. Disposing it ends every stream. */
export interface KubeletServer extends AsyncDisposable {
  readonly port: number;
}

type ContainerRoute = Extract<Route, { readonly container: string }>;

/** Header of a summary: seconds over which the use of CPU was measured. */
const cpuWindowHeader = "x-wherry-cpu-window-seconds";
/** Commands of exec travel in the request line. */
const maxHeaderBytes = 256 * 1024;
const maxCommandWords = 4096;
const keepAliveMs = 30_000;
const connectMs = 10_000;

/**
 * Starts the node daemon's HTTPS server, by which the API server reaches logs, exec, attach and port-forward.
 *
 * - Every request needs the API server's client certificate, one of the administrators' group, or somebody whom the API
 *   server lets in (see `Access`); nothing is served without, `/healthz` included.
 * - Only the paths of `parseRoute` exist, only GET, and no request has a body.
 * - Exec and attach upgrade to `wherry-channels/1`, port-forward to `wherry-bytes/1`; see `channel_frames.ts`.
 * - A stream ends when its peer goes, and what it started ends with it.
 */
export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { tls, clientCa, host, port, log } = options;
  const server = createServer({
    ...tls,
    ca: clientCa,
    requestCert: true,
    // Refused by us, with a Status.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    maxHeaderSize: maxHeaderBytes,
    allowHalfOpen: true,
    noDelay: true,
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 100;
  const sockets = new Set<Duplex>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const tasks = new Tasks({
    onError: (error) => log.warn("a request to the node daemon failed", { error: errorMessage(error) }),
  });
  const closing = new AbortController();
  const handler = new Handler(options, closing.signal);
  server.on("request", (request, response) => tasks.run((signal) => handler.request(request, response, signal)));
  server.on("upgrade", (request, socket, head) =>
    tasks.run((signal) => handler.upgrade(request, socket, head, signal)),
  );
  server.on("clientError", (_, socket) => socket.destroy());
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      closing.abort(new DOMException("The server is shutting down", "AbortError"));
      for (const socket of sockets) socket.destroy();
      await tasks[Symbol.asyncDispose]();
      await closed;
    },
  };
}

class Handler {
  readonly #options: KubeletServerOptions;
  readonly #access: Access;
  readonly #stats: StatsDocuments | undefined;

  constructor(options: KubeletServerOptions, closing: AbortSignal) {
    this.#options = options;
    this.#access = new Access(options.access, options.clock);
    this.#stats = options.stats && new StatsDocuments({ ...options, ...options.stats }, closing);
  }

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

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, signal: AbortSignal): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      const route = await this.#route(request, signal);
      if (head.length > 0) socket.unshift(head);
      if (route.verb === "exec" || route.verb === "attach") await this.#channels(route, request, socket, signal);
      else if (route.verb === "portForward") await this.#portForward(route, request, socket, signal);
      else throw StatusError.badRequest("this resource is not for upgrades");
    } catch (error) {
      const { status } = statusOf(error);
      const body = JSON.stringify(status);
      socket.end(
        `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
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
      case "spec":
        sendJson(response, 200, await this.#documents.machineInfo());
        return;
      case "containerLogs":
        await this.#logs(route, response, signal);
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

  async #logs(
    { namespace, pod: podName, container: name, query }: ContainerRoute,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { runtime, clock } = this.#options;
    const pod = this.#pod(namespace, podName);
    const previous = booleanParameter(query, "previous");
    const options = {
      follow: booleanParameter(query, "follow"),
      timestamps: booleanParameter(query, "timestamps"),
      tailLines: integerParameter(query, "tailLines", 0),
      limitBytes: integerParameter(query, "limitBytes", 1),
      sinceMs: sinceMs(query, clock.now()),
      signal,
    };
    const containers = await runtime.listContainers({ podUid: pod.metadata.uid ?? "", signal });
    const { id } = findLoggedContainer({ pod, name, containers, previous });
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" });
    // A follower of a silent program learns at once that it is connected.
    response.flushHeaders();
    for await (const part of runtime.logs(id, options)) {
      if (signal.aborted) return;
      await write(response, part);
    }
    response.end();
  }

  async #channels(
    { verb, namespace, pod: podName, container: name, query }: ContainerRoute,
    request: IncomingMessage,
    socket: Duplex,
    closing: AbortSignal,
  ): Promise<void> {
    const { runtime } = this.#options;
    const pod = this.#pod(namespace, podName);
    requireProtocol(request, channelsProtocol);
    const command = query.getAll("command");
    if (verb === "exec" && (command.length === 0 || command[0] === "")) {
      throw StatusError.badRequest("you must specify at least 1 of stdin, stdout, stderr and a command");
    }
    if (command.length > maxCommandWords) throw StatusError.badRequest("the command has too many words");
    const tty = booleanParameter(query, "tty");
    const streams = {
      stdin: booleanParameter(query, "stdin"),
      stdout: booleanParameter(query, "stdout"),
      stderr: booleanParameter(query, "stderr") && !tty,
      tty,
    };
    if (!streams.stdin && !streams.stdout && !streams.stderr) {
      throw StatusError.badRequest("you must specify at least 1 of stdin, stdout, stderr");
    }
    const containers = await runtime.listContainers({ podUid: pod.metadata.uid ?? "", signal: closing });
    const { id } = findRunningContainer({ pod, name, containers });
    switchProtocols(socket, channelsProtocol);
    const { stdin } = streams;
    await serveChannels({
      socket,
      streams,
      reportExitCode: verb === "exec",
      open: (signal) =>
        verb === "exec"
          ? runtime.exec(id, { command, stdin, tty, signal })
          : runtime.attach(id, { stdin, tty, signal }),
    });
  }

  async #portForward(
    { namespace, pod: podName, query }: Extract<Route, { readonly verb: "portForward" }>,
    request: IncomingMessage,
    socket: Duplex,
    closing: AbortSignal,
  ): Promise<void> {
    const { runtime } = this.#options;
    const pod = this.#pod(namespace, podName);
    requireProtocol(request, bytesProtocol);
    const port = integerParameter(query, "port", 1);
    if (port === undefined || port > 65_535 || query.getAll("port").length !== 1) {
      throw StatusError.badRequest("port must be one number between 1 and 65535");
    }
    const sandboxes = await runtime.listSandboxes({ signal: closing });
    const sandbox = sandboxes
      .filter(({ uid, ready }) => uid === pod.metadata.uid && ready)
      .sort((first, second) => second.attempt - first.attempt)[0];
    if (!sandbox) throw StatusError.badRequest(`pod ${podName} is not running`);
    const target = connect({ ...runtime.portAddress(sandbox, port), allowHalfOpen: true, noDelay: true });
    const cancel = this.#options.clock.schedule(connectMs, () => target.destroy(new Error("the connection timed out")));
    try {
      await once(target, "connect", { signal: closing });
    } catch (error) {
      target.destroy();
      throw StatusError.internal(
        `error forwarding port ${port} to pod ${podName}, uid ${pod.metadata.uid}: ${errorMessage(error)}`,
      );
    } finally {
      cancel();
    }
    switchProtocols(socket, bytesProtocol);
    await join(socket, target);
  }

  #pod(namespace: string, name: string): Pod {
    const pod = this.#options.pods.get(namespace, name);
    if (!pod) throw StatusError.notFound({ group: "", plural: "pods" }, name);
    return pod;
  }
}

function requireProtocol(request: IncomingMessage, protocol: string): void {
  if (request.headers.upgrade !== protocol) throw StatusError.badRequest(`expected an upgrade to ${protocol}`);
}

function switchProtocols(socket: Duplex, protocol: string): void {
  const { setTimeout: setIdleTimeout, setKeepAlive } = socket as Partial<Socket>;
  setIdleTimeout?.call(socket as Socket, 0);
  setKeepAlive?.call(socket as Socket, true, keepAliveMs);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
}

/** Copies both ways, each way to its own end; a break of one side breaks the other. */
async function join(first: Duplex, second: Duplex): Promise<void> {
  const closed = [first, second].map((stream) => new Promise<void>((resolve) => stream.once("close", () => resolve())));
  first.on("error", () => second.destroy());
  second.on("error", () => first.destroy());
  first.once("close", () => second.destroy());
  // What the target still has to say is sent before the end.
  second.once("close", () => (second.readableEnded ? first.end() : first.destroy()));
  first.pipe(second);
  second.pipe(first);
  await Promise.all(closed);
}

function sinceMs(query: URLSearchParams, now: number): number | undefined {
  const seconds = integerParameter(query, "sinceSeconds", 1);
  const text = query.get("sinceTime");
  if (seconds !== undefined && text !== null) {
    throw StatusError.badRequest("at most one of `sinceTime` or `sinceSeconds` may be specified");
  }
  if (seconds !== undefined) return now - seconds * 1000;
  if (text === null) return undefined;
  const time = Date.parse(text.slice(0, 64));
  if (Number.isNaN(time)) throw StatusError.badRequest(`invalid value for sinceTime: expected an RFC 3339 time`);
  return time;
}

function statusOf(error: unknown): StatusError {
  return error instanceof StatusError ? error : StatusError.internal(errorMessage(error));
}

function sendStatus(response: ServerResponse, { status }: StatusError): void {
  sendJson(response, status.code, status);
}

function sendMetrics(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": metricsContentType, "content-length": Buffer.byteLength(text) }).end(text);
}

function sendJson(
  response: ServerResponse,
  code: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  const own = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  response.writeHead(code, { ...own, ...headers }).end(body);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}
