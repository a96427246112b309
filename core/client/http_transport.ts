import type { ClientOptions } from "ws";
import { allowManyListeners } from "../platform/allow_many_listeners.ts";
import type { DialOptions } from "../platform/dial.ts";
import type { HttpPool } from "../platform/short_lived_http.ts";
import type { UpgradeAnswer } from "../platform/upgrade_connection.ts";
import { compact } from "../util/compact.ts";
import { connectionError } from "./connection_error.ts";
import type { ApiRequest, ApiResponse, ConnectRequest, MessageStream, Transport, UpgradeOptions } from "./transport.ts";

/** Whom to act as, when the credentials allow it. @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation */
export interface Impersonation {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Options of {@linkcode httpTransport}. */
export interface HttpTransportOptions {
  /** `https://host:port`, with a path where the API is not at the root. Without a scheme: https when there is a `ca` or `cert`, else http. */
  readonly server: string;
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string | Uint8Array | undefined;
  /** PEM of the client's certificate. */
  readonly cert?: string | Uint8Array | undefined;
  /** PEM of the client's private key. */
  readonly key?: string | Uint8Array | undefined;
  /** Bearer token, or what gives the present one. */
  readonly token?: string | (() => Promise<string>) | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** Name to expect in the server's certificate, instead of the host's. */
  readonly tlsServerName?: string | undefined;
  readonly impersonate?: Impersonation | undefined;
  /** Proxy to go through: `http://`, `https://` or `socks5://`. */
  readonly proxy?: URL | undefined;
  /** Called when the server does not know the credentials, which may be renewed then. */
  readonly onUnauthorized?: (() => void) | undefined;
  /** Default `wherry`. */
  readonly userAgent?: string | undefined;
  /** Milliseconds to wait for the head of an answer, and between two pieces of its body (watches and logs: only the head). Default 75000: the server's own limit is 60 s. */
  readonly requestTimeoutMs?: number | undefined;
  /** Whether a few requests are sent by a program that ends then: what loads fast is taken, not what is fast with thousands. Default false. */
  readonly shortLived?: boolean | undefined;
  /** File that keeps the TLS session with a server on this machine for the next program. Default: none is kept. */
  readonly sessionPath?: string | undefined;
}

/** Connections for requests that are soon over. Watches and followed logs have their own, without limit. */
const maxConnections = 16;
/** Idle milliseconds after which a kept connection goes, which costs memory at both ends: what comes every ten seconds, as a node's lease, keeps one. */
const keptIdleMs = 15_000;
const connectTimeoutMs = 10_000;
/** Idle milliseconds after which the system probes the peer: a dead one is noticed within half a minute. */
const keepAliveProbeMs = 15_000;
const maxMessageBytes = 64 * 1024 * 1024;
const longRunning = /[?&](watch|follow)=(true|1)(&|$)/;

/**
 * Reaches an API over HTTP/1.1 with kept connections, and over WebSockets. As kubectl's, its credentials are sent over https only.
 *
 * @throws TypeError when `server` is no http or https URL
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #url: URL;
  readonly #address: string;
  readonly #prefix: string;
  #pools: Promise<Pools> | undefined;
  readonly #closing = new AbortController();

  constructor(options: HttpTransportOptions) {
    allowManyListeners(this.#closing.signal);
    this.#options = options;
    this.#url = serverUrl(options);
    this.#address = `${this.#url.hostname}:${this.#url.port || (this.#url.protocol === "https:" ? 443 : 80)}`;
    this.#prefix = this.#url.pathname.replace(/\/+$/, "");
  }

  /** The connections, made with the first request: undici takes longer to load than many a program that never sends one. */
  #open(): Promise<Pools> {
    this.#closing.signal.throwIfAborted();
    this.#pools ??= openPools(this.#url, this.#options, this.#dialOptions());
    return this.#pools;
  }

  async request(request: ApiRequest, { signal }: { readonly signal: AbortSignal }): Promise<ApiResponse> {
    signal.throwIfAborted();
    const { requests, streams } = await this.#open();
    const pool = longRunning.test(request.path) ? streams : requests;
    const headers = { ...request.headers, ...(await this.#ownHeaders()) };
    const send = () =>
      pool.request({
        method: request.method,
        path: this.#prefix + request.path,
        headers,
        body: request.body ?? null,
        signal,
      });
    try {
      const response = await send().catch((error: unknown) => {
        if (!signal.aborted && isIdempotent(request) && isLostConnection(error)) return send();
        throw error;
      });
      if (response.statusCode === 401) this.#options.onUnauthorized?.();
      return {
        status: response.statusCode,
        headers: compact<ApiResponse["headers"]>(response.headers),
        body: this.#body(response.body, signal),
      };
    } catch (error) {
      signal.throwIfAborted();
      throw connectionError(this.#address, error);
    }
  }

  async *#body(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* body;
    } catch (error) {
      signal.throwIfAborted();
      throw connectionError(this.#address, error);
    }
  }

  async upgrade(request: ApiRequest, { protocols, signal }: UpgradeOptions): Promise<MessageStream> {
    const { openWebSocket } = await import("./open_web_socket.ts");
    const client: ClientOptions = {
      ...tlsOptions(this.#options),
      // Lists become one header line each; the types of ws know single ones only.
      headers: { ...request.headers, ...((await this.#ownHeaders()) as Record<string, string>) },
      perMessageDeflate: false,
      handshakeTimeout: this.#options.requestTimeoutMs ?? 75_000,
      maxPayload: maxMessageBytes,
      followRedirects: false,
    };
    if (this.#options.proxy) {
      const connection = await this.#dial();
      client.createConnection = () => connection;
    }
    return await openWebSocket({
      url: `${this.#url.origin.replace(/^http/, "ws")}${this.#prefix}${request.path}`,
      protocols,
      client,
      signal,
      closing: this.#closing.signal,
      keepAliveProbeMs,
      toError: (error) => connectionError(this.#address, error),
    });
  }

  async connect(
    { method, path, headers }: ConnectRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<UpgradeAnswer> {
    const { upgradeConnection } = await import("../platform/upgrade_connection.ts");
    signal.throwIfAborted();
    const answer = await upgradeConnection(
      {
        method,
        path: this.#prefix + path,
        host: this.#url.host,
        headers: { ...headers, ...(await this.#ownHeaders()) },
      },
      this.#dialOptions(),
    ).catch((error: unknown) => {
      throw connectionError(this.#address, error);
    });
    const { socket } = answer;
    if (!socket) return answer;
    const endings = [signal, this.#closing.signal];
    const close = () => socket.destroy();
    for (const ending of endings) ending.addEventListener("abort", close, { once: true });
    socket.once("close", () => {
      for (const ending of endings) ending.removeEventListener("abort", close);
    });
    if (endings.some(({ aborted }) => aborted)) close();
    signal.throwIfAborted();
    return answer;
  }

  #dialOptions(): DialOptions {
    const { proxy, requestTimeoutMs } = this.#options;
    const isTls = this.#url.protocol === "https:";
    return {
      hostname: this.#url.hostname,
      port: Number(this.#url.port) || (isTls ? 443 : 80),
      tls: isTls ? tlsOptions(this.#options) : undefined,
      proxy,
      timeoutMs: Math.min(connectTimeoutMs, requestTimeoutMs ?? connectTimeoutMs),
      keepAliveProbeMs,
    };
  }

  async #dial(): ReturnType<typeof import("../platform/dial.ts").dial> {
    const { dial } = await import("../platform/dial.ts");
    return await dial(this.#dialOptions()).catch((error: unknown) => {
      throw connectionError(this.#address, error);
    });
  }

  async #ownHeaders(): Promise<Record<string, string | string[]>> {
    const { userAgent = "wherry", impersonate } = this.#options;
    return {
      "user-agent": userAgent,
      ...(this.#url.protocol === "https:" ? await this.#credentials() : {}),
      ...(impersonate ? impersonationHeaders(impersonate) : {}),
    };
  }

  async #credentials(): Promise<Record<string, string>> {
    const { token, username, password } = this.#options;
    const bearer = typeof token === "function" ? await token() : token;
    if (bearer) return { authorization: `Bearer ${bearer}` };
    if (username === undefined) return {};
    const bytes = new TextEncoder().encode(`${username}:${password ?? ""}`);
    return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const pools = await this.#pools;
    await Promise.all([pools?.requests.destroy(), pools?.streams.destroy()]);
  }
}

interface Pools {
  /** For requests that are soon over. */
  readonly requests: HttpPool;
  /** For watches and followed logs: as many as there are. */
  readonly streams: HttpPool;
}

async function openPools(url: URL, options: HttpTransportOptions, dialing: DialOptions): Promise<Pools> {
  const { mendTlsReading } = await import("../platform/tls_reading.ts");
  mendTlsReading();
  const timeoutMs = options.requestTimeoutMs ?? 75_000;
  const sessions = options.sessionPath
    ? (await import("./tls_sessions.ts")).tlsSessions(options.sessionPath, options, url)
    : undefined;
  const { dial } = options.proxy || sessions ? await import("../platform/dial.ts") : { dial: undefined };
  const common = {
    tls: tlsOptions(options),
    dial: dial && (() => dial({ ...dialing, sessions })),
    connectTimeoutMs,
    headersTimeoutMs: timeoutMs,
    keptIdleMs,
    keepAliveProbeMs,
  };
  const open = options.shortLived
    ? (await import("../platform/short_lived_http.ts")).shortLivedHttpPool
    : (await import("../platform/undici_http.ts")).undiciHttpPool;
  return {
    requests: open(url.origin, { ...common, maxConnections, bodyTimeoutMs: timeoutMs }),
    streams: open(url.origin, { ...common, maxConnections: Number.POSITIVE_INFINITY, bodyTimeoutMs: 0 }),
  };
}

function serverUrl({ server, ca, cert, insecureSkipTlsVerify }: HttpTransportOptions): URL {
  const scheme = ca || cert || insecureSkipTlsVerify ? "https" : "http";
  const text = server.includes("://") ? server : `${scheme}://${server}`;
  if (!URL.canParse(text) || !/^https?:/i.test(text))
    throw new TypeError(`Cannot connect: the server must be an http:// or https:// URL, got "${server}"`);
  return new URL(text);
}

interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

function tlsOptions({ ca, cert, key, insecureSkipTlsVerify, tlsServerName }: HttpTransportOptions): TlsOptions {
  return compact<TlsOptions>({
    // Plain bytes serve as well as Buffers here; only the types insist.
    ca: ca as string | Buffer | undefined,
    cert: cert as string | Buffer | undefined,
    key: key as string | Buffer | undefined,
    rejectUnauthorized: insecureSkipTlsVerify ? false : undefined,
    servername: tlsServerName,
  });
}

function impersonationHeaders({
  user,
  uid,
  groups = [],
  extra = {},
}: Impersonation): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { "impersonate-user": user };
  if (uid) headers["impersonate-uid"] = uid;
  if (groups.length > 0) headers["impersonate-group"] = [...groups];
  for (const [key, values] of Object.entries(extra))
    headers[`impersonate-extra-${encodeURIComponent(key.toLowerCase())}`] = [...values];
  return headers;
}

function isIdempotent({ method }: ApiRequest): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** Whether a kept connection ended under the request, as when the server closes idle ones: worth one more try. */
function isLostConnection(error: unknown): boolean {
  const code = error instanceof Error ? (error as Error & { code?: string }).code : undefined;
  return code === "UND_ERR_SOCKET" || code === "ECONNRESET" || code === "EPIPE";
}
