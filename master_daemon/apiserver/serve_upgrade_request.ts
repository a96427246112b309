import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ApiResponse, readBody } from "../../core/client/transport.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { ApiHandler } from "./handle.ts";
import { credentialsOf, hasOneHost, toApiRequest } from "./incoming_request.ts";
import { joinTunnel } from "./proxy/http_proxy.ts";
import { serveUpgrade } from "./streaming/upgrade.ts";

/** Bytes of a backend's refusal to upgrade that are passed on. */
const maxRefusalBytes = 64 * 1024;

/** Serves a request to switch protocols until its connection ends. Never rejects: what goes wrong is logged. */
export async function serveUpgradeRequest(
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
