import type { Readable } from "node:stream";
import type { DockerEngine } from "./docker_engine.ts";
import { datedLines, logMessages, withoutReplays } from "./docker_log_messages.ts";
import { untilCut, wholeLines } from "./docker_streams.ts";
import type { LogLimits, LogOptions } from "./runtime.ts";

/** Options of {@linkcode engineLogs}. */
export interface EngineLogOptions extends LogOptions {
  /** Size of the log's files. */
  readonly fileBytes: LogLimits["fileBytes"];
}

/** A container's log. */
export async function* engineLogs(
  engine: DockerEngine,
  id: string,
  options: EngineLogOptions,
): AsyncGenerator<Uint8Array, void, void> {
  let silent = true;
  for await (const lines of readLog(engine, id, options)) {
    silent = false;
    yield lines;
  }
  // Asked to follow just as the container ends, the engine may leave everything out.
  if (silent && options.follow && !options.signal.aborted) yield* readLog(engine, id, { ...options, follow: false });
}

async function* readLog(
  engine: DockerEngine,
  id: string,
  options: EngineLogOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { follow, timestamps, tailLines, sinceMs, limitBytes, fileBytes, signal } = options;
  const query = {
    stdout: true,
    stderr: true,
    follow,
    timestamps: true,
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
    const all = logMessages(stream, { tty: Config.Tty });
    const messages = follow ? withoutReplays(all, fileBytes) : all;
    yield* untilCut(wholeLines(datedLines(messages, { timestamps }), limitBytes), stream);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
