import type { Readable } from "node:stream";
import { demux, type Output } from "./docker_streams.ts";

/** RFC 3339 with nine digits, always, and a space. */
const timestampBytes = 31;
/** The engine logs a line in pieces of this size, each with the same timestamp. */
const pieceBytes = 16 * 1024;
/** What the engine writes around a message of its log at least. */
const leastMessageBytes = 76;
const lineFeed = 10;

/** The messages of a log that was asked for with timestamps, each beginning with its own: lines, and pieces of long ones. */
export async function* logMessages(
  source: Readable,
  { tty }: { readonly tty: boolean },
): AsyncGenerator<Output, void, void> {
  if (!tty) {
    yield* demux(source, { tty });
    return;
  }
  // A terminal's log has no frames: where a message ends is seen from what it holds.
  let rest: Buffer = Buffer.alloc(0);
  for await (const { data } of demux(source, { tty })) {
    rest = Buffer.concat([rest, data]);
    for (let end = endOfMessage(rest); end !== undefined; end = endOfMessage(rest)) {
      yield { stream: "stdout", data: rest.subarray(0, end) };
      rest = rest.subarray(end);
    }
  }
  if (rest.length > 0) yield { stream: "stdout", data: rest };
}

function endOfMessage(bytes: Buffer): number | undefined {
  const most = (isDated(bytes) ? timestampBytes : 0) + pieceBytes;
  const feed = bytes.subarray(0, most).indexOf(lineFeed);
  if (feed >= 0) return feed + 1;
  return bytes.length >= most ? most : undefined;
}

/**
 * Leaves out what engines before 23 send again when they follow a log into its next file: that file from its beginning.
 * Told by its times, which were all seen before, in this order; a clock that was set back gives others.
 *
 * @param fileBytes size of a file: so many messages, and no more, are remembered
 */
export async function* withoutReplays(
  messages: AsyncIterable<Output>,
  fileBytes: number,
): AsyncGenerator<Output, void, void> {
  const maxTimes = Math.ceil(fileBytes / leastMessageBytes);
  let times: number[] = [];
  const last: Partial<Record<Output["stream"], { readonly time: number; readonly data: Uint8Array }>> = {};
  /** Where in `times` the next message of a replay is looked for; undefined while there is none. */
  let replayed: number | undefined;
  for await (const message of messages) {
    const { stream, data } = message;
    const time = isDated(data) ? timeOfDay(data) : undefined;
    if (time !== undefined) {
      const before = last[stream];
      // A file that has one line yet: nothing but that line tells.
      if (before?.time === time && data.at(-1) === lineFeed && Buffer.compare(before.data, data) === 0) continue;
      if (replayed === undefined && before && time < before.time) replayed = 0;
      const at = replayed === undefined ? -1 : times.indexOf(time, replayed);
      replayed = at < 0 || at + 1 === times.length ? undefined : at + 1;
      if (at >= 0) continue;
      last[stream] = { time, data };
      times.push(time);
      if (times.length > 2 * maxTimes) times = times.slice(-maxTimes);
    }
    yield message;
  }
}

/** A log's messages with a timestamp for each line, or without any. */
export async function* datedLines(
  messages: AsyncIterable<Output>,
  { timestamps }: { readonly timestamps: boolean },
): AsyncGenerator<Output, void, void> {
  const unfinished = { stdout: false, stderr: false };
  for await (const { stream, data } of messages) {
    const isShown = timestamps && !unfinished[stream];
    yield { stream, data: isShown || !isDated(data) ? data : data.subarray(timestampBytes) };
    unfinished[stream] = data.at(-1) !== lineFeed;
  }
}

/** When a message was logged, as the engine takes it: seconds of the epoch with nine digits. Undefined for what is not dated. */
export function messageTime(bytes: Uint8Array): string | undefined {
  if (!isDated(bytes)) return undefined;
  const text = new TextDecoder().decode(bytes.subarray(0, timestampBytes));
  return `${Date.parse(`${text.slice(0, 19)}Z`) / 1000}.${text.slice(20, 29)}`;
}

function isDated(bytes: Uint8Array): boolean {
  return bytes[4] === code("-") && bytes[10] === code("T") && bytes[29] === code("Z") && bytes[30] === code(" ");
}

/** Nanoseconds of its day: exact as a number. */
function timeOfDay(bytes: Uint8Array): number {
  const digits = (from: number, to: number) => {
    let value = 0;
    for (let at = from; at < to; at++) value = value * 10 + (bytes[at] ?? 0) - code("0");
    return value;
  };
  return (digits(11, 13) * 3600 + digits(14, 16) * 60 + digits(17, 19)) * 1e9 + digits(20, 29);
}

function code(character: string): number {
  return character.charCodeAt(0);
}
