import type { Socket } from "node:net";
import { type DialOptions, dial } from "./dial.ts";
import { readUntil } from "./read_until.ts";

/** The answer to a request that wanted to go on as something else. */
export interface UpgradeAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a refusal. */
  readonly body: Uint8Array;
  /** The connection after status 101. */
  readonly socket: Socket | undefined;
}

/** A request that wants to go on as something else. */
export interface ConnectionRequest {
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  /** `host:port` as the request names it. */
  readonly host: string;
  /** `upgrade` among them. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Sends a request that upgrades the connection, which is the caller's to close then. @throws Error the network's */
export async function upgradeConnection(
  { method, path, host, headers }: ConnectionRequest,
  options: DialOptions,
): Promise<UpgradeAnswer> {
  const socket = await dial(options);
  try {
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      (typeof value === "string" ? [value] : value).map((one) => `${name}: ${headerValue(one)}`),
    );
    const begin = [`${method} ${headerValue(path)} HTTP/1.1`, `Host: ${host}`];
    socket.write([...begin, ...lines, "Connection: Upgrade", "Content-Length: 0", "", ""].join("\r\n"));
    const head = parseHead(await readUntil(socket, endOfHead, options.timeoutMs));
    if (head.status === 101) return { ...head, body: new Uint8Array(), socket };
    const body = await readRest(socket, head.headers, options.timeoutMs);
    socket.destroy();
    return { ...head, body, socket: undefined };
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
