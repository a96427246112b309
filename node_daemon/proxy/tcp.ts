import { connect, createServer, type Socket } from "node:net";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { Listener, ListenerOptions, Target } from "./listener.ts";
import type { Endpoint } from "./rules.ts";

/** How long an endpoint may take to accept before another is tried. */
const connectTimeoutMs = 3000;

/**
 * Forwards TCP connections, half-close and back-pressure kept. An endpoint that refuses is skipped for the next.
 * Resolves once it listens; rejects with the socket's error (EADDRINUSE …).
 */
export async function listenTcp({ address, port, target, clock, log }: ListenerOptions): Promise<Listener> {
  let current: Target = target;
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };

  const forward = async (client: Socket): Promise<void> => {
    track(client);
    client.on("error", () => client.destroy());
    const backend = await connectToOne(current, client, clock);
    if (!backend) {
      log.debug("No endpoint accepted a connection", { address, port });
      client.resetAndDestroy();
      return;
    }
    track(backend);
    splice(client, backend);
  };

  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true },
    (client) => {
      forward(client).catch((error: unknown) => {
        log.warn("Cannot forward a connection", { address, port, error: errorMessage(error) });
        client.destroy();
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port, exclusive: true, backlog: 1024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => log.warn("Cannot accept connections", { address, port, error: error.message }));

  return {
    retarget(next) {
      current = next;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function connectToOne(
  { endpoints, balancer }: Target,
  client: Socket,
  clock: Clock,
): Promise<Socket | undefined> {
  let left = endpoints;
  while (left.length > 0 && !client.destroyed) {
    const endpoint = balancer.pick(left, client.remoteAddress ?? "");
    if (!endpoint) return undefined;
    const backend = await connectTo(endpoint, clock);
    if (backend && client.destroyed) {
      backend.destroy();
      return undefined;
    }
    if (backend) return backend;
    left = left.filter((other) => other !== endpoint);
  }
  return undefined;
}

function connectTo({ ip, port }: Endpoint, clock: Clock): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, allowHalfOpen: true, noDelay: true, keepAlive: true });
    const settle = (result: Socket | undefined) => {
      cancel();
      socket.removeAllListeners();
      // A late failure of a socket that was given up must not be an uncaught error.
      socket.on("error", () => socket.destroy());
      if (!result) socket.destroy();
      resolve(result);
    };
    const cancel = clock.schedule(connectTimeoutMs, () => settle(undefined));
    socket.once("connect", () => settle(socket));
    socket.once("error", () => settle(undefined));
  });
}

/** Copies both ways until both sides have ended; a side that breaks breaks the other. */
function splice(client: Socket, backend: Socket): void {
  for (const [from, to] of [
    [client, backend],
    [backend, client],
  ] as const) {
    from.on("error", () => to.resetAndDestroy());
    // Closed before its end: destroyed, so nobody will read what the other side still sends.
    from.on("close", () => {
      if (!from.readableEnded) to.destroy();
    });
    from.pipe(to);
  }
  client.resume();
}
