import type { ObjectKey } from "../api/meta.ts";
import { type ByteStream, chunksOf, joinStreams } from "../platform/join_streams.ts";
import { messageDuplex } from "../platform/message_duplex.ts";
import type { SpdyConnection } from "../platform/spdy.ts";
import type { CallOptions, Client } from "./client.ts";
import { resourcePath } from "./paths.ts";
import { isRefusedUpgrade } from "./refused_upgrade.ts";
import { podResource } from "./resources.ts";

/** A way to the ports of a pod. */
export interface PortForward {
  /** Settles when the way is lost or was closed. */
  readonly closed: Promise<void>;
  /**
   * Joins a connection with a port of the pod until either side ends it.
   *
   * @throws Error with what the node said when the pod cannot be reached there
   */
  forward(connection: ByteStream, port: number): Promise<void>;
  close(): void;
}

const protocol = "portforward.k8s.io";
/** SPDY inside a WebSocket, since 1.30: there are proxies that let nothing else through. */
const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";
const maxMessageLength = 4096;

/**
 * Opens the way to the ports of a pod: SPDY in a WebSocket or, where the server does not speak that yet (before 1.30), by
 * itself. Each connection is a stream of it.
 *
 * @throws StatusError when the server refuses
 * @see k8s.io/client-go/tools/portforward
 */
export async function openPortForward(
  client: Client,
  { namespace = "default", name }: ObjectKey,
  { signal }: CallOptions = {},
): Promise<PortForward> {
  const path = resourcePath(podResource, { namespace, name, subresource: "portforward" });
  const connection = await open(client, path, signal);
  let requests = 0;
  return {
    closed: connection.closed,
    close: () => connection.close(),
    async forward(local, port) {
      const requestid = String(requests++);
      const open = (streamtype: string) =>
        connection.open(
          new Map([
            ["streamtype", streamtype],
            ["port", String(port)],
            ["requestid", requestid],
          ]),
        );
      try {
        const error = await open("error");
        error.end();
        const failure = textOf(error);
        const data = await open("data");
        const joined = joinStreams(local, data).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        const text = await failure;
        if (text) throw new Error(text);
        await joined;
      } finally {
        local.destroy();
      }
    },
  };
}

async function open(client: Client, path: string, signal: AbortSignal | undefined): Promise<SpdyConnection> {
  try {
    const messages = await client.upgrade(path, { protocols: [tunnelProtocol], signal });
    const { SpdyConnection } = await import("../platform/spdy.ts");
    return new SpdyConnection(messageDuplex(messages), { role: "client", onStream: (stream) => stream.destroy() });
  } catch (error) {
    if (!isRefusedUpgrade(error)) throw error;
    const streams = await client.spdy(path, { protocols: [protocol], signal });
    if (!streams) throw error;
    return streams.connection;
  }
}

async function textOf(stream: ByteStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of chunksOf(stream))
      if (text.length < maxMessageLength) text += decoder.decode(chunk, { stream: true });
  } catch {
    // The connection is gone: that is told by `closed`.
  }
  return text.slice(0, maxMessageLength);
}
