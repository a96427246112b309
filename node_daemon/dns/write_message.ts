import {
  type BadQuery,
  type DomainName,
  headerBytes,
  internetClass,
  lowerCase,
  plainDatagramBytes,
  type Query,
  recordType,
  responseCode,
} from "./message.ts";

/** A record to be written. */
export interface ResourceRecord {
  readonly name: DomainName;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Bytes as they are, and names. */
  readonly data: readonly (Uint8Array | DomainName)[];
}

/** What is answered. */
export interface Response {
  readonly code: number;
  /** Whether this server is the one that knows. */
  readonly isAuthoritative: boolean;
  readonly answers?: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
  /** Left out, rather than truncated, where there is no room. */
  readonly additional?: readonly ResourceRecord[];
}

/** What a datagram may hold without being cut in two on its way. @see https://www.dnsflagday.net/2020/ */
const datagramBytes = 1232;
/** What a message over TCP may hold. */
const streamBytes = 65_535;
const optionBytes = 11;
/** Type, class, time to live and length of data. */
const recordHeadBytes = 10;
/** Offsets that a pointer can express. */
const pointerRange = 0x4000;

/** How large an answer may be. */
export function answerLimit({ edns }: Query, protocol: "UDP" | "TCP"): number {
  if (protocol === "TCP") return streamBytes;
  return edns ? Math.min(edns.datagramBytes, datagramBytes) : plainDatagramBytes;
}

/** An address's record. */
export function addressRecord(name: DomainName, ttl: number, address: Uint8Array): ResourceRecord {
  return { name, ttl, type: address.length === 4 ? recordType.A : recordType.AAAA, data: [address] };
}

/** A number of 16 bits. */
export function short(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

/** A number of 32 bits. */
export function long(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** Writes an answer. What does not fit into `maxBytes` is left out, and the answer says so. */
export function writeResponse(query: Query, response: Response, maxBytes: number): Uint8Array {
  const { code, isAuthoritative, answers = [], authority = [], additional = [] } = response;
  const writer = new MessageWriter(query, maxBytes - (query.edns ? optionBytes : 0));
  const counts = [0, 0, 0];
  let isTruncated = false;
  for (const [section, records] of [answers, authority, additional].entries()) {
    for (const record of isTruncated ? [] : records) {
      if (!writer.add(record)) {
        isTruncated = section < 2;
        break;
      }
      counts[section] = (counts[section] ?? 0) + 1;
    }
  }
  if (query.edns) {
    writer.addOptions(code >> 4, query.edns.wantsDnssec);
    counts[2] = (counts[2] ?? 0) + 1;
  }
  const flags =
    0x8080 |
    (isAuthoritative ? 0x0400 : 0) |
    (isTruncated ? 0x0200 : 0) |
    (query.recursionDesired ? 0x0100 : 0) |
    (query.checkingDisabled ? 0x0010 : 0) |
    (code & 15);
  return writer.finish([query.id, flags, 1, ...counts]);
}

/** The answer to what cannot be read further than its header. */
export function writeRefusal({ id, refusal }: BadQuery): Uint8Array {
  return Buffer.concat([id, 0x8080 | refusal, 0, 0, 0, 0].map(short));
}

/** An answer without records. */
export function failure(code: number = responseCode.serverFailure): Response {
  return { code, isAuthoritative: false };
}

/** Writes records behind a question, names in the shortest form. */
class MessageWriter {
  readonly #bytes: Buffer;
  readonly #limit: number;
  #at: number;
  /** Where names stand, by what they end with. */
  readonly #offsets = new Map<string, number>();
  /** The same for whole names: many records have the very same. */
  readonly #known = new Map<DomainName, number>();

  constructor({ question, name }: Query, limit: number) {
    this.#limit = limit;
    this.#bytes = Buffer.alloc(limit + optionBytes);
    this.#bytes.set(question, headerBytes);
    this.#at = headerBytes + question.length;
    this.#note(name, headerBytes);
  }

  /** False, and nothing is written, when there is no room. */
  add({ name, type, ttl, data }: ResourceRecord): boolean {
    const start = this.#at;
    const known = this.#offsets.size;
    if (this.#addRecord(name, type, ttl, data)) return true;
    this.#at = start;
    this.#known.clear();
    for (const key of [...this.#offsets.keys()].slice(known)) this.#offsets.delete(key);
    return false;
  }

  addOptions(codeHigh: number, wantsDnssec: boolean): void {
    const record = [[0], short(recordType.OPT), short(datagramBytes), [codeHigh, 0], short(wantsDnssec ? 0x8000 : 0)];
    for (const bytes of [...record, [0, 0]]) {
      this.#bytes.set(bytes, this.#at);
      this.#at += bytes.length;
    }
  }

  finish(header: readonly number[]): Uint8Array {
    for (const [index, value] of header.entries()) this.#bytes.writeUInt16BE(value, 2 * index);
    return this.#bytes.subarray(0, this.#at);
  }

  #addRecord(name: DomainName, type: number, ttl: number, data: ResourceRecord["data"]): boolean {
    if (!this.#addName(name, true)) return false;
    const dataAt = this.#at + recordHeadBytes;
    if (dataAt > this.#limit) return false;
    this.#bytes.writeUInt16BE(type, this.#at);
    this.#bytes.writeUInt16BE(internetClass, this.#at + 2);
    this.#bytes.writeUInt32BE(ttl, this.#at + 4);
    this.#at = dataAt;
    for (const field of data) {
      // Those who look for services need not know how to follow pointers (RFC 2782).
      const isFit = field instanceof Uint8Array ? this.#addBytes(field) : this.#addName(field, type !== recordType.SRV);
      if (!isFit) return false;
    }
    this.#bytes.writeUInt16BE(this.#at - dataAt, dataAt - 2);
    return true;
  }

  #addBytes(bytes: Uint8Array): boolean {
    if (this.#at + bytes.length > this.#limit) return false;
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return true;
  }

  #addName(name: DomainName, isShort: boolean): boolean {
    const start = this.#at;
    const whole = isShort ? this.#known.get(name) : undefined;
    if (whole !== undefined) return this.#addBytes(short(0xc000 | whole));
    for (const [index, label] of name.entries()) {
      const known = isShort ? this.#offsets.get(keyOf(name, index)) : undefined;
      if (known !== undefined) {
        if (index === 0) this.#known.set(name, known);
        this.#note(name, start, index);
        return this.#addBytes(short(0xc000 | known));
      }
      if (!this.#addBytes(Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"))) return false;
    }
    this.#note(name, start);
    return this.#addBytes(Uint8Array.of(0));
  }

  /** Notes where the endings of a name begin of which `count` labels are written out. */
  #note(name: DomainName, start: number, count: number = name.length): void {
    let at = start;
    for (const [index, label] of name.slice(0, count).entries()) {
      const key = keyOf(name, index);
      // Then its endings were noted with it.
      if (this.#offsets.has(key)) return;
      if (at < pointerRange) this.#offsets.set(key, at);
      at += label.length + 1;
    }
  }
}

function keyOf(name: DomainName, from: number): string {
  return name
    .slice(from)
    .map((label) => `${label.length}:${lowerCase(label)}`)
    .join("");
}
