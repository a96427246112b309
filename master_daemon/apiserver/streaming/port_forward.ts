import type { Duplex } from "node:stream";
import type { MessageStream } from "../../../core/client/transport.ts";
import { copyStream, writeAll } from "../../../core/platform/join_streams.ts";
import { SpdyConnection } from "../../../core/platform/spdy.ts";
import type { SpdyStream } from "../../../core/platform/spdy_stream.ts";
import { errorMessage } from "../../../core/util/log.ts";
import type { PortForwardTarget } from "./target.ts";

/** Stream protocol of port-forward over SPDY. */
export const portForwardProtocol = "portforward.k8s.io";
/** Subprotocol of SPDY port-forward inside a WebSocket. Its slash is no legal token: `websocket.ts` works around that. */
export const portForwardTunnelProtocol = "SPDY/3.1+portforward.k8s.io";
/** Subprotocols of port-forward by WebSocket messages, whose ports stand in the query; best first. */
export const portForwardChannelProtocols: readonly string[] = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"];

/**
 * Serves port-forward over SPDY: for each forwarded connection the client opens a data and an error stream of one
 * `requestid`; text on the error stream says why there is no connection, its end that the pod has no more to say.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/httpstream.go
 */
export async function serveSpdyPortForward(transport: Duplex, target: PortForwardTarget): Promise<void> {
  const waiting = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(transport, {
    onStream(stream) {
      stream.reply();
      // Clients older than 1.4 sent no requestid; stream ids then come in pairs of error and data.
      const id =
        stream.headers.get("requestid") ?? String(stream.id - (stream.headers.get("streamtype") === "data" ? 2 : 0));
      const other = waiting.get(id);
      if (!other) {
        waiting.set(id, stream);
        return;
      }
      waiting.delete(id);
      const isData = stream.headers.get("streamtype") === "data";
      void forward(isData ? stream : other, isData ? other : stream, target);
    },
  });
  await connection.closed;
}

async function forward(data: SpdyStream, error: SpdyStream, target: PortForwardTarget): Promise<void> {
  const port = parsePort(data.headers.get("port") ?? "");
  // The client half-closes it at once; reading notices that, and lets the stream end.
  error.resume();
  let pod: Duplex;
  try {
    if (port === undefined) throw new RangeError(`invalid port "${data.headers.get("port") ?? ""}"`);
    pod = await target.dial(port);
  } catch (failure) {
    // The text first: a client that sees its data stream reset looks no further.
    await new Promise<unknown>((resolve) => error.write(failureText(port, target, failure), resolve));
    data.destroy();
    error.end();
    return;
  }
  pod.on("error", () => {});
  // For a word on the error stream kubectl closes all of its connections: how one ends that was made, its data stream tells.
  // Newer ones reset that as soon as the pod has said all; older ones wait for the end of the error stream then.
  const said = copyStream(pod, data).finally(() => error.end());
  await Promise.all([said, copyStream(data, pod)]).catch(() => {
    data.destroy();
    pod.destroy();
  });
}

/**
 * Serves port-forward over messages: channel 2n carries the data of the nth port and 2n+1 its errors; each begins with
 * the port as two bytes, little end first.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go
 */
export async function servePortForwardMessages(stream: MessageStream, target: PortForwardTarget): Promise<void> {
  const pods: (Duplex | undefined)[] = [];
  const outputs: Promise<void>[] = [];
  try {
    for (const [index, port] of target.ports.entries()) {
      const name = Uint8Array.of(port & 0xff, port >> 8);
      await stream.send(tagged(2 * index, name));
      await stream.send(tagged(2 * index + 1, name));
      try {
        const pod = await target.dial(port);
        pods[index] = pod;
        outputs.push(forwardOutput(pod, 2 * index, stream));
      } catch (failure) {
        await stream.send(tagged(2 * index + 1, new TextEncoder().encode(failureText(port, target, failure))));
      }
    }
    // A message has no way to say "this port ends": when every one has, so has the stream.
    void Promise.all(outputs).then(() => stream.close());
    for await (const message of stream) {
      const pod = (message[0] ?? 1) % 2 === 0 ? pods[(message[0] ?? 0) / 2] : undefined;
      if (pod && message.length > 1) await writeAll(pod, message.subarray(1)).catch(() => {});
    }
  } catch {
    // The client is gone.
  } finally {
    for (const pod of pods) pod?.destroy();
    stream.close();
    await Promise.all(outputs);
  }
}

async function forwardOutput(pod: Duplex, id: number, stream: MessageStream): Promise<void> {
  try {
    // The pod may still be listening when it has no more to say.
    for await (const bytes of pod.iterator({ destroyOnReturn: false })) await stream.send(tagged(id, bytes));
  } catch {
    // Either side is gone.
  }
}

/** A port of the query or a header; undefined when it is none. */
export function parsePort(text: string): number | undefined {
  const port = Number(text);
  return /^[0-9]{1,5}$/.test(text) && port >= 1 && port <= 65535 ? port : undefined;
}

function failureText(port: number | undefined, { pod }: PortForwardTarget, failure: unknown): string {
  return `error forwarding port ${port ?? 0} to ${pod}: ${errorMessage(failure)}`;
}

function tagged(id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + 1);
  bytes[0] = id;
  bytes.set(payload, 1);
  return bytes;
}
