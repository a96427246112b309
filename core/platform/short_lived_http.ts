import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as sendHttp } from "node:http";
import { Agent as HttpsAgent, request as sendHttps } from "node:https";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";

/** A request over a kept connection. */
export interface PooledRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly signal: AbortSignal;
}

/** An answer; its body must be read, or its iteration be left, for the connection to be used again. */
export interface PooledResponse {
  readonly statusCode: number;
  /** Lower-case names; a list where there are several lines. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Kept connections to one server. */
export interface HttpPool {
  /** @throws Error the network's, with a code; `UND_ERR_…_TIMEOUT` when nothing came in time */
  request(request: PooledRequest): Promise<PooledResponse>;
  /** Closes all, those that are in use too. */
  destroy(): Promise<void>;
}

/** How {@linkcode shortLivedHttpPool} connects. */
export interface HttpPoolOptions {
  readonly tls?: Pick<ConnectionOptions, "ca" | "cert" | "key" | "rejectUnauthorized" | "servername">;
  /** Opens the connections, with TLS where it is wanted. Absent: they go to the host of the origin. */
  readonly dial?: (() => Promise<Socket>) | undefined;
  readonly connectTimeoutMs: number;
  /** Until the head of an answer. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of a body; 0: without limit. */
  readonly bodyTimeoutMs: number;
  readonly maxConnections: number;
  /** Idle milliseconds after which a connection goes. */
  readonly keptIdleMs: number;
  /** Idle milliseconds after which the system probes the peer. */
  readonly keepAliveProbeMs: number;
}

/**
 * Connections for a program that sends a few requests and ends: the runtime's own HTTP client is there ten times sooner
 * than undici, which is faster with thousands of requests.
 *
 * @param origin `https://host:port`
 */
export function shortLivedHttpPool(origin: string, options: HttpPoolOptions): HttpPool {
  const url = new URL(origin);
  const { dial, tls, maxConnections } = options;
  const kept = { keepAlive: true, maxSockets: maxConnections, timeout: options.keptIdleMs };
  // What is dialled speaks TLS already.
  const isTls = url.protocol === "https:" && !dial;
  const agent = isTls ? new HttpsAgent({ ...kept, ...tls }) : new HttpAgent(kept);
  if (dial) agent.createConnection = dialling(dial);
  const send = isTls ? sendHttps : sendHttp;
  return {
    request: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const request = send({
          agent,
          hostname: url.hostname.replace(/^\[|\]$/g, ""),
          port: url.port || undefined,
          method,
          path,
          headers: { host: url.host, ...lengthHeaders(body), ...headers },
          signal,
        });
        const stop = limitWaiting(request, options);
        request.once("error", (error) => {
          stop();
          reject(error);
        });
        request.once("response", (answer) => {
          stop();
          resolve({
            statusCode: answer.statusCode ?? 0,
            headers: headersOf(answer),
            body: bodyOf(answer, options.bodyTimeoutMs),
          });
        });
        if (body === null || body instanceof Uint8Array) request.end(body ?? undefined);
        else void sendPieces(request, body);
      }),
    async destroy() {
      agent.destroy();
    },
  };
}

type CreateConnection = HttpAgent["createConnection"];

function dialling(dial: () => Promise<Socket>): CreateConnection {
  return (_options, callback) => {
    dial().then(
      (socket) => callback?.(null, socket),
      (error: unknown) => callback?.(error as Error, undefined as unknown as Socket),
    );
    return undefined;
  };
}

/** Without them Node would end a DELETE before its body. */
function lengthHeaders(body: PooledRequest["body"]): Record<string, string> {
  if (body === null) return {};
  return body instanceof Uint8Array
    ? { "content-length": String(body.byteLength) }
    : { "transfer-encoding": "chunked" };
}

/** Ends the request when there is no connection in time, or no head of an answer. @returns what stops watching */
function limitWaiting(
  request: ClientRequest,
  { connectTimeoutMs, headersTimeoutMs, keepAliveProbeMs }: HttpPoolOptions,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = (ms: number, code: string, message: string) => {
    clearTimeout(timer);
    timer = setTimeout(() => request.destroy(Object.assign(new Error(message), { code })), ms);
  };
  const onReady = () => limit(headersTimeoutMs, "UND_ERR_HEADERS_TIMEOUT", "No answer in time");
  request.once("socket", (socket) => {
    socket.setKeepAlive(true, keepAliveProbeMs);
    if (!socket.connecting) return onReady();
    limit(connectTimeoutMs, "UND_ERR_CONNECT_TIMEOUT", "No connection in time");
    socket.once("encrypted" in socket ? "secureConnect" : "connect", onReady);
  });
  return () => clearTimeout(timer);
}

async function sendPieces(request: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const piece of body) {
      if (request.destroyed) return;
      if (!request.write(piece)) await new Promise((resolve) => request.once("drain", resolve).once("close", resolve));
    }
    request.end();
  } catch (error) {
    request.destroy(error as Error);
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? "";
    const value = rawHeaders[at + 1] ?? "";
    const before = headers[name];
    headers[name] = before === undefined ? value : [...(typeof before === "string" ? [before] : before), value];
  }
  return headers;
}

/** The pieces as they come. The time that the reader takes does not count. */
async function* bodyOf(answer: IncomingMessage, timeoutMs: number): AsyncGenerator<Uint8Array, void, void> {
  const pieces = answer[Symbol.asyncIterator]();
  try {
    while (true) {
      const timer = timeoutMs > 0 ? setTimeout(() => answer.destroy(bodyTimeout()), timeoutMs) : undefined;
      const piece = await pieces.next().finally(() => clearTimeout(timer));
      if (piece.done) return;
      yield piece.value as Uint8Array;
    }
  } finally {
    await pieces.return?.();
  }
}

function bodyTimeout(): Error {
  return Object.assign(new Error("The answer stopped in the middle"), { code: "UND_ERR_BODY_TIMEOUT" });
}
