import { createSocket } from "node:dgram";
import { once } from "node:events";
import { get } from "node:http";
import { text } from "node:stream/consumers";
import { patienceMs } from "../patience.ts";

/** Sends one request over a connection of its own; resolves with the body. Rejects when it is refused, cut, or not a 200. */
export function ask(host: string, port: number, path = "/", localAddress?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host, port, path, agent: false, timeout: patienceMs, ...(localAddress ? { localAddress } : {}) };
    get(options, (response) => {
      text(response).then(
        (body) =>
          response.statusCode === 200 ? resolve(body) : reject(new Error(`${response.statusCode}: ${body.trim()}`)),
        reject,
      );
    })
      .on("timeout", function (this: { destroy(error: Error): void }) {
        this.destroy(new Error(`${host}:${port} did not answer`));
      })
      .on("error", reject);
  });
}

/** Sends a datagram from a socket of its own; resolves with the answer, or undefined when none comes in five seconds. */
export async function askUdp(host: string, port: number, message: string): Promise<string | undefined> {
  const socket = createSocket("udp4");
  try {
    socket.send(message, port, host);
    const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(5000) })) as [Buffer];
    return answer.toString();
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

/** How often each answer came: `[4, 4, 4]` for three that came four times. */
export function shares(answers: readonly string[]): readonly number[] {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
}
