import { type Dispatcher, Pool } from "undici";
import type { HttpPool, HttpPoolOptions } from "./short_lived_http.ts";

/** Connections for a program that sends many requests. Takes its time to load. */
export function undiciHttpPool(
  origin: string,
  { dial, tls, connectTimeoutMs, maxConnections, ...options }: HttpPoolOptions,
): HttpPool {
  const connect: NonNullable<Pool.Options["connect"]> = dial
    ? (_options, callback) => {
        dial().then(
          (socket) => callback(null, socket),
          (error: unknown) => callback(error as Error, null),
        );
      }
    : { ...tls, timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: options.keepAliveProbeMs };
  const pool = new Pool(origin, {
    connect,
    connections: Number.isFinite(maxConnections) ? maxConnections : null,
    pipelining: 1,
    keepAliveMaxTimeout: options.keptIdleMs,
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: options.bodyTimeoutMs,
  });
  return {
    request: ({ method, body, ...rest }) =>
      pool.request({
        ...rest,
        method: method as Dispatcher.HttpMethod,
        // undici takes async iterables too; its types do not say so.
        body: body as Uint8Array | null,
      }),
    destroy: () => pool.destroy(),
  };
}
