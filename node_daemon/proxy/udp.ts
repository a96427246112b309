import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Listener, ListenerOptions, Target } from "./listener.ts";
import type { Endpoint } from "./rules.ts";

/** A flow that was quiet this long is forgotten (the time-out of conntrack for replied flows). */
const idleMs = 120_000;
/** Flows kept at most; past it the longest quiet one goes. */
const maxFlows = 16_384;

interface Flow {
  readonly socket: Socket;
  readonly endpoint: Endpoint;
  usedAt: number;
}

/**
 * Forwards UDP. All datagrams of one client address and port go to one endpoint (a flow) as long as that endpoint is
 * there; when it goes, the flow moves with its next datagram. Resolves once it listens.
 */
export async function listenUdp({ address, port, target, clock, log }: ListenerOptions): Promise<Listener> {
  let current: Target = target;
  // In order of last use: the first is the one that was quiet longest.
  const flows = new Map<string, Flow>();
  const server = createSocket({ type: isIPv6(address) ? "udp6" : "udp4" });

  const drop = (client: string) => {
    const flow = flows.get(client);
    if (!flow) return;
    flows.delete(client);
    flow.socket.close();
  };

  const open = (client: string, clientAddress: string, clientPort: number): Flow | undefined => {
    const endpoint = current.balancer.pick(current.endpoints, clientAddress);
    if (!endpoint) return undefined;
    const socket = createSocket({ type: isIPv6(endpoint.ip) ? "udp6" : "udp4" });
    const flow: Flow = { socket, endpoint, usedAt: clock.monotonic() };
    const forget = () => {
      if (flows.get(client) === flow) drop(client);
    };
    // A refusal (ICMP port unreachable) arrives as an error: the next datagram opens a new flow.
    socket.on("error", forget);
    socket.on("message", (data) => {
      flow.usedAt = clock.monotonic();
      server.send(data, clientPort, clientAddress);
    });
    socket.connect(endpoint.port, endpoint.ip);
    flows.set(client, flow);
    if (flows.size > maxFlows) {
      const oldest = flows.keys().next();
      if (!oldest.done) drop(oldest.value);
    }
    return flow;
  };

  server.on("message", (data, { address: clientAddress, port: clientPort }) => {
    const client = `${clientAddress}:${clientPort}`;
    const flow = flows.get(client) ?? open(client, clientAddress, clientPort);
    if (!flow) return;
    flow.usedAt = clock.monotonic();
    flows.delete(client);
    flows.set(client, flow);
    sendWhenConnected(flow.socket, data);
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.bind({ address, port, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => log.warn("Cannot receive datagrams", { address, port, error: error.message }));

  let cancelSweep = () => {};
  const sweep = () => {
    const quietSince = clock.monotonic() - idleMs;
    for (const [client, flow] of [...flows]) if (flow.usedAt < quietSince) drop(client);
    cancelSweep = clock.schedule(idleMs / 4, sweep);
  };
  cancelSweep = clock.schedule(idleMs / 4, sweep);

  return {
    retarget(next) {
      current = next;
      const there = new Set(next.endpoints.map(({ ip, port }) => `${ip}:${port}`));
      for (const [client, { endpoint }] of [...flows]) if (!there.has(`${endpoint.ip}:${endpoint.port}`)) drop(client);
    },
    async [Symbol.asyncDispose]() {
      cancelSweep();
      for (const client of [...flows.keys()]) drop(client);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Sends on a connected socket; while it still connects, the datagram waits for that. */
function sendWhenConnected(socket: Socket, data: Uint8Array): void {
  const send = () => socket.send(data);
  try {
    send();
  } catch {
    // Not connected yet: ERR_SOCKET_DGRAM_NOT_CONNECTED.
    socket.once("connect", send);
  }
}
