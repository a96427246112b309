import type { IncomingMessage } from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import type { CertificateAndKey } from "../../core/platform/certificates.ts";
import { mendTlsReading } from "../../core/platform/tls_reading.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { ApiHandler } from "./handle.ts";
import type { IncomingRequest } from "./incoming_request.ts";
import { type OutgoingResponse, serveRequest } from "./serve_request.ts";
import { serveUpgradeRequest } from "./serve_upgrade_request.ts";

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
/** Above the 90 s after which Go's clients drop idle connections, so that they never write into one that is being closed. */
const idleTimeoutMs = 120_000;
const keepAliveProbeMs = 15_000;
const maxHeaderBytes = 64 * 1024;
const maxConcurrentStreams = 250;

/**
 * Serves `handler` over TLS: HTTP/2 and HTTP/1.1 on one port, upgrades over HTTP/1.1.
 *
 * @throws Error that names the address when it cannot be listened on
 */
export async function listenApi(options: ListenOptions): Promise<ApiListener> {
  const { handler, host, port, tls, clock, log } = options;
  const { requestTimeoutMs = defaultRequestTimeoutMs, stallTimeoutMs = defaultStallTimeoutMs } = options;
  mendTlsReading();
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
  server.on("request", (request: IncomingRequest, response: OutgoingResponse) => {
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

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
