import type { Duplex } from "node:stream";

/** A two-way stream of bytes: a socket, or a stream of a SPDY connection. */
export type ByteStream = Duplex;

/** Writes and waits until more may follow. @throws Error when the stream is closed */
export async function writeAll(stream: Duplex, bytes: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.writableEnded) throw new Error("Cannot write: the stream is closed");
  if (stream.write(bytes)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      stream.off("drain", settle);
      stream.off("close", settle);
      if (stream.destroyed) reject(new Error("Cannot write: the stream was closed"));
      else resolve();
    };
    stream.on("drain", settle);
    stream.on("close", settle);
  });
}

/** What a stream gives, until its end; it is not destroyed by that. */
export function chunksOf(stream: Duplex): AsyncIterable<Uint8Array> {
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

/** Copies until `from` ends, and then ends `to`: half of a connection. @throws Error when either was closed */
export async function copyStream(from: Duplex, to: Duplex): Promise<void> {
  for await (const bytes of chunksOf(from)) await writeAll(to, bytes);
  to.end();
}

/** Joins two streams until both ways have ended. @throws Error when either was closed; both are destroyed then */
export async function joinStreams(first: Duplex, second: Duplex): Promise<void> {
  try {
    await Promise.all([copyStream(first, second), copyStream(second, first)]);
  } catch (error) {
    first.destroy();
    second.destroy();
    throw error;
  }
}
