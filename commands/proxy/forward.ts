import type { Client } from "../../core/client/client.ts";
import type { ApiRequest } from "../../core/client/transport.ts";
import type { IncomingRequest, OutgoingResponse } from "../../core/platform/http_server.ts";
import type { UpgradeAnswer } from "../../core/platform/upgrade_connection.ts";
import { isAccepted, type ProxyFilter } from "./filter.ts";

/** Headers that mean one connection, and those that the client sets itself. */
const ownHeaders = new Set(
  "connection host keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade authorization user-agent content-length expect".split(
    " ",
  ),
);

type Plain = OutgoingResponse & { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array };

/** An answer that is one line of text. */
export function plainAnswer(status: number, text: string): Plain {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: new TextEncoder().encode(text) };
}

const forbidden = plainAnswer(403, "Forbidden\n");

/** Sends a request on to the API as the user, unless the filter keeps it back. */
export async function forward(
  client: Client,
  request: IncomingRequest,
  filter: ProxyFilter | undefined,
): Promise<OutgoingResponse> {
  if (!mayPass(request, filter)) return forbidden;
  const { method, path, headers, body, signal } = request;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  const sent: ApiRequest = {
    method: method as ApiRequest["method"],
    path,
    headers: passedOn(headers),
    body: hasBody ? body : undefined,
  };
  // Warnings are for whoever asks through the proxy.
  const response = await client.raw(sent, { signal, onWarning: () => {} });
  const answered = Object.entries(response.headers).filter(
    ([name]) => !ownHeaders.has(name) || name === "content-length",
  );
  return { status: response.status, headers: Object.fromEntries(answered), body: response.body };
}

/** The same for one that goes on as something else: exec, attach, port-forward and watches, over WebSockets or SPDY. */
export async function forwardUpgrade(
  client: Client,
  request: Omit<IncomingRequest, "body">,
  filter: ProxyFilter | undefined,
): Promise<UpgradeAnswer> {
  if (!mayPass(request, filter) || (filter && isOfForeignPage(request.headers)))
    return { ...forbidden, socket: undefined };
  const { method, path, headers, signal } = request;
  const streams = headers["x-stream-protocol-version"];
  const sent = {
    ...passedOn(headers),
    upgrade: headers["upgrade"] ?? "",
    // One to a line, as older servers read them.
    ...(streams === undefined ? {} : { "x-stream-protocol-version": streams.split(/, */) }),
  };
  const answer = await client.connect({ method: method as ApiRequest["method"], path, headers: sent }, { signal });
  if (!answer) throw new TypeError("Cannot pass on an upgrade: the API is not reached over the network");
  if (answer.socket) return answer;
  return { ...answer, headers: passedOn(answer.headers) };
}

function mayPass({ method, path, headers }: Omit<IncomingRequest, "body">, filter: ProxyFilter | undefined): boolean {
  const host = (headers["host"] ?? "").replace(/:\d+$/, "");
  return !filter || isAccepted(filter, { method, path: path.split("?", 1)[0] ?? "", host });
}

/** Any page may open a WebSocket to this machine and read what comes, unlike answers: its browser says where the page is from. */
function isOfForeignPage({ origin, host }: Readonly<Record<string, string>>): boolean {
  return origin !== undefined && origin.replace(/^https?:\/\//, "") !== host;
}

function passedOn(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ownHeaders.has(name) && !name.startsWith("impersonate-")),
  );
}
