import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { joinStreams } from "./join_streams.ts";
import type { UpgradeAnswer } from "./upgrade_connection.ts";

/** A request as it came. */
export interface IncomingRequest {
  readonly method: string;
  /** As on the request line. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborted when the one who asked goes away. */
  readonly signal: AbortSignal;
}

/** What is answered. */
export interface OutgoingResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** A server that listens. */
export interface HttpServer {
  /** `127.0.0.1:8001`, or the path of a Unix socket. */
  readonly address: string;
  close(): void;
}

/** Where to listen: an address and port (0: a free one), or the path of a Unix socket. */
export type ListenWhere = { readonly address: string; readonly port: number } | { readonly unixSocket: string };

/** Who answers. What they throw is answered with 500. */
export interface HttpHandler {
  handle(request: IncomingRequest): Promise<OutgoingResponse>;
  /** Answers a request to go on as something else. A connection that it gives is joined with the one that asked. */
  connect(request: Omit<IncomingRequest, "body">): Promise<UpgradeAnswer>;
}

/**
 * Serves plain HTTP for programs of this machine.
 *
 * @throws Error when it cannot be listened there
 */
export async function serveHttp(where: ListenWhere, handler: HttpHandler): Promise<HttpServer> {
  const server = createServer((request, response) => {
    answer(request, response, handler).catch(() => response.destroy());
  });
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (request, socket, head) => {
    upgraded.add(socket.once("close", () => upgraded.delete(socket)));
    socket.on("error", () => {});
    if (head.length > 0) socket.unshift(head);
    answerUpgrade(request, socket, handler).catch(() => socket.destroy());
  });
  server.listen("unixSocket" in where ? { path: where.unixSocket } : { host: where.address, port: where.port });
  await once(server, "listening");
  const { address, port } = "unixSocket" in where ? { address: "", port: 0 } : (server.address() as AddressInfo);
  return {
    address: "unixSocket" in where ? where.unixSocket : `${address.includes(":") ? `[${address}]` : address}:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, handler: HttpHandler): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort(clientGone()));
  const result = await handler.handle({ ...incoming(request, gone.signal), body: request }).catch(failure);
  response.writeHead(result.status, result.headers as Record<string, string | string[]>);
  if (result.body instanceof Uint8Array) {
    response.end(result.body);
    return;
  }
  // Of a watch the head counts before there is anything to tell.
  response.flushHeaders();
  for await (const chunk of result.body)
    if (!response.write(chunk)) await once(response, "drain", { signal: gone.signal });
  response.end();
}

async function answerUpgrade(request: IncomingMessage, socket: Duplex, handler: HttpHandler): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => gone.abort(clientGone()));
  const result = await handler
    .connect(incoming(request, gone.signal))
    .catch((error: unknown): UpgradeAnswer => ({ ...failure(error), socket: undefined }));
  const { status, body, socket: other } = result;
  const headers = {
    ...result.headers,
    ...(other ? {} : { connection: "close", "content-length": String(body.length) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, ...lines, "", ""].join("\r\n"));
  if (other) await joinStreams(socket, other);
  else socket.end(body);
}

function incoming(request: IncomingMessage, signal: AbortSignal): Omit<IncomingRequest, "body"> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  const { method = "GET", url: path = "/" } = request;
  return { method, path, headers, signal };
}

function clientGone(): DOMException {
  return new DOMException("The client went away", "AbortError");
}

function failure(error: unknown): {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
} {
  const body = new TextEncoder().encode(`${error instanceof Error ? error.message : String(error)}\n`);
  return { status: 500, headers: { "content-type": "text/plain" }, body };
}
