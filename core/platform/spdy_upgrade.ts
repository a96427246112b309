import type { Socket } from "node:net";
import { type DialOptions, dial } from "./dial.ts";
import { readUntil } from "./read_until.ts";
import { SpdyConnection } from "./spdy.ts";

/** The answer to a request that wanted to go on as SPDY. */
export interface SpdyAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a refusal. */
  readonly body: Uint8Array;
  /** Present after status 101. */
  readonly connection: SpdyConnection | undefined;
}

/** A request that wants to go on as SPDY. */
export interface SpdyRequest {
  /** Path with its query. */
  readonly path: string;
  /** `host:port` as the request names it. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** POSTs a request that upgrades to SPDY/3.1. The connection is the caller's to close. @throws Error the network's */
export async function upgradeToSpdy({ path, host, headers }: SpdyRequest, options: DialOptions): Promise<SpdyAnswer> {
  const socket = await dial(options);
  try {
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      (typeof value === "string" ? [value] : value).map((one) => `${name}: ${headerValue(one)}`),
    );
    socket.write(
      [
        `POST ${path} HTTP/1.1`,
        `Host: ${host}`,
        ...lines,
        "Connection: Upgrade",
        "Upgrade: SPDY/3.1",
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    );
    const head = parseHead(await readUntil(socket, endOfHead, options.timeoutMs));
    if (head.status === 101) {
      const connection = new SpdyConnection(socket, { role: "client", onStream: (stream) => stream.destroy() });
      return { ...head, body: new Uint8Array(), connection };
    }
    const body = await readRest(socket, head.headers, options.timeoutMs);
    socket.destroy();
    return { ...head, body, connection: undefined };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** @throws TypeError for a value that would end the line */
function headerValue(value: string): string {
  if (/[\r\n\0]/.test(value)) throw new TypeError("Cannot send a header: it holds a line end");
  return value;
}

function endOfHead(bytes: Buffer): number | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  return end < 0 ? undefined : end + 4;
}

function parseHead(bytes: Buffer): { readonly status: number; readonly headers: Record<string, string> } {
  const [first = "", ...lines] = bytes.toString("latin1").trimEnd().split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]);
  if (!status) throw new Error("The answer is not HTTP");
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status, headers };
}

/** The body of a refusal, as far as its length is said. */
async function readRest(socket: Socket, headers: Record<string, string>, timeoutMs: number): Promise<Uint8Array> {
  const length = Number(headers["content-length"] ?? 0);
  if (!(length > 0 && length <= 1024 * 1024)) return new Uint8Array();
  return await readUntil(socket, (bytes) => (bytes.length >= length ? length : undefined), timeoutMs);
}
