import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { isSameQuestion, questionOf } from "./message.ts";
import { MessageReader, writeLength } from "./stream.ts";

/** Another server. */
export interface NameServer {
  readonly address: string;
  readonly port: number;
}

/** What is asked of another server. */
export interface Exchange {
  readonly server: NameServer;
  readonly protocol: "UDP" | "TCP";
  /** The whole message. */
  readonly message: Uint8Array;
  /** Gives up when aborted. */
  readonly signal: AbortSignal;
}

/** Sends a question to a server. Resolves with what answers it; anything else that comes is passed over. */
export function exchange(options: Exchange): Promise<Uint8Array> {
  return options.protocol === "UDP" ? exchangeUdp(options) : exchangeTcp(options);
}

/** From a port of its own, to which only that server can send: a stranger would have to guess port and number. */
function exchangeUdp({ server, message, signal }: Exchange): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(server.address) ? "udp6" : "udp4" });
    const end = (finish: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.close();
      finish();
    };
    const onAbort = () => end(() => reject(signal.reason));
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("message", (bytes) => {
      if (isAnswerTo(message, bytes)) end(() => resolve(bytes));
    });
    socket.on("connect", () => socket.send(message));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.connect(server.port, server.address);
  });
}

function exchangeTcp({ server, message, signal }: Exchange): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    const reader = new MessageReader();
    const end = (finish: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.destroy();
      finish();
    };
    const onAbort = () => end(() => reject(signal.reason));
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("close", () => end(() => reject(new Error("the server closed the connection without an answer"))));
    socket.on("connect", () => socket.write(Buffer.concat([writeLength(message), message])));
    socket.on("data", (data) => {
      for (const bytes of reader.add(data)) if (isAnswerTo(message, bytes)) return end(() => resolve(bytes));
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function isAnswerTo(message: Uint8Array, bytes: Uint8Array): boolean {
  const [asked, answered] = [questionOf(message), questionOf(bytes)];
  const isAnswer = ((bytes[2] ?? 0) & 0x80) !== 0 && bytes[0] === message[0] && bytes[1] === message[1];
  return isAnswer && asked !== undefined && answered !== undefined && isSameQuestion(asked, answered);
}
