import { request } from "node:http";
import { environmentVariable } from "../../core/platform/process.ts";
import type { Clock } from "../../core/util/clock.ts";

/** Where an engine listens, as dockerode and `node:http` take it. */
export type DockerAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

const answerMs = 500;

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

/** Whether an engine answers, and soon. */
export function findDocker({
  dockerHost,
  clock,
}: {
  readonly dockerHost?: string;
  readonly clock: Clock;
}): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ ...dockerAddress(dockerHost), path: "/_ping" }, (response) => {
      cancel();
      response.resume();
      resolve(response.statusCode === 200);
    });
    const cancel = clock.schedule(answerMs, () => ping.destroy(new Error("the engine does not answer")));
    ping.on("error", () => {
      cancel();
      resolve(false);
    });
    ping.end();
  });
}
