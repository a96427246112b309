import { request } from "node:http";
import { environmentVariable } from "../../core/platform/process.ts";
import type { Clock } from "../../core/util/clock.ts";
import { type Logger, silentLogger } from "../../core/util/log.ts";

/** Where an engine listens, as dockerode and `node:http` take it. */
export type DockerAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** Nobody listens where a connection takes longer. */
const connectMs = 500;
/** An engine on a busy machine is slow, and there nonetheless. */
const answerMs = 10_000;
/** Whoever waits is told why, after this. */
const toldAfterMs = 2000;

/**
 * The address of the engine: the one given, else `DOCKER_HOST`, else the usual socket.
 *
 * @throws TypeError for an address that is neither `unix://` nor `tcp://`
 */
export function dockerAddress(dockerHost?: string): DockerAddress {
  const address = dockerHost || environmentVariable("DOCKER_HOST") || "unix:///var/run/docker.sock";
  if (address.startsWith("unix://")) return { socketPath: address.slice("unix://".length) };
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== "tcp:") throw new TypeError(`Cannot reach the engine at ${address}: expected unix:// or tcp://`);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 2375) };
}

/** The address as people write it. */
export function addressText(address: DockerAddress): string {
  return "socketPath" in address ? `unix://${address.socketPath}` : `tcp://${address.host}:${address.port}`;
}

/** Says that the engine is waited for, if `work` takes long. */
export async function tellingOfWait<T>(
  address: DockerAddress,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  work: () => Promise<T>,
): Promise<T> {
  const cancel = clock.schedule(toldAfterMs, () =>
    log.warn("Waiting for the container engine to answer", { address: addressText(address) }),
  );
  try {
    return await work();
  } finally {
    cancel();
  }
}

/** Whether an engine answers: it is waited for where somebody listens, for ten seconds. */
export function findDocker({
  dockerHost,
  clock,
  log = silentLogger,
}: {
  readonly dockerHost?: string;
  readonly clock: Clock;
  readonly log?: Logger;
}): Promise<boolean> {
  const address = dockerAddress(dockerHost);
  const answers = new Promise<boolean>((resolve) => {
    const ping = request({ ...address, path: "/_ping" }, (response) => {
      cancel();
      response.resume();
      resolve(response.statusCode === 200);
    });
    const giveUp = () => ping.destroy(new Error("the engine does not answer"));
    let cancel = clock.schedule(connectMs, giveUp);
    ping.on("socket", (socket) =>
      socket.once("connect", () => {
        cancel();
        cancel = clock.schedule(answerMs, giveUp);
      }),
    );
    ping.on("error", () => {
      cancel();
      resolve(false);
    });
    ping.end();
  });
  return tellingOfWait(address, { clock, log }, () => answers);
}
