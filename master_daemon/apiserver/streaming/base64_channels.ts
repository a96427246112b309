import { Buffer } from "node:buffer";
import type { WebSocket } from "ws";
import type { MessageStream } from "../../../core/client/transport.ts";

/** Subprotocols for clients that can only send text, by the one each of them is a form of. */
export const base64Protocols: ReadonlyMap<string, string> = new Map([
  ["v4.base64.channel.k8s.io", "v4.channel.k8s.io"],
  ["base64.channel.k8s.io", "channel.k8s.io"],
]);

const zero = "0".charCodeAt(0);

/**
 * A WebSocket whose messages are text (the channel as a digit, then base64) as if they were bytes.
 *
 * @param stream the same WebSocket's messages as they come
 * @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/streaming/pkg/httpstream/wsstream/conn.go
 */
export function base64Stream(webSocket: WebSocket, stream: MessageStream): MessageStream {
  return {
    protocol: base64Protocols.get(stream.protocol) ?? stream.protocol,
    send(message) {
      const text = String.fromCharCode(zero + (message[0] ?? 0)) + Buffer.from(message.subarray(1)).toString("base64");
      return new Promise((resolve, reject) => webSocket.send(text, (error) => (error ? reject(error) : resolve())));
    },
    close: () => stream.close(),
    async *[Symbol.asyncIterator]() {
      for await (const message of stream) {
        const data = Buffer.from(Buffer.from(message.subarray(1)).toString("latin1"), "base64");
        yield Buffer.concat([Uint8Array.of((message[0] ?? 0) - zero), data]);
      }
    },
  };
}
