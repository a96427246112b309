import type { Writable } from "node:stream";
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";

/** Header blocks of more than this many bytes are refused, packed or unpacked. */
const maxHeaderBytes = 64 * 1024;

const words =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";
const phrases =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

/** The dictionary that both ends of SPDY/3 prime zlib with (1,423 bytes). @see SPDY protocol, draft 3, section 2.6.10.1 */
export const spdyDictionary: Uint8Array = Buffer.concat([
  ...words.split(" ").flatMap((word) => {
    const text = Buffer.from(word.replace("_", " "));
    return [uint32(text.length), text];
  }),
  Buffer.from(phrases),
]);

/** Packs and unpacks header blocks. Both directions keep one zlib state for the life of a connection, so order matters. */
export class SpdyHeaderCodec {
  readonly #inflate: Inflate = createInflate({
    dictionary: spdyDictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  readonly #deflate: Deflate = createDeflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH });

  constructor() {
    // Errors are told to whoever waits for a block; without a listener they would end the process.
    this.#inflate.on("error", () => {});
    this.#deflate.on("error", () => {});
  }

  /** Headers as they travel. Names must be lower case. */
  async pack(headers: ReadonlyMap<string, string>): Promise<Uint8Array> {
    const parts: Uint8Array[] = [uint32(headers.size)];
    for (const pair of headers) {
      for (const text of pair) {
        const bytes = Buffer.from(text);
        parts.push(uint32(bytes.length), bytes);
      }
    }
    return await run(this.#deflate, Buffer.concat(parts), Number.POSITIVE_INFINITY);
  }

  /** The reverse of {@linkcode pack}. @throws RangeError for a block that is broken or too large */
  async unpack(block: Uint8Array): Promise<Map<string, string>> {
    const bytes = await run(this.#inflate, block, maxHeaderBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let offset = 0;
    const number = () => {
      if (offset + 4 > bytes.length) throw new RangeError("Cannot read SPDY headers: the block is cut");
      offset += 4;
      return view.getUint32(offset - 4);
    };
    const text = () => {
      const length = number();
      if (offset + length > bytes.length) throw new RangeError("Cannot read SPDY headers: the block is cut");
      offset += length;
      return Buffer.from(bytes.buffer, bytes.byteOffset + offset - length, length).toString();
    };
    const headers = new Map<string, string>();
    for (let count = number(); count > 0; count--) headers.set(text().toLowerCase(), text());
    return headers;
  }

  /** Frees both zlib states. */
  close(): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
  }
}

/** Everything that a zlib stream makes of `input`. */
function run(stream: Writable, input: Uint8Array, limitBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const onData = (part: Buffer) => {
      size += part.length;
      if (size <= limitBytes) parts.push(part);
    };
    const settle = (failed: boolean) => {
      stream.off("data", onData);
      stream.off("error", onFailure);
      stream.off("close", onFailure);
      if (failed) reject(new RangeError("Cannot read SPDY headers: they are not packed as SPDY/3 does"));
      else if (size > limitBytes)
        reject(new RangeError(`Cannot read SPDY headers: they are longer than ${limitBytes} bytes`));
      else resolve(Buffer.concat(parts));
    };
    const onFailure = () => settle(true);
    if (stream.destroyed) return settle(true);
    stream.on("data", onData);
    // A broken block destroys the stream without calling back.
    stream.on("error", onFailure);
    stream.on("close", onFailure);
    // What was pushed last is delivered in the next turn.
    stream.write(input, () => setImmediate(() => settle(false)));
  });
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
