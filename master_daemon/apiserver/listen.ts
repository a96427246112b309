import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex, Writable } from "node:stream";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { type ApiRequest, type ApiResponse, readBody } from "../../core/client/transport.ts";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { type CertificateAndKey, fingerprint } from "../../core/platform/certificates.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { ClientCertificate, Credentials } from "../authentication/authenticator.ts";
import type { ApiHandler } from "./handle.ts";
import { joinTunnel } from "./proxy/http_proxy.ts";
import { serveUpgrade } from "./streaming/upgrade.ts";

/** Options of {@linkcode listenApi}. */
export interface ListenOptions {
  readonly handler: ApiHandler;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The server's certificate, and PEM of the authorities that sign those of clients. */
  readonly tls: CertificateAndKey & { readonly clientAuthorities: readonly string[] };
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds that open requests get to end when the listener closes. Default 2000. */
  readonly shutdownGraceMs?: number | undefined;
  /** Milliseconds within which a request must have arrived, body included. Default 75000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Milliseconds that a client may leave JSON unread, a watch for instance, before it is cut. Default 120000. */
  readonly stallTimeoutMs?: number | undefined;
}

/** An open listener. Disposing stops accepting, ends watches, waits for what is in flight within the grace, and cuts the rest. */
export interface ApiListener extends AsyncDisposable {
  readonly port: number;
  /** `https://HOST:PORT`. */
  readonly url: string;
}

const headersTimeoutMs = 30_000;
const defaultRequestTimeoutMs = 75_000;
const defaultStallTimeoutMs = 120_000;
/** How long a client gets to take its answer before the rest of its upload is cut. */
const lingerMs = 1000;
/** Above the 90 s after which Go's clients drop idle connections, so that they never write into one that is being closed. */
const idleTimeoutMs = 120_000;
const keepAliveProbeMs = 15_000;
const maxHeaderBytes = 64 * 1024;
const maxConcurrentStreams = 250;
/** Bytes of a backend's refusal to upgrade that are passed on. */
const maxRefusalBytes = 64 * 1024;

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/**
 * Serves `handler` over TLS: HTTP/2 and HTTP/1.1 on one port, upgrades over HTTP/1.1.
 *
 * @throws Error that names the address when it cannot be listened on
 */
export async function listenApi(options: ListenOptions): Promise<ApiListener> {
  const { handler, host, port, tls, clock, log } = options;
  const { requestTimeoutMs = defaultRequestTimeoutMs, stallTimeoutMs = defaultStallTimeoutMs } = options;
  const server = createSecureServer({
    allowHTTP1: true,
    cert: tls.certificate,
    key: tls.key,
    ca: [...tls.clientAuthorities],
    requestCert: true,
    // Without a certificate a client may still show a token; a certificate of another authority counts as none.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    handshakeTimeout: headersTimeoutMs,
    settings: { maxConcurrentStreams, maxHeaderListSize: maxHeaderBytes },
    maxSessionMemory: 64,
  });
  // Read by the HTTP/1.1 side; the types know them on https servers only.
  Object.assign(server, {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(headersTimeoutMs, requestTimeoutMs),
    keepAliveTimeout: idleTimeoutMs,
    maxHeaderSize: maxHeaderBytes,
    maxHeadersCount: 200,
  });

  const sockets = new Set<Socket>();
  const inFlight = new Set<Promise<void>>();
  const closing = new AbortController();
  // Every upgraded connection listens.
  allowManyListeners(closing.signal);
  const track = (work: Promise<void>) => {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  };

  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveProbeMs);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    session.on("error", () => {});
    let streams = 0;
    session.on("stream", (stream) => {
      streams++;
      stream.once("close", () => streams--);
    });
    session.setTimeout(idleTimeoutMs, () => {
      if (streams === 0) session.close();
    });
  });
  server.on("sessionError", () => {});
  server.on("tlsClientError", () => {});
  const answering = new WeakMap<object, number>();
  server.on("clientError", (_error, socket: Socket) => {
    // In the middle of an answer, or in front of it, another one would be taken for its part.
    if (socket.writable && !answering.get(socket))
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });
  server.on("request", (request: Request, response: Response) => {
    const { socket } = request;
    if (request.httpVersionMajor === 1) {
      answering.set(socket, (answering.get(socket) ?? 0) + 1);
      response.once("close", () => answering.set(socket, (answering.get(socket) ?? 1) - 1));
    }
    track(serveRequest(request, response, { handler, clock, requestTimeoutMs, stallTimeoutMs, log }));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    track(serveUpgradeRequest({ request, socket, head }, { handler, clock, signal: closing.signal, log })),
  );

  await bind(server, host, port);
  // Such as EMFILE: connections wait in the kernel's queue until descriptors are free again.
  server.on("error", (error) => log.warn("Cannot accept a connection", { error: errorMessage(error) }));
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    url: `https://${urlHost(host)}:${address.port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      handler.endStreams();
      closing.abort(new DOMException("The server is shutting down", "AbortError"));
      const grace = new AbortController();
      await Promise.race([
        settle(inFlight),
        clock.sleep(options.shutdownGraceMs ?? 2000, { signal: grace.signal }).catch(() => {}),
      ]);
      grace.abort();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function settle(work: ReadonlySet<Promise<void>>): Promise<void> {
  while (work.size > 0) await Promise.all(work);
}

function bind(server: Http2SecureServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new RangeError(`Cannot listen on port ${port}: choose one from 0 to 65535 with --secure-port`);
    const onError = (error: NodeJS.ErrnoException) => {
      const address = `${urlHost(host)}:${port}`;
      const advice = new Map([
        [
          "EADDRINUSE",
          `another program listens there: stop it, or choose another port with --secure-port (0 takes any free one)`,
        ],
        ["EADDRNOTAVAIL", `this machine has no such address: choose another with --bind-address`],
        ["EACCES", `ports below 1024 need privileges: choose another with --secure-port`],
      ]).get(error.code ?? "");
      reject(new Error(`Cannot listen on ${address}: ${advice ?? error.message}`, { cause: error }));
    };
    server.once("error", onError);
    server.listen({ port, host }, () => {
      server.off("error", onError);
      resolve();
    });
  });
}

interface ServeOptions {
  readonly handler: ApiHandler;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly log: Logger;
}

async function serveRequest(
  request: Request,
  response: Response,
  { handler, clock, requestTimeoutMs, stallTimeoutMs, log }: ServeOptions,
): Promise<void> {
  const aborted = new AbortController();
  let isSent = false;
  const onSent = () => {
    isSent = true;
  };
  response.once("close", () => {
    if (!isSent) aborted.abort(new DOMException("The client went away", "AbortError"));
  });
  request.on("error", () => {});
  response.on("error", () => {});
  // Over HTTP/1.1 the server does this by itself.
  const cancelDeadline =
    "stream" in request
      ? clock.schedule(requestTimeoutMs, () => {
          if (!request.complete) request.stream.close(constants.NGHTTP2_CANCEL);
        })
      : () => {};
  try {
    if (!hasOneHost(request)) return await refuseHost(request, response);
    const apiRequest = toApiRequest(request);
    const answer = await handler.handle(apiRequest, {
      remoteAddress: request.socket.remoteAddress,
      credentials: credentialsOf(request),
      signal: aborted.signal,
    });
    if (aborted.signal.aborted) {
      if (!(answer.body instanceof Uint8Array)) await answer.body[Symbol.asyncIterator]().return?.();
      return;
    }
    const onStall = () => cut(response);
    const stall = isJson(answer) ? { schedule: () => clock.schedule(stallTimeoutMs, onStall) } : undefined;
    await send(answer, { request, response, signal: aborted.signal, stall, onSent });
    if ("stream" in request && !request.complete) endUpload(request, clock);
  } catch (error) {
    if (!aborted.signal.aborted) log.warn("Cannot answer a request", { error: errorMessage(error) });
    cut(response);
  } finally {
    cancelDeadline();
  }
}

/** Logs may stand still for as long as somebody reads them page by page; lists and watches are read by programs. */
function isJson({ headers }: ApiResponse): boolean {
  return headers["content-type"] === "application/json";
}

/** Two hosts, or none, are understood in more than one way on the way here. HTTP/2 has none twice. */
function hasOneHost({ httpVersion, rawHeaders }: Request): boolean {
  if (httpVersion !== "1.1") return true;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === "host") hosts++;
  return hosts === 1;
}

async function refuseHost(request: Request, response: Response): Promise<void> {
  const body = new TextEncoder().encode("400 Bad Request: expected one Host header\n");
  const headers = { "content-type": "text/plain; charset=utf-8", connection: "close" };
  await send({ status: 400, headers, body }, { request, response, signal: new AbortController().signal });
}

/** @param to.signal aborted once the response is closed: nothing that it would still emit can be waited for then */
async function send(
  answer: ApiResponse,
  {
    request,
    response,
    signal,
    stall,
    onSent,
  }: {
    readonly request: Request;
    readonly response: Response;
    readonly signal: AbortSignal;
    /** Sets the time by which what waits must be read; gives back how to call it off. */
    readonly stall?: { schedule(): () => void } | undefined;
    /** Called once all is handed over, before the response is closed. */
    readonly onSent?: () => void;
  },
): Promise<void> {
  const isHttp1 = request.httpVersionMajor === 1;
  // What is left of a refused body is not worth reading: the connection goes with it.
  const unread = !request.complete && request.method !== "GET" && request.method !== "HEAD";
  const headers: Record<string, string | string[]> = {};
  for (const name of Object.keys(answer.headers)) {
    const value = answer.headers[name];
    if (value !== undefined) headers[name] = typeof value === "string" ? value : [...value];
  }
  if (answer.body instanceof Uint8Array && answer.status !== 304)
    headers["content-length"] = String(answer.body.length);
  if (unread && isHttp1) headers["connection"] = "close";
  (response as ServerResponse).writeHead(answer.status, headers);
  if (request.method === "HEAD") {
    if (!(answer.body instanceof Uint8Array)) await answer.body[Symbol.asyncIterator]().return?.();
    await end(response, undefined, onSent);
  } else if (answer.body instanceof Uint8Array) {
    await end(response, answer.body, onSent);
  } else {
    (response as ServerResponse).flushHeaders();
    for await (const chunk of answer.body) {
      if (signal.aborted) return;
      if ((response as ServerResponse).write(chunk)) continue;
      const cancelStall = stall?.schedule();
      await drained(response, signal);
      cancelStall?.();
    }
    if (signal.aborted) return;
    await end(response, undefined, onSent);
  }
  if (unread && isHttp1 && !request.complete) request.socket.destroy();
}

/** Ends an upload that nobody wants. Not at once: a reset would overtake the answer, and Go's clients would never see it. */
function endUpload({ stream }: Http2ServerRequest, clock: Clock): void {
  if (stream.closed) return;
  stream.once(
    "close",
    clock.schedule(lingerMs, () => stream.close(constants.NGHTTP2_NO_ERROR)),
  );
}

function end(response: Response, body: Uint8Array | undefined, onSent: (() => void) | undefined): Promise<void> {
  return new Promise((resolve) => {
    response.once("close", resolve);
    (response as ServerResponse).end(body, () => {
      onSent?.();
      resolve();
    });
  });
}

function drained(response: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

/** Ends an answer that cannot be finished so that the client sees it is cut. */
function cut(response: Response): void {
  if ("stream" in response && response.stream) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

async function serveUpgradeRequest(
  connection: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  options: {
    readonly handler: ApiHandler;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly log: Logger;
  },
): Promise<void> {
  const { request, socket, head } = connection;
  const { handler, clock, signal, log } = options;
  const aborted = new AbortController();
  const abort = () => aborted.abort(new DOMException("The connection ended", "AbortError"));
  socket.on("error", () => {});
  socket.once("close", abort);
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (!hasOneHost(request)) return refuse(socket, { status: 400, headers: {}, body: new Uint8Array() });
    const answer = await handler.connect(toApiRequest(request), {
      remoteAddress: request.socket.remoteAddress,
      credentials: credentialsOf(request),
      signal: aborted.signal,
    });
    if ("response" in answer) return refuse(socket, await whole(answer.response));
    if ("tunnel" in answer) {
      if (head.length > 0) socket.unshift(head);
      return await joinTunnel(socket, answer.tunnel);
    }
    await serveUpgrade(connection, answer.choice, answer.target, { clock, signal: aborted.signal });
  } catch (error) {
    if (!aborted.signal.aborted) log.warn("Cannot serve an upgrade", { error: errorMessage(error) });
  } finally {
    signal.removeEventListener("abort", abort);
    (socket as Socket).destroySoon();
  }
}

/** An answer whose body is known at once; a long one is cut. */
async function whole(response: ApiResponse): Promise<ApiResponse> {
  if (response.body instanceof Uint8Array) return response;
  const { "content-length": _length, ...headers } = response.headers;
  const body = await readBody(response.body, maxRefusalBytes).catch(() => new Uint8Array());
  return { ...response, headers, body };
}

/** Answers without switching protocols, and closes: nothing that follows on this connection may be taken for a request. */
function refuse(socket: Duplex, { status, headers, body }: ApiResponse): void {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array();
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    ...Object.entries(headers).flatMap(([name, value]) =>
      (typeof value === "string" ? [value] : value).map((text) => `${name}: ${text}`),
    ),
    `content-length: ${bytes.length}`,
    "connection: close",
  ];
  socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), bytes]));
}

function toApiRequest(request: Request): ApiRequest {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  const sent = request.headers;
  for (const name of Object.keys(sent)) {
    const value = sent[name];
    if (value === undefined || name.startsWith(":")) continue;
    headers[name] = Array.isArray(value) ? value.join(", ") : String(value);
  }
  if (headers["host"] === undefined && "authority" in request) headers["host"] = request.authority;
  return {
    method: request.method as ApiRequest["method"],
    path: request.url ?? "/",
    headers,
    body: request as AsyncIterable<Uint8Array>,
  };
}

/** What a request shows besides its headers as they are joined. */
function credentialsOf(request: Request): Omit<Credentials, "headers"> {
  const { rawHeaders } = request;
  return {
    certificate: certificateOf(request),
    values: (name) => rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name),
  };
}

const certificates = new WeakMap<object, ClientCertificate | null>();

/** The client's certificate, when one of the listener's authorities signed it. Looked up once for each connection. */
function certificateOf(request: Request): ClientCertificate | undefined {
  const socket = request.socket as TLSSocket;
  // Over HTTP/2 every request has its own view of the socket.
  const connection = ("stream" in request ? request.stream.session : undefined) ?? socket;
  const known = certificates.get(connection);
  if (known !== undefined) return known ?? undefined;
  const shown = socket.authorized ? socket.getPeerCertificate(true) : undefined;
  const found = shown?.subject && describe(shown);
  certificates.set(connection, found ?? null);
  return found;
}

function describe(shown: DetailedPeerCertificate): ClientCertificate {
  const organizations = (shown.subject.O ?? []) as string | readonly string[];
  const authorities: string[] = [];
  for (let one = shown; one.issuerCertificate && one.issuerCertificate !== one; ) {
    one = one.issuerCertificate;
    authorities.push(fingerprint(one.raw));
  }
  return {
    commonName: String(shown.subject.CN ?? ""),
    organizations: typeof organizations === "string" ? [organizations] : organizations,
    fingerprint: fingerprint(shown.raw),
    authorities,
  };
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
