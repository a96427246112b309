import type { Duplex } from "node:stream";
import { channel, decodeFrames, encodeFrame } from "../../../core/client/channel_frames.ts";
import { writeAll } from "../../../core/platform/join_streams.ts";
import { SpdyConnection } from "../../../core/platform/spdy.ts";
import type { SpdyStream } from "../../../core/platform/spdy_stream.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { deferred } from "../../../core/util/deferred.ts";
import { type ChannelsTarget, lostNode } from "./target.ts";

/** Stream protocol of exec and attach over SPDY that is spoken here; every client since 2016 offers it. */
export const spdyChannelProtocol = "v4.channel.k8s.io";

/** How long a client may take to open its streams. @see kubelet's streamCreationTimeout */
const streamCreationTimeoutMs = 30_000;

/**
 * Joins the streams of a SPDY connection (error, stdin, stdout, stderr, resize) with the node until the command ends or
 * the client goes.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/httpstream.go
 */
export async function serveSpdyChannels(
  transport: Duplex,
  target: ChannelsTarget,
  { clock }: { readonly clock: Clock },
): Promise<void> {
  const { node } = target;
  const wanted = [
    "error",
    ...(["stdin", "stdout", "stderr"] as const).filter((name) => target[name]),
    ...(target.tty ? ["resize"] : []),
  ];
  const streams = new Map<string, SpdyStream>();
  const complete = deferred<void>();
  const connection = new SpdyConnection(transport, {
    onStream(stream) {
      streams.set(stream.headers.get("streamtype") ?? "", stream);
      stream.reply();
      if (wanted.every((name) => streams.has(name))) complete.resolve();
    },
  });
  const cancel = clock.schedule(streamCreationTimeoutMs, () => connection.close());
  void connection.closed.then(() => {
    complete.resolve();
    node.destroy();
  });
  await complete.promise;
  cancel();

  const inputs = [forwardInput(streams.get("stdin"), node), forwardResize(streams.get("resize"), node)];
  try {
    let status: Uint8Array | undefined;
    for await (const frame of decodeFrames(node)) {
      if (frame.channel === channel.status) {
        status = frame.payload;
        break;
      }
      const output = streams.get(frame.channel === channel.stderr ? "stderr" : "stdout");
      if (output) await writeAll(output, frame.payload);
    }
    const error = streams.get("error");
    if (error) await writeAll(error, status ?? new TextEncoder().encode(JSON.stringify(lostNode)));
    await Promise.all(["stdout", "stderr", "error", "resize"].map((name) => finish(streams.get(name))));
    await connection.end();
  } catch {
    // Client or node is gone: there is nobody left to tell.
  } finally {
    node.destroy();
    connection.close();
    await Promise.all(inputs);
  }
}

async function forwardInput(stdin: SpdyStream | undefined, node: Duplex): Promise<void> {
  if (!stdin) return;
  try {
    for await (const payload of stdin.iterator({ destroyOnReturn: false }))
      await writeAll(node, encodeFrame({ channel: channel.stdin, payload }));
    await writeAll(node, encodeFrame({ channel: channel.closeInput, payload: new Uint8Array() }));
  } catch {
    // The command ended first, or the client went.
  }
}

/** Sizes come as one JSON document a line; a terminal never sends much. */
async function forwardResize(resize: SpdyStream | undefined, node: Duplex): Promise<void> {
  if (!resize) return;
  let text = "";
  try {
    for await (const part of resize.iterator({ destroyOnReturn: false })) {
      text = (text + new TextDecoder().decode(part)).slice(-1024);
      for (let end = text.indexOf("}"); end >= 0; end = text.indexOf("}")) {
        const payload = new TextEncoder().encode(text.slice(0, end + 1).trim());
        text = text.slice(end + 1);
        await writeAll(node, encodeFrame({ channel: channel.resize, payload }));
      }
    }
  } catch {
    // The command ended first, or the client went.
  }
}

function finish(stream: SpdyStream | undefined): Promise<void> | undefined {
  return stream && new Promise((resolve) => stream.end(() => resolve()));
}
