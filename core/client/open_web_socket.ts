import type { ClientOptions } from "ws";
import { StatusError } from "../api/status.ts";
import { mendTlsReading } from "../platform/tls_reading.ts";
import { compact } from "../util/compact.ts";
import { readStatusError } from "./read_status_error.ts";
import type { ApiResponse, MessageStream } from "./transport.ts";
import { webSocketStream } from "./web_socket_stream.ts";

/** What {@linkcode openWebSocket} opens, and how. */
export interface OpenWebSocketOptions {
  readonly url: string;
  /** Stream protocols to offer, the wanted one first. */
  readonly protocols: readonly string[];
  readonly client: ClientOptions;
  readonly signal: AbortSignal;
  /** Aborted when the transport is closed. */
  readonly closing: AbortSignal;
  /** Idle milliseconds after which the system probes the peer. */
  readonly keepAliveProbeMs: number;
  /** What a failure of the connection is thrown as. */
  toError(error: unknown): Error;
}

const maxErrorBytes = 1024 * 1024;

/**
 * Opens a WebSocket by one of the protocols.
 *
 * @throws StatusError when the server refuses, or speaks none of them; else what `toError` says
 */
export async function openWebSocket(options: OpenWebSocketOptions): Promise<MessageStream> {
  const { signal, closing, keepAliveProbeMs, toError } = options;
  const { WebSocket } = await import("ws");
  mendTlsReading();
  signal.throwIfAborted();
  if (closing.aborted) throw new DOMException("The transport was closed", "AbortError");
  const names = new Map(options.protocols.map((name) => [tokenOf(name), name]));
  const socket = new WebSocket(options.url, [...names.keys()], {
    ...options.client,
    finishRequest(request) {
      if (names.size > 0) request.setHeader("sec-websocket-protocol", [...names.values()].join(","));
      request.end();
    },
  });
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.terminate();
      reject(signal.reason);
    };
    const close = () => socket.terminate();
    closing.addEventListener("abort", close, { once: true });
    socket.once("close", () => {
      signal.removeEventListener("abort", onAbort);
      closing.removeEventListener("abort", close);
    });
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => reject(signal.aborted ? signal.reason : (refusalOf(error) ?? toError(error))));
    socket.once("upgrade", ({ headers, socket: connection }) => {
      connection.setKeepAlive(true, keepAliveProbeMs);
      const chosen = headers["sec-websocket-protocol"];
      if (chosen !== undefined && names.get(tokenOf(chosen)) === chosen)
        headers["sec-websocket-protocol"] = tokenOf(chosen);
    });
    socket.once("open", () => {
      signal.removeEventListener("abort", onAbort);
      const protocol = names.get(socket.protocol) ?? socket.protocol;
      resolve({ ...webSocketStream(socket, { signal, toError }), protocol });
    });
    socket.once("unexpected-response", (_request, response) => {
      const { statusCode: status = 500, headers } = response;
      readStatusError({ status, headers: compact<ApiResponse["headers"]>(headers), body: response }, maxErrorBytes)
        .catch((error: unknown) => new StatusError(status, "Unknown", toError(error).message))
        .then(reject)
        .finally(() => socket.terminate());
    });
  });
}

/** A name as `ws` takes it: that of the tunnel for port-forward holds a slash, which RFC 6455 has no place for. */
function tokenOf(name: string): string {
  return name.replaceAll("/", "-");
}

/** An answer that names no protocol is one of a server that knows none of them. */
function refusalOf({ message }: Error): StatusError | undefined {
  if (!/^Server sent (no|an invalid) subprotocol$/.test(message)) return undefined;
  return StatusError.badRequest("the server speaks none of the stream protocols that were offered");
}
