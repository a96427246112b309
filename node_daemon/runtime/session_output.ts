import type { Readable, Writable } from "node:stream";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import type { ExecSession } from "./runtime.ts";

type Chunk = { readonly stream: "stdout" | "stderr"; readonly data: Uint8Array };

/** stdout and stderr of a process in order of arrival. Holds one chunk of each at most: a slow reader slows the process. */
export async function* mergeOutput(sources: {
  readonly stdout: Readable;
  readonly stderr?: Readable | undefined;
}): ExecSession["output"] extends AsyncIterable<infer T> ? AsyncGenerator<T, void, void> : never {
  const ready: Chunk[] = [];
  let taken: Deferred<void> = deferred();
  let given: Deferred<void> = deferred();
  let open = 0;
  const pump = async (stream: Chunk["stream"], source: Readable) => {
    open++;
    try {
      for await (const data of source) {
        ready.push({ stream, data: data as Uint8Array });
        given.resolve();
        await taken.promise;
      }
    } catch {
      // A stream destroyed by kill() ends here: there is no more output.
    } finally {
      open--;
      given.resolve();
    }
  };
  const pumps = [pump("stdout", sources.stdout)];
  if (sources.stderr) pumps.push(pump("stderr", sources.stderr));
  try {
    while (open > 0 || ready.length > 0) {
      if (ready.length === 0) await given.promise;
      given = deferred();
      const chunks = ready.splice(0);
      yield* chunks;
      const released = taken;
      taken = deferred();
      released.resolve();
    }
  } finally {
    sources.stdout.destroy();
    sources.stderr?.destroy();
    taken.resolve();
  }
  await Promise.all(pumps);
}

/** Writes and resolves when more may be written; also when the reader is gone, which is no error of the writer. */
export function writeTo(stream: Writable, data: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.writableEnded || stream.write(data)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done).off("close", done).off("error", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
  });
}
