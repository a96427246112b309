import { createSocket } from "node:dgram";
import { createServer, isIPv6, type Socket } from "node:net";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { Responder } from "./responder.ts";
import { MessageReader, writeLength } from "./stream.ts";

/** Options of {@linkcode listenDns}. */
export interface DnsListenOptions {
  readonly address: string;
  readonly port: number;
  readonly respond: Responder;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A connection on which nothing came for this long is closed. */
const idleMs = 10_000;
const maxConnections = 256;

/** Serves DNS over UDP and TCP. Resolves once both listen; rejects with the socket's error (EADDRINUSE, EACCES …). */
export async function listenDns(options: DnsListenOptions): Promise<AsyncDisposable> {
  const stream = await listenTcp(options);
  try {
    const datagrams = await listenUdp(options);
    return {
      async [Symbol.asyncDispose]() {
        await Promise.all([stream(), datagrams()]);
      },
    };
  } catch (error) {
    await stream();
    throw error;
  }
}

async function listenUdp({ address, port, respond, log }: DnsListenOptions): Promise<() => Promise<void>> {
  const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4" });
  let isClosed = false;
  socket.on("message", (message, client) => {
    void respond(message, "UDP").then((answer) => {
      // That a client is gone is its own affair.
      if (answer && !isClosed) socket.send(answer, client.port, client.address, () => {});
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  socket.on("error", (error) => log.warn("Cannot receive questions", { address, error: error.message }));
  return () => {
    isClosed = true;
    return new Promise((resolve) => socket.close(() => resolve()));
  };
}

async function listenTcp({ address, port, respond, clock, log }: DnsListenOptions): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serveConnection(socket, respond, clock);
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => log.warn("Cannot accept questions", { address, error: errorMessage(error) }));
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}

/** Answers the questions of one connection, one after another: a client that does not read its answers waits. */
function serveConnection(socket: Socket, respond: Responder, clock: Clock): void {
  const reader = new MessageReader();
  let cancelIdle = () => {};
  const restart = () => {
    cancelIdle();
    cancelIdle = clock.schedule(idleMs, () => socket.destroy());
  };
  const answerAll = async (messages: readonly Uint8Array[]) => {
    for (const message of messages) {
      const answer = await respond(message, "TCP");
      if (socket.destroyed) return;
      if (!answer) return socket.destroy();
      if (!socket.write(Buffer.concat([writeLength(answer), answer]))) {
        await new Promise<void>((resolve) => socket.once("drain", resolve).once("close", () => resolve()));
      }
      restart();
    }
    socket.resume();
  };
  socket.on("error", () => socket.destroy());
  socket.on("close", () => cancelIdle());
  socket.on("data", (data) => {
    restart();
    const messages = reader.add(data);
    if (messages.length === 0) return;
    socket.pause();
    void answerAll(messages);
  });
  restart();
}
