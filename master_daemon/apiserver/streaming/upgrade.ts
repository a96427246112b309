import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import { StatusError } from "../../../core/api/status.ts";
import type { MessageStream } from "../../../core/client/transport.ts";
import { webSocketStream } from "../../../core/client/web_socket_stream.ts";
import { messageDuplex } from "../../../core/platform/message_duplex.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { base64Protocols, base64Stream } from "./base64_channels.ts";
import { channelProtocols, serveChannels } from "./channels.ts";
import {
  portForwardChannelProtocols,
  portForwardProtocol,
  portForwardTunnelProtocol,
  servePortForwardMessages,
  serveSpdyPortForward,
} from "./port_forward.ts";
import { logProtocols, type ReadTarget, serveRead } from "./read.ts";
import { serveSpdyChannels, spdyChannelProtocol } from "./spdy_channels.ts";
import type { StreamTarget } from "./target.ts";

const maxMessageBytes = 16 * 1024 * 1024;
/** Stands in for the tunnel's name while `ws` reads the request: a legal token. */
const tunnelAlias = "spdy-3.1-portforward.k8s.io";

/** How the client wants to go on, as its headers say. */
export interface UpgradeChoice {
  readonly transport: "websocket" | "spdy";
  /** The stream protocol that both sides know. */
  readonly protocol: string;
}

/**
 * Picks the protocol of an upgrade request.
 *
 * @throws StatusError BadRequest when it is no upgrade that is served; Forbidden when no stream protocol is shared
 */
export function chooseUpgrade(headers: IncomingMessage["headers"], subresource: string): UpgradeChoice {
  const upgrade = (headers.upgrade ?? "").toLowerCase();
  if (upgrade === "websocket") {
    const offered = list(headers["sec-websocket-protocol"]);
    const served =
      subresource === "portforward" ? [portForwardTunnelProtocol, ...portForwardChannelProtocols] : channelProtocols;
    return { transport: "websocket", protocol: offered.length === 0 ? "" : pick(offered, served) };
  }
  if (upgrade === "spdy/3.1") {
    const header = headers["x-stream-protocol-version"];
    const offered = list(Array.isArray(header) ? header.join(",") : header);
    const served = subresource === "portforward" ? portForwardProtocol : spdyChannelProtocol;
    // A port-forward client need not name its protocol: there is only one.
    if (subresource === "portforward" && offered.length === 0) return { transport: "spdy", protocol: served };
    return { transport: "spdy", protocol: pick(offered, [served]) };
  }
  throw StatusError.badRequest("Upgrade request required");
}

/** Picks the protocol of a watch or a log over WebSocket; undefined: it is not asked for so. */
export function chooseRead(headers: IncomingMessage["headers"], isWatch: boolean): UpgradeChoice | undefined {
  if ((headers.upgrade ?? "").toLowerCase() !== "websocket") return undefined;
  const offered = list(headers["sec-websocket-protocol"]);
  // Watches have no protocol of their own.
  const protocol = isWatch ? offered[0] : logProtocols.find((name) => offered.includes(name));
  return { transport: "websocket", protocol: protocol ?? "" };
}

/** Answers 101 and joins the connection with `target` until either side ends. Never rejects. */
export async function serveUpgrade(
  { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  choice: UpgradeChoice,
  target: StreamTarget | ReadTarget,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const onAbort = () => socket.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (choice.transport === "spdy" && target.kind !== "read") {
      const answer = [
        "HTTP/1.1 101 Switching Protocols",
        "Connection: Upgrade",
        "Upgrade: SPDY/3.1",
        `X-Stream-Protocol-Version: ${choice.protocol}`,
      ];
      socket.write(`${answer.join("\r\n")}\r\n\r\n`);
      if (head.length > 0) socket.unshift(head);
      await serveSpdy(socket, target, clock);
      return;
    }
    const webSocket = await acceptWebSocket({ request, socket, head }, choice.protocol);
    if (target.kind === "read") return await serveRead(webSocket, target);
    const messages = webSocketStream(webSocket, { signal, toError: (error) => error as Error });
    const stream = { ...messages, protocol: choice.protocol };
    await serveMessages(base64Protocols.has(choice.protocol) ? base64Stream(webSocket, stream) : stream, target);
  } catch {
    socket.destroy();
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (target.kind === "channels") target.node.destroy();
  }
}

/** Joins a message stream with what it asked for. */
export function serveMessages(stream: MessageStream, target: StreamTarget): Promise<void> {
  if (target.kind === "channels") return serveChannels(stream, target);
  if (stream.protocol !== portForwardTunnelProtocol) return servePortForwardMessages(stream, target);
  return serveSpdyPortForward(messageDuplex(stream), target);
}

function serveSpdy(transport: Duplex, target: StreamTarget, clock: Clock): Promise<void> {
  return target.kind === "channels"
    ? serveSpdyChannels(transport, target, { clock })
    : serveSpdyPortForward(transport, target);
}

const chosen = new WeakMap<IncomingMessage, string>();
let webSockets: Promise<WebSocketServer> | undefined;

/** Made with the first upgrade: few clusters see one, and the package takes its time to load. */
async function openWebSockets(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    handleProtocols: (offered, request) => {
      const wanted = chosen.get(request);
      return wanted !== undefined && offered.has(wanted) ? wanted : false;
    },
  });
  server.on("headers", (headers, request) => {
    if (chosen.get(request) !== tunnelAlias) return;
    for (const [index, line] of headers.entries())
      if (line.toLowerCase().startsWith("sec-websocket-protocol:"))
        headers[index] = `Sec-WebSocket-Protocol: ${portForwardTunnelProtocol}`;
  });
  return server;
}

async function acceptWebSocket(
  { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  protocol: string,
): Promise<WebSocket> {
  const alias = protocol === portForwardTunnelProtocol ? tunnelAlias : protocol;
  chosen.set(request, alias);
  if (alias === "") delete request.headers["sec-websocket-protocol"];
  else request.headers["sec-websocket-protocol"] = alias;
  webSockets ??= openWebSockets();
  const server = await webSockets;
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error("The client went away"));
    socket.once("close", () => reject(new Error("The client went away")));
    server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => {});
      resolve(webSocket);
    });
  });
}

function list(header: string | undefined): readonly string[] {
  return (header ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function pick(offered: readonly string[], served: readonly string[]): string {
  const shared = served.find((name) => offered.includes(name));
  if (shared === undefined)
    throw new StatusError(
      403,
      "Forbidden",
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${served.join(" ")}]`,
    );
  return shared;
}
