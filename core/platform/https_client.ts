import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Dispatcher, Pool } from "undici";

/** A connection that carries bytes both ways. */
export type Connection = Duplex;

/** A server that is spoken to again and again over kept connections. */
export interface HttpsServer {
  /** `https://host:port`. */
  readonly origin: string;
  /** PEM of the authorities to trust instead of the system's. */
  readonly authorities?: string | undefined;
  /** Name that the certificate must be for, where it is not the host's. */
  readonly serverName?: string | undefined;
  /** Opens the connections. Absent: they go to the host of `origin`. */
  dial?(): Promise<Duplex>;
}

/** What is sent to a server. */
export interface HttpsRequest {
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
  /** Longest answer that is read. */
  readonly maxBytes: number;
}

/** A server's answer, read to its end. */
export interface HttpsAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Servers whose connections are kept: those longest unused are closed. */
const maxServers = 64;
const maxConnections = 32;
const connectTimeoutMs = 10_000;

/** Posts to https servers, reusing connections. Redirects are answers like others: they are never followed. */
export class HttpsClient implements AsyncDisposable {
  readonly #pools = new Map<string, Promise<Pool>>();

  /**
   * @param key tells servers apart; the same key means the same server
   * @throws Error of the network; RangeError for an answer that is too long; the signal's reason
   */
  async post(key: string, server: HttpsServer, request: HttpsRequest): Promise<HttpsAnswer> {
    const { path, headers, body, signal, maxBytes } = request;
    const pool = await this.#poolOf(key, server);
    signal.throwIfAborted();
    const options: Dispatcher.RequestOptions = { method: "POST", path, headers: { ...headers }, body, signal };
    const response = await pool.request(options);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > maxBytes) throw new RangeError(`the answer is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    const { "content-type": contentType } = response.headers;
    return { status: response.statusCode, contentType: String(contentType ?? ""), body: Buffer.concat(chunks) };
  }

  #poolOf(key: string, server: HttpsServer): Promise<Pool> {
    const known = this.#pools.get(key);
    // Put at the end again: what is used stays.
    this.#pools.delete(key);
    const pool = known ?? openPool(server);
    this.#pools.set(key, pool);
    for (const [oldest, unused] of this.#pools) {
      if (this.#pools.size <= maxServers) break;
      this.#pools.delete(oldest);
      void unused.then((one) => one.close()).catch(() => {});
    }
    return pool;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(async (pool) => (await pool).destroy()));
  }
}

async function openPool({ origin, authorities, serverName, dial }: HttpsServer): Promise<Pool> {
  // Loaded with the first server that is called: most clusters call none.
  const { Pool } = await import("undici");
  const tls = {
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const limits = { connections: maxConnections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 };
  if (!dial) return new Pool(origin, { ...limits, connect: { ...tls, timeout: connectTimeoutMs, allowH2: false } });
  return new Pool(origin, {
    ...limits,
    connect: (_options, callback) => {
      secure(dial, tls).then(
        (socket) => callback(null, socket),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
      );
    },
  });
}

type TlsSocket = ReturnType<typeof connectTls>;

async function secure(dial: () => Promise<Duplex>, tls: { ca?: string; servername?: string }): Promise<TlsSocket> {
  const socket = await dial();
  socket.on("error", () => {});
  return new Promise((resolve, reject) => {
    const over = connectTls({ socket, ALPNProtocols: ["http/1.1"], ...tls });
    over.once("error", (error) => {
      socket.destroy();
      reject(error);
    });
    over.once("secureConnect", () => resolve(over));
  });
}
