import type { Status } from "../../../core/api/status.ts";
import { channel, decodeFrames, encodeFrame } from "../../../core/client/channel_frames.ts";
import type { MessageStream } from "../../../core/client/transport.ts";
import { writeAll } from "../../../core/platform/join_streams.ts";
import { base64Protocols } from "./base64_channels.ts";
import { type ChannelsTarget, lostNode } from "./target.ts";

/** The first protocol, which is also that of a client that names none: only failures are told, as plain text. */
const firstProtocol = "channel.k8s.io";

/** Subprotocols of exec and attach over WebSocket that are spoken here, best first. */
export const channelProtocols: readonly string[] = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  firstProtocol,
  ...base64Protocols.keys(),
];

/**
 * Joins a message stream (first byte = channel) with the node until the command ends or the client goes.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/client-go/tools/remotecommand/websocket.go
 */
export async function serveChannels(stream: MessageStream, { node, stdin }: ChannelsTarget): Promise<void> {
  const input = forwardInput(stream, node, stdin)
    .catch(() => {})
    .finally(() => node.destroy());
  try {
    let status: Uint8Array | undefined;
    for await (const frame of decodeFrames(node)) {
      if (frame.channel === channel.status) {
        status = frame.payload;
        break;
      }
      await stream.send(message(frame.channel, frame.payload));
    }
    const told = status ?? new TextEncoder().encode(JSON.stringify(lostNode));
    if (stream.protocol !== firstProtocol && stream.protocol !== "") await stream.send(message(channel.status, told));
    else await tellFailure(stream, JSON.parse(new TextDecoder().decode(told)));
  } catch {
    // Client or node is gone: there is nobody left to tell.
  } finally {
    node.destroy();
    stream.close();
    await input;
  }
}

async function tellFailure(stream: MessageStream, { status, message: text = "" }: Partial<Status>): Promise<void> {
  if (status !== "Success") await stream.send(message(channel.status, new TextEncoder().encode(text)));
}

async function forwardInput(stream: MessageStream, node: ChannelsTarget["node"], stdin: boolean): Promise<void> {
  for await (const bytes of stream) {
    const payload = bytes.subarray(1);
    switch (bytes[0]) {
      case channel.stdin:
        if (stdin && payload.length > 0) await writeAll(node, encodeFrame({ channel: channel.stdin, payload }));
        break;
      case channel.resize:
        await writeAll(node, encodeFrame({ channel: channel.resize, payload }));
        break;
      case channel.closeInput:
        if (payload[0] === channel.stdin)
          await writeAll(node, encodeFrame({ channel: channel.closeInput, payload: new Uint8Array() }));
        break;
    }
  }
}

function message(id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + 1);
  bytes[0] = id;
  bytes.set(payload, 1);
  return bytes;
}
