import { keyOf } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { openPortForward, type PortForward } from "../../core/client/port_forward.ts";
import { podResource } from "../../core/client/resources.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { isPodActive } from "../../core/kinds/pod_helpers.ts";
import type { ByteStream } from "../../core/platform/join_streams.ts";
import { listenTcp, type TcpListener } from "../../core/platform/tcp_listener.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { CommandEnv } from "../env.ts";
import { UsageError } from "../verb.ts";
import type { ForwardedPort, ListenAddress } from "./forwarded_ports.ts";

/** What is forwarded where. */
export interface ForwardOptions {
  readonly client: Client;
  readonly env: CommandEnv;
  readonly pod: Pod;
  /** The pod that takes the place of one that ended; undefined: none does. */
  readonly next: (() => Promise<Pod>) | undefined;
  readonly ports: readonly ForwardedPort[];
  readonly addresses: readonly ListenAddress[];
}

/**
 * Listens and forwards until Ctrl-C. A connection that comes while there is no pod waits for the next one.
 *
 * @throws UsageError when no port can be listened on, or the pod is lost and has no successor
 */
export async function forwardPorts(options: ForwardOptions): Promise<void> {
  const { client, env, ports } = options;
  const { signal } = env;
  let current: Deferred<PortForward> = deferred<PortForward>();
  const first = await openPortForward(client, keyOf(options.pod), { signal });
  current.resolve(first);
  const listeners: TcpListener[] = [];
  try {
    for (const port of ports)
      listeners.push(
        ...(await listenOn(port, options, (connection, local) => {
          void forward(connection, { ...port, local }, current.promise, env);
        })),
      );
    if (listeners.length === 0)
      throw new UsageError(
        `unable to listen on any of the requested ports: [${ports.map(({ local, remote }) => `{${local} ${remote}}`).join(" ")}]`,
      );
    let pod = options.pod;
    let way = first;
    for (;;) {
      await untilLost(client, pod, way, signal);
      way.close();
      if (signal.aborted) return;
      if (!options.next) throw new UsageError("lost connection to pod");
      env.terminal.warn(`lost connection to pod/${pod.metadata.name}, waiting for another one`);
      current = deferred<PortForward>();
      ({ pod, way } = await nextWay(options.next, options));
      env.terminal.warn(`forwarding to pod/${pod.metadata.name}`);
      current.resolve(way);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    for (const listener of listeners) listener.close();
    current.promise.then(
      (way) => way.close(),
      () => {},
    );
  }
}

async function forward(
  connection: ByteStream,
  { local, remote }: ForwardedPort,
  way: Promise<PortForward>,
  env: CommandEnv,
): Promise<void> {
  await env.terminal.write(`Handling connection for ${local}\n`);
  try {
    await (await way).forward(connection, remote);
  } catch (error) {
    connection.destroy();
    if (!env.signal.aborted)
      env.terminal.warn(`an error occurred forwarding ${local} -> ${remote}: ${errorMessage(error)}`);
  }
}

async function listenOn(
  { local, remote }: ForwardedPort,
  { addresses, env }: ForwardOptions,
  onConnection: (connection: ByteStream, local: number) => void,
): Promise<readonly TcpListener[]> {
  const listeners: TcpListener[] = [];
  const failures = { any: 0, all: 0 };
  const errors: string[] = [];
  let port = local;
  for (const { address, need } of addresses) {
    const shown = address.includes(":") ? `[${address}]` : address;
    try {
      const listener = await listenTcp({ address, port }, (connection) => onConnection(connection, listener.port));
      // Where any port will do, all addresses take the same one.
      port = listener.port;
      listeners.push(listener);
      await env.terminal.write(`Forwarding from ${shown}:${port} -> ${remote}\n`);
    } catch (error) {
      failures[need]++;
      const family = address.includes(":") ? "tcp6" : "tcp4";
      errors.push(`unable to create listener: Error listen ${family} ${shown}:${port}: bind: ${listenFailure(error)}`);
    }
  }
  const anyListens = listeners.length > 0;
  if (failures.all === 0 && (anyListens || failures.any === 0)) return listeners;
  env.terminal.warn(
    `Unable to listen on port ${local}: Listeners failed to create with the following errors: [${errors.join(" ")}]`,
  );
  for (const listener of listeners) listener.close();
  return [];
}

function listenFailure(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return "address already in use";
  // Deno gives an address that is not this machine's the code of an invalid argument.
  if (code === "EADDRNOTAVAIL" || code === "EINVAL") return "cannot assign requested address";
  if (code === "EACCES") return "permission denied";
  return errorMessage(error);
}

/** Resolves when the way to the pod is lost, or the pod has ended or is about to. */
async function untilLost(client: Client, pod: Pod, way: PortForward, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const ended = AbortSignal.any([signal, done.signal]);
  const stopped = new Promise<void>((resolve) => {
    if (ended.aborted) resolve();
    else ended.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([way.closed, stopped, untilGone(client, pod, ended).catch(() => stopped)]);
  done.abort();
}

/** Watches until the pod is gone; for ever where it may not be watched: then a lost way is all that tells. */
async function untilGone(client: Client, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid, resourceVersion } = metadata;
  const where = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion };
  for await (const event of client.watch(podResource, { ...where, signal })) {
    if (event.type === "DELETED") return;
    if (event.type === "BOOKMARK") continue;
    if (event.object.metadata.uid !== uid || !isPodActive(event.object)) return;
  }
  // The server ended the watch: the way itself says when it is lost.
  await new Promise<never>(() => {});
}

/** Tries until there is a pod that runs and can be reached. */
async function nextWay(
  next: () => Promise<Pod>,
  { client, env }: ForwardOptions,
): Promise<{ readonly pod: Pod; readonly way: PortForward }> {
  const backoff = new Backoff({ baseMs: 200, maxMs: 5000, clock: env.clock });
  for (;;) {
    try {
      const pod = await next();
      if (isPodActive(pod)) return { pod, way: await openPortForward(client, keyOf(pod), { signal: env.signal }) };
    } catch (error) {
      env.signal.throwIfAborted();
      if (!(error instanceof Error)) throw error;
    }
    await env.clock.sleep(backoff.next("pod"), { signal: env.signal });
  }
}
