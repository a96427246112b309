import { type ByteStream, chunksOf, writeAll } from "../platform/join_streams.ts";
import { channel } from "./channel_frames.ts";
import type { MessageStream, SpdyStreams } from "./transport.ts";

/** Which streams an exec or attach has. */
export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly resize: boolean;
}

const maxStatusBytes = 1024 * 1024;

/**
 * The streams of an exec or attach over SPDY (`v4.channel.k8s.io`) as the messages that `v5.channel.k8s.io` has, so that
 * both are read in one way.
 *
 * @see k8s.io/client-go/tools/remotecommand/v4.go
 */
export async function spdyMessages(
  { protocol, connection }: SpdyStreams,
  wanted: WantedStreams,
): Promise<MessageStream> {
  const open = (streamtype: string) => connection.open(new Map([["streamtype", streamtype]]));
  // The order is the protocol's: the server waits for them all.
  const error = await open("error");
  const stdin = wanted.stdin ? await open("stdin") : undefined;
  const stdout = wanted.stdout ? await open("stdout") : undefined;
  const stderr = wanted.stderr ? await open("stderr") : undefined;
  const resize = wanted.resize ? await open("resize") : undefined;
  error.end();
  stdout?.end();
  stderr?.end();
  const status = wholeStatus(error);
  // Whoever iterates hears of it.
  status.catch(() => {});
  return {
    protocol,
    async send(message) {
      const payload = message.subarray(1);
      if (message[0] === channel.stdin && stdin) await writeAll(stdin, payload);
      else if (message[0] === channel.closeInput) stdin?.end();
      else if (message[0] === channel.resize && resize) await writeAll(resize, payload);
    },
    close: () => connection.close(),
    async *[Symbol.asyncIterator]() {
      yield* merged([
        [channel.stdout, stdout],
        [channel.stderr, stderr],
      ]);
      yield tagged(channel.status, await status);
    },
  };
}

/** What both streams give, as it comes, each piece behind its channel's number. Nothing is read ahead. */
async function* merged(
  streams: readonly (readonly [number, ByteStream | undefined])[],
): AsyncGenerator<Uint8Array, void, void> {
  const read = async (number: number, iterator: AsyncIterator<Uint8Array>) => ({
    number,
    iterator,
    result: await iterator.next(),
  });
  const next = (number: number, iterator: AsyncIterator<Uint8Array>) => {
    const reading = read(number, iterator);
    // Whoever has stopped reading does not hear that the stream broke afterwards.
    reading.catch(() => {});
    return reading;
  };
  const waiting = new Map<number, ReturnType<typeof next>>();
  for (const [number, stream] of streams)
    if (stream) waiting.set(number, next(number, chunksOf(stream)[Symbol.asyncIterator]()));
  while (waiting.size > 0) {
    const { number, iterator, result } = await Promise.race(waiting.values());
    if (result.done) {
      waiting.delete(number);
      continue;
    }
    waiting.set(number, next(number, iterator));
    yield tagged(number, result.value);
  }
}

function tagged(number: number, payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + payload.length);
  message[0] = number;
  message.set(payload, 1);
  return message;
}

async function wholeStatus(error: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(error)) {
    size += chunk.length;
    if (size > maxStatusBytes) throw new RangeError("Cannot read the status of the command: it is too long");
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
