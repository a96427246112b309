import type { Readable } from "node:stream";
import type { DockerEngine } from "./docker_engine.ts";
import { demux, untilCut, wholeLines } from "./docker_streams.ts";
import type { LogOptions } from "./runtime.ts";

/** A container's log. */
export async function* engineLogs(
  engine: DockerEngine,
  id: string,
  options: LogOptions,
): AsyncGenerator<Uint8Array, void, void> {
  let silent = true;
  for await (const lines of readLog(engine, id, options)) {
    silent = false;
    yield lines;
  }
  // Asked to follow just as the container ends, the engine may leave everything out.
  if (silent && options.follow && !options.signal.aborted) yield* readLog(engine, id, { ...options, follow: false });
}

async function* readLog(engine: DockerEngine, id: string, options: LogOptions): AsyncGenerator<Uint8Array, void, void> {
  const { follow, timestamps, tailLines, sinceMs, limitBytes, signal } = options;
  const query = {
    stdout: true,
    stderr: true,
    follow,
    timestamps,
    ...(tailLines === undefined ? {} : { tail: tailLines }),
    ...(sinceMs === undefined ? {} : { since: (sinceMs / 1000).toFixed(9) }),
  };
  let stream: Readable | undefined;
  const stop = () => stream?.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const container = engine.docker.getContainer(id);
    const { Config } = await engine.call(signal, (abortSignal) => container.inspect({ abortSignal }));
    stream = await engine.stream(`/containers/${id}/logs?`, query, signal);
    yield* untilCut(wholeLines(demux(stream, { tty: Config.Tty }), limitBytes), stream);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
