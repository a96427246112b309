import type { Duplex, Readable } from "node:stream";
import type { ExecSession } from "./runtime.ts";

/** Some bytes that a container wrote. */
export type Output = ExecSession["output"] extends AsyncIterable<infer T> ? T : never;

const headerBytes = 8;
const maxLineBytes = 1024 * 1024;
const lineFeed = 10;

/**
 * Takes apart what the engine sends: with a terminal the bytes as they are, else frames of a stream number, three zeros
 * and four bytes of length.
 *
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
export async function* demux(source: Readable, { tty }: { readonly tty: boolean }): AsyncGenerator<Output, void, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = chunk as Buffer;
    if (tty) {
      yield { stream: "stdout", data: bytes };
      continue;
    }
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= headerBytes) {
      const end = headerBytes + rest.readUInt32BE(4);
      if (rest.length < end) break;
      yield { stream: rest[0] === 2 ? "stderr" : "stdout", data: rest.subarray(headerBytes, end) };
      rest = rest.subarray(end);
    }
  }
}

/** Output as blocks of whole lines, of `limitBytes` in all. */
export async function* wholeLines(
  output: AsyncIterable<Output>,
  limitBytes: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const rests = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) } as Record<Output["stream"], Buffer>;
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  const take = (bytes: Buffer) => {
    const allowed = bytes.subarray(0, Math.min(bytes.length, left));
    left -= allowed.length;
    return allowed;
  };
  for await (const { stream, data } of output) {
    const whole = Buffer.concat([rests[stream], data]);
    const cut = whole.length > maxLineBytes ? whole.length : whole.lastIndexOf(lineFeed) + 1;
    rests[stream] = whole.subarray(cut);
    if (cut > 0) yield take(whole.subarray(0, cut));
    if (left <= 0) return;
  }
  for (const rest of Object.values(rests)) if (rest.length > 0 && left > 0) yield take(rest);
}

/** JSON objects that the engine sends one after the other, a line each. */
export async function* jsonLines(source: Readable): AsyncGenerator<unknown, void, void> {
  let rest = "";
  source.setEncoding("utf8");
  for await (const chunk of source) {
    rest += chunk;
    if (rest.length > maxLineBytes) throw new RangeError("Cannot read the engine's answer: a line is too long");
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}

/** Output that ends, without an error, when the stream is cut. */
export async function* untilCut<T>(output: AsyncIterable<T>, source: Duplex | Readable): AsyncGenerator<T, void, void> {
  try {
    yield* output;
  } catch (error) {
    if (!source.destroyed) throw error;
  } finally {
    source.destroy();
  }
}
