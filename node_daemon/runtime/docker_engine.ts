import type { Readable } from "node:stream";
import type Docker from "dockerode";
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import { call, callMs } from "./docker_calls.ts";

/** An engine, asked with the caller's signal and a limit of time. */
export class DockerEngine {
  readonly docker: Docker;
  readonly clock: Clock;
  readonly log: Logger;

  constructor(docker: Docker, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.docker = docker;
    this.clock = clock;
    this.log = log;
  }

  /** @throws Error when the engine does not answer in time */
  call<T>(signal: AbortSignal, work: (abortSignal: AbortSignal) => Promise<T>, timeoutMs: number = callMs): Promise<T> {
    return call({ clock: this.clock, signal, timeoutMs }, work);
  }

  /** An answer as a stream: dockerode itself would gather a log that is not followed in memory. */
  stream(path: string, options: object, signal: AbortSignal): Promise<Readable> {
    return this.call(
      signal,
      () =>
        new Promise<Readable>((resolve, reject) => {
          const statusCodes = { 200: true, 101: true, 404: "no such container", 500: "server error" };
          const dial = { path, method: "GET", isStream: true, statusCodes, options: { ...options } };
          this.docker.modem.dial(dial, (error, result) => (error ? reject(error) : resolve(result as Readable)));
        }),
    );
  }
}
