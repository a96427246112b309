import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { ByteStream } from "./join_streams.ts";

/** A port of this machine that is listened on. */
export interface TcpListener {
  /** The port, also where 0 was asked for. */
  readonly port: number;
  /** Takes no more connections and ends those there are. */
  close(): void;
}

/**
 * Listens on an address and port (0: a free one).
 *
 * @throws Error when that cannot be
 */
export async function listenTcp(
  where: { readonly address: string; readonly port: number },
  onConnection: (connection: ByteStream) => void,
): Promise<TcpListener> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen({ host: where.address, port: where.port });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
