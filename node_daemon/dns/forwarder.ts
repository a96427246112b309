import type { Clock } from "../../core/util/clock.ts";
import { ExpiringCache } from "../../core/util/expiring_cache.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { exchange, type NameServer } from "./exchange.ts";
import {
  codeOf,
  foldCase,
  headerBytes,
  isTruncated,
  type Query,
  questionOf,
  recordType,
  responseCode,
  sliceRecords,
} from "./message.ts";

/** Options of {@linkcode Forwarder}. */
export interface ForwarderOptions {
  /** Whom to ask, best first. Asked anew for each question. */
  servers(): Promise<readonly NameServer[]>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** How long one server may take; clients ask again after five seconds. */
const serverMs = 2000;
const totalMs = 4500;
/** Questions under way at most: each has a socket. */
const maxUnderWay = 1000;
const maxCached = 1000;
const maxCachedBytes = 4096;
const maxCachedSeconds = 30;
/** Codes for which another server may know better. */
const doubtful: readonly number[] = [responseCode.serverFailure, responseCode.notImplemented, responseCode.refused];

interface Kept {
  readonly answer: Uint8Array;
  readonly at: number;
  readonly ttlsAt: readonly number[];
}

/**
 * Asks the servers of the machine what is not the cluster's, and keeps answers for a moment.
 *
 * A question that is under way waits for the same answer: it is asked once, however many ask, and a resolver that sends
 * it back to us makes it go round no second time.
 */
export class Forwarder implements AsyncDisposable {
  readonly #options: ForwarderOptions;
  readonly #underWay = new Map<string, Promise<Uint8Array | undefined>>();
  readonly #kept: ExpiringCache<Kept>;
  readonly #closing = new AbortController();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#kept = new ExpiringCache({ maxEntries: maxCached, clock: options.clock });
  }

  /** The answer of another server; undefined when none answered. */
  async forward(query: Query, message: Uint8Array, protocol: "UDP" | "TCP"): Promise<Uint8Array | undefined> {
    const key = keyOf(query, message, protocol);
    const kept = this.#kept.get(key);
    if (kept) return addressedTo(query, this.#aged(kept));
    let asked = this.#underWay.get(key);
    if (!asked) {
      if (this.#underWay.size >= maxUnderWay || this.#closing.signal.aborted) return undefined;
      asked = this.#ask(message, protocol).then((answer) => {
        if (answer && !query.edns?.hasOptions) this.#keep(key, answer);
        return answer;
      });
      this.#underWay.set(key, asked);
      void asked.finally(() => this.#underWay.delete(key));
    }
    const answer = await asked;
    return answer && addressedTo(query, answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException("The server was closed", "AbortError"));
    await Promise.all(this.#underWay.values());
  }

  async #ask(message: Uint8Array, protocol: "UDP" | "TCP"): Promise<Uint8Array | undefined> {
    const { clock, log } = this.#options;
    const startedAt = clock.monotonic();
    let doubted: Uint8Array | undefined;
    const servers = await this.#options.servers().catch((error: unknown) => {
      log.warn("Cannot read the resolvers of this machine", { error: errorMessage(error) });
      return [];
    });
    // A datagram may be lost: a lone server is asked twice.
    for (const server of servers.length === 1 ? [...servers, ...servers] : servers) {
      const leftMs = totalMs - (clock.monotonic() - startedAt);
      if (leftMs <= 0 || this.#closing.signal.aborted) break;
      const answer = await this.#askOne(server, message, protocol, Math.min(serverMs, leftMs));
      if (answer && !doubtful.includes(codeOf(answer))) return answer;
      doubted = answer ?? doubted;
    }
    return doubted;
  }

  async #askOne(
    server: NameServer,
    message: Uint8Array,
    protocol: "UDP" | "TCP",
    timeoutMs: number,
  ): Promise<Uint8Array | undefined> {
    const { clock, random, log } = this.#options;
    const own = Uint8Array.from(message);
    own.set([Math.floor(random() * 256), Math.floor(random() * 256)]);
    const ending = new AbortController();
    const cancel = clock.schedule(timeoutMs, () => ending.abort(new Error("it did not answer in time")));
    try {
      const signal = AbortSignal.any([ending.signal, this.#closing.signal]);
      return await exchange({ server, protocol, message: own, signal });
    } catch (error) {
      log.debug("Cannot ask a resolver", { server: server.address, error: errorMessage(error) });
      return undefined;
    } finally {
      cancel();
    }
  }

  #keep(key: string, answer: Uint8Array): void {
    const isSure = [responseCode.noError, responseCode.nameError].some((code) => code === codeOf(answer));
    const question = questionOf(answer);
    if (!question || !isSure || isTruncated(answer) || answer.length > maxCachedBytes) return;
    const slices = sliceRecords(answer, headerBytes + question.length) ?? [];
    const records = slices.filter(({ type }) => type !== recordType.OPT);
    if (records.length === 0) return;
    const seconds = Math.min(maxCachedSeconds, ...records.map(({ ttl }) => ttl));
    const kept = { answer, at: this.#options.clock.monotonic(), ttlsAt: records.map(({ ttlAt }) => ttlAt) };
    this.#kept.set(key, kept, seconds * 1000);
  }

  /** The answer with what is left of its times. */
  #aged({ answer, at, ttlsAt }: Kept): Uint8Array {
    const aged = Uint8Array.from(answer);
    const view = new DataView(aged.buffer);
    const age = Math.floor((this.#options.clock.monotonic() - at) / 1000);
    for (const offset of ttlsAt) view.setUint32(offset, Math.max(0, view.getUint32(offset) - age));
    return aged;
  }
}

/** What makes two questions the same: everything but number and case. */
function keyOf({ question }: Query, message: Uint8Array, protocol: "UDP" | "TCP"): string {
  const rest = Buffer.from(message.buffer, message.byteOffset, message.length).toString("latin1");
  const end = headerBytes + question.length;
  return `${protocol} ${rest.slice(2, headerBytes)}${foldCase(question)}${rest.slice(end)}`;
}

/** A copy for one who asked: with their number, and the name as they wrote it. */
function addressedTo({ id, question }: Query, answer: Uint8Array): Uint8Array {
  const own = Uint8Array.from(answer);
  own.set([id >> 8, id & 255]);
  own.set(question, headerBytes);
  return own;
}
