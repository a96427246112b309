/** Messages of DNS: questions as clients send them, and answers as other servers do. @see https://www.rfc-editor.org/rfc/rfc1035 */

/** Labels of a name, most particular first, without the root's. A character is a byte. */
export type DomainName = readonly string[];

/** Numbers of record types. */
export const recordType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** Numbers of response codes. */
export const responseCode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;

/** The class of the Internet. */
export const internetClass = 1;

/** Length of a header. */
export const headerBytes = 12;
/** What UDP carries where a client does not say more. */
export const plainDatagramBytes = 512;

/** A question that can be answered. */
export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  /** In lower case. */
  readonly name: DomainName;
  readonly type: number;
  readonly class: number;
  /** The question as it came: its name's case is the client's. */
  readonly question: Uint8Array;
  /** What the client says in an OPT record; undefined when it has none. */
  readonly edns: Edns | undefined;
}

/** Extensions that a client speaks. @see https://www.rfc-editor.org/rfc/rfc6891 */
export interface Edns {
  readonly version: number;
  /** How large a datagram may be. */
  readonly datagramBytes: number;
  readonly wantsDnssec: boolean;
  /** Whether it has options, which are between the client and whom it asks. */
  readonly hasOptions: boolean;
}

/** A question that is to be refused with a code. */
export interface BadQuery {
  readonly id: number;
  readonly refusal: number;
}

/** Reads a question. Undefined for what is none, and gets no answer: an answer to an answer would never end. */
export function readQuery(bytes: Uint8Array): Query | BadQuery | undefined {
  if (bytes.length < headerBytes) return undefined;
  const view = viewOf(bytes);
  const id = view.getUint16(0);
  const flags = view.getUint16(2);
  if (flags & 0x8000) return undefined;
  if ((flags >> 11) & 15) return { id, refusal: responseCode.notImplemented };
  const read = view.getUint16(4) === 1 ? readName(bytes, headerBytes) : undefined;
  const end = (read?.end ?? bytes.length) + 4;
  const records = end <= bytes.length ? sliceRecords(bytes, end) : undefined;
  const options = records?.filter(({ type }) => type === recordType.OPT) ?? [];
  // Nothing stands before the question that its name could point to.
  if (!read || read.isCompressed || !records || options.length > 1) return { id, refusal: responseCode.formatError };
  return {
    id,
    recursionDesired: (flags & 0x0100) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    name: read.name.map(lowerCase),
    type: view.getUint16(end - 4),
    class: view.getUint16(end - 2),
    question: bytes.subarray(headerBytes, end),
    edns: options[0] && ednsOf(options[0]),
  };
}

function ednsOf({ class: size, ttl, dataLength }: RecordSlice): Edns {
  return {
    version: (ttl >> 16) & 255,
    datagramBytes: Math.max(size, plainDatagramBytes),
    wantsDnssec: (ttl & 0x8000) !== 0,
    hasOptions: dataLength > 0,
  };
}

/** Where a record stands in a message. */
export interface RecordSlice {
  readonly section: 0 | 1 | 2;
  readonly nameAt: number;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly ttlAt: number;
  readonly dataAt: number;
  readonly dataLength: number;
}

/** The records behind the question, which ends at `at`; undefined when the message is damaged. Takes time by its length. */
export function sliceRecords(bytes: Uint8Array, at: number): readonly RecordSlice[] | undefined {
  const view = viewOf(bytes);
  const slices: RecordSlice[] = [];
  for (const section of [0, 1, 2] as const) {
    for (let left = view.getUint16(6 + 2 * section); left > 0; left--) {
      const nameAt = at;
      const nameEnd = skipName(bytes, at);
      if (nameEnd === undefined || nameEnd + 10 > bytes.length) return undefined;
      const dataLength = view.getUint16(nameEnd + 8);
      const dataAt = nameEnd + 10;
      if (dataAt + dataLength > bytes.length) return undefined;
      const [type, kind, ttl] = [view.getUint16(nameEnd), view.getUint16(nameEnd + 2), view.getUint32(nameEnd + 4)];
      slices.push({ section, nameAt, type, class: kind, ttl, ttlAt: nameEnd + 4, dataAt, dataLength });
      at = dataAt + dataLength;
    }
  }
  return slices;
}

/** What another server answered. */
export interface Answer {
  readonly code: number;
  /** The addresses and aliases among its answers. */
  readonly records: readonly AnsweredRecord[];
}

/** An address, or the name that a name stands for. */
export interface AnsweredRecord {
  readonly name: DomainName;
  readonly type: number;
  readonly ttl: number;
  /** An address's bytes; of an alias the name. */
  readonly data: Uint8Array | DomainName;
}

/** More answers than anybody needs. */
const maxAnswers = 256;

/** Reads the addresses and aliases of an answer; undefined when it is damaged. */
export function readAnswer(bytes: Uint8Array): Answer | undefined {
  const question = bytes.length < headerBytes ? undefined : questionOf(bytes);
  const slices = question && sliceRecords(bytes, headerBytes + question.length);
  if (!slices) return undefined;
  const records: AnsweredRecord[] = [];
  for (const { section, nameAt, type, ttl, dataAt, dataLength } of slices.slice(0, maxAnswers)) {
    if (section !== 0) break;
    const name = readName(bytes, nameAt)?.name;
    const size = type === recordType.A ? 4 : type === recordType.AAAA ? 16 : undefined;
    const alias = type === recordType.CNAME ? readName(bytes, dataAt)?.name : undefined;
    if (name && alias) records.push({ name, type, ttl, data: alias });
    if (name && size === dataLength) records.push({ name, type, ttl, data: bytes.slice(dataAt, dataAt + dataLength) });
  }
  return { code: codeOf(bytes), records };
}

/** Whether a message says that more was to be said than there was room for. */
export function isTruncated(bytes: Uint8Array): boolean {
  return ((bytes[2] ?? 0) & 0x02) !== 0;
}

/** The response code of a message, but for its extended part. */
export function codeOf(bytes: Uint8Array): number {
  return (bytes[3] ?? 0) & 15;
}

/** The bytes of the question of any message; undefined when it has not exactly one. */
export function questionOf(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < headerBytes || viewOf(bytes).getUint16(4) !== 1) return undefined;
  const end = (skipName(bytes, headerBytes) ?? bytes.length) + 4;
  return end <= bytes.length ? bytes.subarray(headerBytes, end) : undefined;
}

/** Whether two questions are the same but for the case of their names. */
export function isSameQuestion(first: Uint8Array, second: Uint8Array): boolean {
  return first.length === second.length && foldCase(first) === foldCase(second);
}

/** Bytes as text in which the case of letters makes no difference. */
export function foldCase(bytes: Uint8Array): string {
  return lowerCase(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"));
}

/** Letters of ASCII only: other bytes of a name are just bytes. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The labels of a name that is written with dots. */
export function nameOf(text: string): DomainName {
  return text.split(".").filter((label) => label !== "");
}

const maxNameBytes = 255;
/** Each label takes at least two bytes. */
const maxJumps = 127;

/** Reads a name. Pointers lead backwards only, so that none leads round. */
function readName(
  bytes: Uint8Array,
  start: number,
): { readonly name: DomainName; readonly end: number; readonly isCompressed: boolean } | undefined {
  const name: string[] = [];
  let [at, end, size, jumps] = [start, 0, 1, 0];
  let lowest = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name, end: jumps > 0 ? end : at + 1, isCompressed: jumps > 0 };
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      if (at + 1 >= bytes.length || target >= lowest || ++jumps > maxJumps) return undefined;
      if (jumps === 1) end = at + 2;
      lowest = target;
      at = target;
    } else {
      size += length + 1;
      if (length > 63 || size > maxNameBytes || at + length >= bytes.length) return undefined;
      name.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)));
      at += length + 1;
    }
  }
}

/** Where a name ends, whatever it points to. */
function skipName(bytes: Uint8Array, start: number): number | undefined {
  for (let at = start; at < bytes.length && at - start < maxNameBytes; ) {
    const length = bytes[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2 <= bytes.length ? at + 2 : undefined;
    if (length > 63) return undefined;
    at += length + 1;
  }
  return undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
