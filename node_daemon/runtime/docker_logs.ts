import type { Readable } from "node:stream";
import { statusCode } from "./docker_calls.ts";
import type { DockerEngine } from "./docker_engine.ts";
import { datedLines, logMessages, messageTime, withoutReplays } from "./docker_log_messages.ts";
import { type Output, untilCut, wholeLines } from "./docker_streams.ts";
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
  const { follow, timestamps, tailLines, sinceMs, limitBytes, signal } = options;
  let stream: Readable | undefined;
  const stop = () => stream?.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const container = engine.docker.getContainer(id);
    const { Config } = await engine.call(signal, (abortSignal) => container.inspect({ abortSignal }));
    const read = async function* (range: object) {
      const query = { stdout: true, stderr: true, timestamps: true, ...range };
      stream = await engine.stream(`/containers/${id}/logs?`, query, signal);
      yield* untilCut(logMessages(stream, { tty: Config.Tty }), stream);
    };
    const range = {
      ...(tailLines === undefined ? {} : { tail: tailLines }),
      ...(sinceMs === undefined ? {} : { since: (sinceMs / 1000).toFixed(9) }),
    };
    const messages = follow ? followed(read, { range, ...options }) : read({ ...range, follow });
    yield* wholeLines(datedLines(messages, { timestamps }), limitBytes);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
  }
}

/** The messages of a log until its container has ended, and after that those that the engine kept back: it may leave out the last, or all. */
async function* followed(
  read: (range: object) => AsyncGenerator<Output, void, void>,
  { range, fileBytes, signal }: { readonly range: object } & Pick<EngineLogOptions, "fileBytes" | "signal">,
): AsyncGenerator<Output, void, void> {
  let last: string | undefined;
  let ofLast = 0;
  for await (const message of withoutReplays(read({ ...range, follow: true }), fileBytes)) {
    const time = messageTime(message.data);
    ofLast = time !== undefined && time !== last ? 1 : ofLast + 1;
    last = time ?? last;
    yield message;
  }
  if (signal.aborted) return;
  const rest = read({ ...(last === undefined ? range : { since: last }), follow: false });
  try {
    for await (const message of rest) {
      if (last !== undefined && ofLast > 0 && messageTime(message.data) === last) ofLast--;
      else yield message;
    }
  } catch (error) {
    // The container is gone meanwhile, or the engine, which ends a log like any other.
    if (statusCode(error) !== 404 && last === undefined) throw error;
  }
}
