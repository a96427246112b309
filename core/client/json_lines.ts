import { readJsonText } from "../api/json_text.ts";
import { ObjectBody } from "./object_body.ts";

/** Longest line that is read. Objects are at most a few MiB. */
const maxLineBytes = 64 * 1024 * 1024;
const lineFeed = 10;

/**
 * The JSON documents of a stream that holds one per line, however its bytes were cut. A piece may also be an
 * {@linkcode ObjectBody} with an array of documents.
 *
 * @throws SyntaxError for a line that is no JSON, RangeError for one of more than 64 MiB. An unfinished last line is dropped
 */
export async function* jsonLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, void> {
  for await (const text of wholeLines(bytes)) {
    if (typeof text !== "string") {
      yield* text;
      continue;
    }
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf("\n", start);
      const line = text.slice(start, end);
      start = end + 1;
      if (line !== "" && line !== "\r") yield readJsonText(line);
    }
  }
}

/** Text in pieces that each end with a line feed: decoding once per piece is what makes a burst of events cheap. */
async function* wholeLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string | readonly unknown[], void, void> {
  const decoder = new TextDecoder();
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of bytes) {
    if (chunk instanceof ObjectBody) {
      yield chunk.value;
      continue;
    }
    const end = chunk.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      let text = "";
      for (const piece of pending) text += decoder.decode(piece, { stream: true });
      text += decoder.decode(chunk.subarray(0, end));
      pending = [];
      pendingBytes = 0;
      yield text;
    }
    if (end < chunk.length) {
      pending.push(chunk.subarray(end));
      pendingBytes += chunk.length - end;
      if (pendingBytes > maxLineBytes)
        throw new RangeError(`Cannot read a line: it is longer than ${maxLineBytes} bytes`);
    }
  }
}
