import { connect } from "node:net";

/**
 * Opens a TCP connection and closes it at once.
 *
 * @throws the network's error, or `signal.reason`
 */
export function tcpProbe(
  address: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect(address.port, address.host);
    const settle = (result: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      result();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => settle(resolve));
    socket.once("error", (error) => settle(() => reject(error)));
  });
}
