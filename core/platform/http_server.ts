import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

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

/**
 * Serves plain HTTP for programs of this machine. What `handle` throws is answered with 500.
 *
 * @throws Error when it cannot be listened there
 */
export async function serveHttp(
  where: ListenWhere,
  handle: (request: IncomingRequest) => Promise<OutgoingResponse>,
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    answer(request, response, handle).catch(() => response.destroy());
  });
  server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n"));
  server.listen("unixSocket" in where ? { path: where.unixSocket } : { host: where.address, port: where.port });
  await once(server, "listening");
  const { address, port } = "unixSocket" in where ? { address: "", port: 0 } : (server.address() as AddressInfo);
  return {
    address: "unixSocket" in where ? where.unixSocket : `${address.includes(":") ? `[${address}]` : address}:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (request: IncomingRequest) => Promise<OutgoingResponse>,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort(new DOMException("The client went away", "AbortError")));
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  const { method = "GET", url: path = "/" } = request;
  const result = await handle({ method, path, headers, body: request, signal: gone.signal }).catch(
    (error: unknown): OutgoingResponse => ({
      status: 500,
      headers: { "content-type": "text/plain" },
      body: new TextEncoder().encode(`${error instanceof Error ? error.message : String(error)}\n`),
    }),
  );
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
