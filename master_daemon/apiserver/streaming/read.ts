import type { WebSocket } from "ws";
import type { ApiRequest, ApiResponse } from "../../../core/client/transport.ts";

/** A watch or a log that is sent as messages: an event each, or as much of the log as there is. */
export interface ReadTarget {
  readonly kind: "read";
  readonly body: ApiResponse["body"];
  readonly isWatch: boolean;
}

/** Subprotocols of logs over WebSocket, best first. A client that names none gets bytes. */
export const logProtocols: readonly string[] = ["binary.k8s.io", "base64.binary.k8s.io"];

/** The request to read that a request to upgrade stands for: events are JSON, and what is sent is not packed. */
export function readRequest(request: ApiRequest): ApiRequest {
  const { upgrade: _upgrade, connection: _connection, "accept-encoding": _encoding, ...headers } = request.headers;
  const accepted = (headers["accept"] ?? "").split(",").filter((type) => !type.includes("protobuf"));
  return { ...request, headers: { ...headers, accept: accepted.join(",") || "application/json" } };
}

/**
 * Sends what is read until it ends or the client goes. What the client sends is not looked at.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/streaming/pkg/httpstream/wsstream/stream.go
 */
export async function serveRead(webSocket: WebSocket, { body, isWatch }: ReadTarget): Promise<void> {
  const send = (data: Uint8Array | string, binary: boolean) =>
    new Promise<void>((resolve, reject) => {
      webSocket.send(data, { binary }, (error) => (error ? reject(error) : resolve()));
    });
  const parts = body instanceof Uint8Array ? [body] : body;
  try {
    if (isWatch) {
      for await (const line of linesOf(parts)) await send(line, false);
    } else {
      const inText = webSocket.protocol === "base64.binary.k8s.io";
      // Tells the client that the log was found, before there is anything in it.
      await send(new Uint8Array(), !inText);
      for await (const part of parts) await send(inText ? Buffer.from(part).toString("base64") : part, !inText);
    }
  } catch {
    // The client is gone.
  } finally {
    webSocket.close(1000);
  }
}

const lineFeed = 10;

/** Lines with their ends, however the bytes were cut. */
async function* linesOf(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  let begun: Uint8Array[] = [];
  for await (const part of parts) {
    let from = 0;
    for (let end = part.indexOf(lineFeed); end >= 0; end = part.indexOf(lineFeed, from)) {
      yield Buffer.concat([...begun, part.subarray(from, end + 1)]);
      begun = [];
      from = end + 1;
    }
    if (from < part.length) begun.push(part.subarray(from));
  }
}
