/** What an entry of an archive is. `other`: pipes, devices and what else has no content of its own. */
export type TarType = "file" | "folder" | "symlink" | "hardlink" | "other";

/** What an archive says of one of its entries. */
export interface TarHeader {
  /** As it stands in the archive: may be absolute, may lead anywhere. */
  readonly name: string;
  readonly type: TarType;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of links: what they lead to. */
  readonly linkName: string;
  /** Seconds since 1970. */
  readonly modified: number;
}

/** An entry that is being read. Its content can be read once, before the next entry is asked for; what is left of it is passed over. */
export interface TarEntry extends TarHeader {
  readonly content: AsyncIterable<Uint8Array>;
}

/** An archive is not one, or is not whole. */
export class TarError extends Error {
  override readonly name = "TarError";
}

const block = 512;
/** Longest name, and longest pax header: far more than any file system takes. */
const extensionLimit = 1 << 20;
const types: Readonly<Record<string, TarType>> = {
  "": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "folder",
  "3": "other",
  "4": "other",
  "6": "other",
};
const utf8 = new TextDecoder();
const toBytes = new TextEncoder();

/**
 * The entries of an archive, in order, read as they are wanted: v7, ustar, pax and GNU's long names and sizes. The source
 * is read to its end, for whoever writes it must not find it closed.
 *
 * @throws TarError for what is no archive, is cut off, or says of itself what cannot be
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, void> {
  const bytes = new ByteReader(source);
  try {
    let extended: Extended = {};
    for (;;) {
      const head = await bytes.take(block);
      if (head.every((byte) => byte === 0)) break;
      const header = parseHeader(head);
      if ("xgLK".includes(header.flag)) {
        if (header.size > extensionLimit) throw new TarError("archive/tar: header field too long");
        const data = await bytes.take(header.size);
        await bytes.skip(paddingOf(header.size));
        // What a global header says is no entry's name or size.
        if (header.flag === "x") extended = { ...extended, ...parsePax(data) };
        if (header.flag === "L") extended = { ...extended, path: text(data) };
        if (header.flag === "K") extended = { ...extended, linkpath: text(data) };
        continue;
      }
      const entry = describeEntry(header, extended);
      extended = {};
      let left = entry.size;
      const content = async function* () {
        while (left > 0) {
          const piece = await bytes.some(left);
          left -= piece.length;
          yield piece;
        }
      };
      yield { ...entry, content: content() };
      await bytes.skip(left + paddingOf(entry.size));
    }
    await bytes.drain();
  } finally {
    await bytes.close();
  }
}

/** The blocks that stand before an entry's content. Names of any length and sizes of any number, the way GNU tar writes them, which every tar reads. */
export function tarHeader(header: TarHeader): Uint8Array {
  const name = toBytes.encode(header.name);
  const link = toBytes.encode(header.linkName);
  return concat([
    ...(link.length > 100 ? longField("K", link) : []),
    ...(name.length > 100 ? longField("L", name) : []),
    headerBlock(header, name, link, { file: "0", hardlink: "1", symlink: "2", folder: "5", other: "6" }[header.type]),
  ]);
}

/** What stands behind the content of an entry of that size. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array(paddingOf(size));
}

/** What stands behind the last entry. */
export const tarEnd: Uint8Array = new Uint8Array(2 * block);

function paddingOf(size: number): number {
  return (block - (size % block)) % block;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function longField(flag: "K" | "L", value: Uint8Array): readonly Uint8Array[] {
  const size = value.length + 1;
  const header = { size, mode: 0, uid: 0, gid: 0, modified: 0 };
  const name = toBytes.encode("././@LongLink");
  return [headerBlock(header, name, new Uint8Array(0), flag), value, new Uint8Array(1), tarPadding(size)];
}

function headerBlock(
  { size, mode, uid, gid, modified }: Pick<TarHeader, "size" | "mode" | "uid" | "gid" | "modified">,
  name: Uint8Array,
  link: Uint8Array,
  flag: string,
): Uint8Array {
  const head = new Uint8Array(block);
  const write = (at: number, value: string) => head.set(toBytes.encode(value), at);
  head.set(name.subarray(0, 100), 0);
  writeNumber(head, 100, 8, mode & 0o7777);
  writeNumber(head, 108, 8, uid);
  writeNumber(head, 116, 8, gid);
  writeNumber(head, 124, 12, size);
  writeNumber(head, 136, 12, Math.max(0, Math.floor(modified)));
  write(148, " ".repeat(8));
  write(156, flag);
  head.set(link.subarray(0, 100), 157);
  write(257, "ustar  \0");
  write(148, `${sum(head).toString(8).padStart(6, "0")}\0 `);
  return head;
}

/** In octal digits or, where they do not do, in base 256 with the highest bit set. */
function writeNumber(head: Uint8Array, at: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (digits.length < length) {
    head.set(toBytes.encode(`${digits.padStart(length - 1, "0")}\0`), at);
    return;
  }
  let rest = value;
  for (let index = length - 1; index > 0; index--) {
    head[at + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  head[at] = 0x80;
}

function sum(head: Uint8Array): number {
  return head.reduce((total, byte) => total + byte, 0);
}

interface RawHeader extends Omit<TarHeader, "type"> {
  readonly flag: string;
}

/** Fields of headers that stand before an entry's own. */
interface Extended {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
}

function parseHeader(head: Uint8Array): RawHeader {
  const expected = number(head, 148, 8);
  if (sum(head) - sum(head.subarray(148, 156)) + 8 * 32 !== expected) throw invalid();
  const posix = text(head.subarray(257, 263)) === "ustar";
  const prefix = posix ? text(head.subarray(345, 500)) : "";
  const name = text(head.subarray(0, 100));
  return {
    name: prefix ? `${prefix}/${name}` : name,
    mode: number(head, 100, 8) & 0o7777,
    uid: number(head, 108, 8),
    gid: number(head, 116, 8),
    size: number(head, 124, 12),
    modified: number(head, 136, 12),
    flag: text(head.subarray(156, 157)),
    linkName: text(head.subarray(157, 257)),
  };
}

function describeEntry({ flag, ...header }: RawHeader, extended: Extended): TarHeader {
  const name = extended.path ?? header.name;
  const known = Object.hasOwn(types, flag) ? types[flag] : undefined;
  // Sparse files and parts of volumes have contents that would be taken for something else.
  if (!known) throw new TarError(`archive/tar: entry ${JSON.stringify(name)} is of a type that is not supported`);
  // Before there were types a folder was what ended in a slash.
  const type = known === "file" && name.endsWith("/") ? "folder" : known;
  const size = type === "file" ? (extended.size ?? header.size) : 0;
  return { ...header, name, type, size, linkName: extended.linkpath ?? header.linkName };
}

function parsePax(data: Uint8Array): Extended {
  const found: { path?: string; linkpath?: string; size?: number } = {};
  for (let at = 0; at < data.length; ) {
    const blank = data.indexOf(32, at);
    const digits = blank < 0 || blank - at > 7 ? "" : text(data.subarray(at, blank));
    const end = at + Number(digits);
    if (!/^\d+$/.test(digits) || end <= blank + 1 || end > data.length || data[end - 1] !== 10) throw invalid();
    const record = utf8.decode(data.subarray(blank + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw invalid();
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key.startsWith("GNU.sparse.")) throw new TarError("archive/tar: sparse files are not supported");
    if ((key === "path" || key === "linkpath") && value.includes("\0")) throw invalid();
    if (key === "path" || key === "linkpath") found[key] = value;
    if (key === "size") found.size = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isNaN(found.size)) throw invalid();
    at = end;
  }
  return found;
}

/** Up to the first zero. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function number(head: Uint8Array, at: number, length: number): number {
  const field = head.subarray(at, at + length);
  const [first = 0] = field;
  if (first & 0x80) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, first & 0x7f);
    if (!Number.isSafeInteger(value) || first & 0x40) throw invalid();
    return value;
  }
  const digits = text(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw invalid();
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function invalid(): TarError {
  return new TarError("archive/tar: invalid tar header");
}

/** Gives a stream's bytes in pieces of the sizes that are wanted. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Between one byte and `limit`. @throws TarError at the end of the source */
  async some(limit: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next();
      if (done) throw new TarError("unexpected EOF");
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** Exactly so many. */
  async take(length: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let left = length; left > 0; ) {
      const piece = await this.some(left);
      pieces.push(piece);
      left -= piece.length;
    }
    return concat(pieces);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.some(left)).length;
  }

  async drain(): Promise<void> {
    while (!(await this.#source.next()).done);
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
