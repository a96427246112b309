import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { mendTlsReading } from "../../core/platform/tls_reading.ts";
import { errorMessage } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { Handler, type HandlerOptions } from "./server/handler.ts";

/** Options of {@linkcode startKubeletServer}. */
export interface KubeletServerOptions extends HandlerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Certificate and key of this server, PEM. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Authority, PEM, that signs the certificates of the API servers, who may ask, and of others, who may not. */
  readonly clientCa: string;
}

/** A listening server. Disposing it ends every stream. */
export interface KubeletServer extends AsyncDisposable {
  readonly port: number;
}

/** Commands of exec travel in the request line. */
const maxHeaderBytes = 256 * 1024;

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
  mendTlsReading();
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

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}
