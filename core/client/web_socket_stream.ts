import type { RawData, WebSocket } from "ws";
import { type Deferred, deferred } from "../util/deferred.ts";
import type { MessageStream } from "./transport.ts";

/** Received bytes that may wait unread before the socket is paused. */
const highWaterBytes = 1024 * 1024;

/**
 * An open WebSocket as a {@linkcode MessageStream}, with back-pressure both ways: unread messages pause the socket, and
 * `send()` resolves when the message has left the process.
 *
 * @param toError what an abnormal end is thrown as
 */
export function webSocketStream(
  socket: WebSocket,
  { signal, toError }: { readonly signal: AbortSignal; readonly toError: (error: unknown) => Error },
): MessageStream {
  const messages: Uint8Array[] = [];
  let unreadBytes = 0;
  let ended: { readonly error?: Error } | undefined;
  let waiting: Deferred<void> | undefined;

  const wake = () => {
    waiting?.resolve();
    waiting = undefined;
  };
  const end = (error?: Error) => {
    signal.removeEventListener("abort", onAbort);
    ended ??= error ? { error } : {};
    wake();
  };
  const onAbort = () => {
    end();
    socket.terminate();
  };

  socket.on("message", (data: RawData) => {
    const message = bytesOf(data);
    messages.push(message);
    unreadBytes += message.length;
    if (unreadBytes > highWaterBytes) socket.pause();
    wake();
  });
  socket.on("error", (error) => end(toError(error)));
  socket.on("close", (code) => end(code === 1006 ? toError(closedEarly()) : undefined));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });

  return {
    protocol: socket.protocol,
    send(message) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (ended) return reject(ended.error ?? toError(closedEarly()));
        socket.send(message, (error) => (error ? reject(signal.aborted ? signal.reason : toError(error)) : resolve()));
      });
    },
    close() {
      // Paused, the socket would never see the other side's closing handshake.
      socket.resume();
      socket.close(1000);
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          if (signal.aborted) return;
          const message = messages.shift();
          if (message) {
            unreadBytes -= message.length;
            if (socket.isPaused && unreadBytes <= highWaterBytes / 2) socket.resume();
            yield message;
          } else if (ended) {
            if (ended.error) throw ended.error;
            return;
          } else {
            waiting = deferred();
            await waiting.promise;
          }
        }
      } finally {
        if (!ended) {
          socket.resume();
          socket.close(1000);
        }
      }
    },
  };
}

function closedEarly(): Error {
  return Object.assign(new Error("The connection ended without a closing handshake"), { code: "ECONNRESET" });
}

function bytesOf(data: RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (!Array.isArray(data)) return data;
  const whole = new Uint8Array(data.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of data) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
