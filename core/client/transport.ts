import type { SpdyConnection } from "../platform/spdy.ts";
import type { UpgradeAnswer } from "../platform/upgrade_connection.ts";

/** Who a request is from, once authenticated. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** A request to a Kubernetes API, free of sockets. */
export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";
  /** Absolute path with its query, as it stands on the request line, e.g. `/api/v1/pods?limit=500`. */
  readonly path: string;
  /** Lower-case names. Repeated headers are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
}

/** An answer. The body of a watch or log ends when the stream does. */
export interface ApiResponse {
  readonly status: number;
  /** Lower-case names. `warning` may be a list: one header line each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Bytes known at once are one buffer (sent with Content-Length); a stream is chunked and its head is sent at once. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** A message-framed two-way stream (a WebSocket, seen without sockets). Iterating yields what arrives. */
export interface MessageStream extends AsyncIterable<Uint8Array> {
  /** The subprotocol that the server chose. */
  readonly protocol: string;
  /** Resolves when the message may be followed by another (back-pressure). */
  send(message: Uint8Array): Promise<void>;
  /** Ends the stream. Idempotent. */
  close(): void;
}

/** Options of an upgrade. */
export interface UpgradeOptions {
  /** Stream protocols to offer, the wanted one first. */
  readonly protocols: readonly string[];
  readonly signal: AbortSignal;
}

/** A request to go on as something else than HTTP: `upgrade` among its headers says as what. */
export interface ConnectRequest extends Pick<ApiRequest, "method" | "path"> {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** A SPDY/3.1 connection, and the stream protocol that the server chose. */
export interface SpdyStreams {
  readonly protocol: string;
  readonly connection: SpdyConnection;
}

/** How a client reaches an API: HTTP over the network, or a call in the same process. Wrappers add auth, retries, metrics. */
export interface Transport extends AsyncDisposable {
  /** @throws StatusError never: a failure status is an answer. Rejects with `signal.reason`, or with the network's error. */
  request(request: ApiRequest, options: { readonly signal: AbortSignal }): Promise<ApiResponse>;
  /** Opens a WebSocket with one of `protocols`. @throws StatusError when the server refuses. */
  upgrade(request: ApiRequest, options: UpgradeOptions): Promise<MessageStream>;
  /** A connection that goes on as the request says, or what was answered instead. Absent where there are no connections. */
  connect?(request: ConnectRequest, options: { readonly signal: AbortSignal }): Promise<UpgradeAnswer>;
  /** Whether the body of a request may be an `ObjectBody`. Default: bytes only. */
  readonly takesObjects?: true;
}

/** The part of a wrapper that is the transport inside. */
export function passOn(inner: Transport): Pick<Transport, "connect" | "takesObjects"> {
  return {
    ...(inner.connect ? { connect: inner.connect.bind(inner) } : {}),
    ...(inner.takesObjects ? { takesObjects: true } : {}),
  };
}

/** All of a body as bytes. `limitBytes` bounds it. @throws RangeError past the limit */
export async function readBody(
  body: ApiRequest["body"],
  limitBytes: number = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) {
    if (body.length > limitBytes) throw new RangeError(`Cannot read the body: it is longer than ${limitBytes} bytes`);
    return body;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limitBytes) throw new RangeError(`Cannot read the body: it is longer than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
