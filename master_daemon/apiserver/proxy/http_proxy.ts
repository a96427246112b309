import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { StatusError } from "../../../core/api/status.ts";
import { ObjectBody } from "../../../core/client/object_body.ts";
import type { ApiRequest, ApiResponse } from "../../../core/client/transport.ts";
import { errorMessage } from "../../../core/util/log.ts";

/** Where a proxied request goes. */
export interface Backend {
  /** Opens a connection to it. @throws StatusError */
  dial(): Promise<Duplex>;
  /** TLS over the connection; absent: plain HTTP. */
  readonly tls?: BackendTls | undefined;
  /** The `Host` header. */
  readonly host: string;
}

/** How a backend is spoken to over TLS. */
export interface BackendTls {
  /** Name that the certificate must be for; sent as SNI too. */
  readonly serverName?: string | undefined;
  /** Authorities to trust, PEM. */
  readonly authority?: string | undefined;
  /** Whether the certificate is checked. Default: where there is an `authority`; without one against the system's. */
  readonly verify?: boolean | undefined;
  /** Certificate and key to show, PEM. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
}

/** What is sent on to a backend. */
export interface ProxiedRequest {
  readonly request: ApiRequest;
  /** Path and query on the backend. */
  readonly path: string;
  /** Headers besides those of the request; they replace what the client sent under their names. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly signal: AbortSignal;
}

/** A connection that the backend took over, with the bytes of its answer's head. */
export interface Tunnel {
  readonly head: Uint8Array;
  readonly backend: Duplex;
}

/** What became of an upgrade: the backend switched protocols, or it answered. */
export type TunnelAnswer = { readonly tunnel: Tunnel } | { readonly response: ApiResponse };

/** Only meant for the next hop. @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Whatever says who the caller is stays here: the backend could use it against this server. */
function isCredential(name: string): boolean {
  return name === "authorization" || name.startsWith("impersonate-") || name.startsWith("x-remote-");
}

const methodsWithBody = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/**
 * Sends a request on and gives back the answer as it comes: redirects are the client's to follow.
 *
 * @throws StatusError ServiceUnavailable when the backend cannot be reached
 */
export async function forward(backend: Backend, proxied: ProxiedRequest): Promise<ApiResponse> {
  const { request, signal } = proxied;
  const { response } = await send(backend, proxied, forwardedHeaders(request.headers));
  const end = () => response.destroy();
  signal.addEventListener("abort", end, { once: true });
  response.once("close", () => signal.removeEventListener("abort", end));
  return { status: response.statusCode ?? 502, headers: answeredHeaders(response), body: response };
}

/**
 * Sends an upgrade request on. When the backend does not switch protocols, its answer is given back, and the connection
 * is of no more use: nothing that follows on it may reach the backend.
 *
 * @throws StatusError ServiceUnavailable when the backend cannot be reached
 */
export async function openTunnel(backend: Backend, proxied: ProxiedRequest): Promise<TunnelAnswer> {
  const { headers } = proxied.request;
  const upgrade = { connection: "Upgrade", upgrade: headers["upgrade"] ?? "" };
  const { response, socket } = await send(backend, proxied, { ...forwardedHeaders(headers), ...upgrade });
  if (!socket)
    return { response: { status: response.statusCode ?? 502, headers: answeredHeaders(response), body: response } };
  return { tunnel: { head: headOf(response), backend: socket } };
}

/** Joins both ends of a tunnel until either closes; each half to its own end. */
export async function joinTunnel(client: Duplex, { head, backend }: Tunnel): Promise<void> {
  client.write(head);
  const closed = [client, backend].map((end) => new Promise<void>((resolve) => end.once("close", () => resolve())));
  for (const [end, other] of [
    [client, backend],
    [backend, client],
  ] as const) {
    end.on("error", () => other.destroy());
    // What was read to its end was passed on whole; what was cut cuts the other side too.
    end.once("close", () => (end.readableEnded ? other.end() : other.destroy()));
    end.pipe(other);
  }
  await Promise.all(closed);
}

function send(
  backend: Backend,
  { request, path, headers, signal }: ProxiedRequest,
  forwarded: Record<string, string | readonly string[]>,
): Promise<{ readonly response: IncomingMessage; readonly socket?: Duplex }> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(unreachable(error));
    connectTo(backend).then((connection) => {
      if (signal.aborted) {
        connection.destroy();
        return reject(signal.reason as Error);
      }
      const outgoing = httpRequest({
        method: request.method,
        path,
        headers: { ...forwarded, ...copyHeaders(headers), host: backend.host },
        setHost: false,
        createConnection: () => connection,
      });
      const abort = () => outgoing.destroy(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      outgoing.once("close", () => signal.removeEventListener("abort", abort));
      outgoing.once("error", fail);
      outgoing.once("response", (response) => {
        response.once("close", () => connection.destroy());
        resolve({ response });
      });
      outgoing.once("upgrade", (response, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve({ response, socket });
      });
      void sendBody(outgoing, request);
    }, fail);
  });
}

async function sendBody(outgoing: ClientRequest, { method, body }: ApiRequest): Promise<void> {
  if (body === undefined || !methodsWithBody.has(method)) {
    outgoing.end();
    return;
  }
  if (body instanceof Uint8Array) {
    outgoing.end(body instanceof ObjectBody ? body.toBytes() : body);
    return;
  }
  try {
    for await (const chunk of body) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(chunk)) await drained(outgoing);
    }
    outgoing.end();
  } catch (error) {
    outgoing.destroy(error as Error);
  }
}

function drained(stream: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    stream.once("drain", resolve);
    stream.once("close", resolve);
  });
}

async function connectTo({ dial, tls }: Backend): Promise<Duplex> {
  const socket = await dial();
  socket.on("error", () => {});
  if (!tls) return socket;
  const secure = connect({
    socket,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: tls.verify ?? tls.authority !== undefined,
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(tls.authority === undefined ? {} : { ca: tls.authority }),
    ...(tls.client ? { cert: tls.client.certificate, key: tls.client.key } : {}),
  });
  return new Promise((resolve, reject) => {
    secure.once("error", (error) => {
      socket.destroy();
      reject(error);
    });
    secure.once("secureConnect", () => resolve(secure));
  });
}

function unreachable(error: unknown): StatusError {
  const cause = error instanceof StatusError ? error.status.message : errorMessage(error);
  return StatusError.unavailable(`error trying to reach service: ${cause}`);
}

function forwardedHeaders(headers: ApiRequest["headers"]): Record<string, string> {
  const named = connectionTokens(headers["connection"]);
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !hopByHop.has(name) && !named.has(name) && !isCredential(name) && name !== "host",
    ),
  );
}

function answeredHeaders({ headers }: IncomingMessage): Record<string, string | readonly string[]> {
  const named = connectionTokens(headers.connection);
  return copyHeaders(
    Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !named.has(name))),
  );
}

function copyHeaders(
  headers: IncomingHttpHeaders | Readonly<Record<string, string | readonly string[]>> = {},
): Record<string, string | string[]> {
  const copy: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) copy[name] = typeof value === "string" ? value : [...value];
  return copy;
}

/** The headers that a `Connection` header says are for the next hop only. */
function connectionTokens(header: string | undefined): ReadonlySet<string> {
  return new Set((header ?? "").split(",").map((name) => name.trim().toLowerCase()));
}

function headOf({ statusCode = 101, statusMessage = "", rawHeaders }: IncomingMessage): Uint8Array {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let index = 0; index < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
