import { Pool } from "undici";
import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import type { Clock } from "../../core/util/clock.ts";
import { linkSignals } from "../../core/util/link_signals.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { StoreUnavailable } from "./store.ts";

/** How an etcd cluster is reached. */
export interface EtcdGatewayOptions {
  /** URLs of its members, all http or all https. */
  readonly endpoints: readonly string[];
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** PEM of the client's certificate and key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Options of {@linkcode EtcdGateway.call}. */
export interface EtcdCallOptions {
  /** Whether a call that may have been carried out may be sent again. */
  readonly isRead: boolean;
  /** Milliseconds for the whole of it, tries of other members included. Default 5000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const callMs = 5_000;
/** Milliseconds for one try of a read: then another member is asked. */
const tryMs = 2_000;
const connectMs = 2_000;
const firstPauseMs = 50;
const maxPauseMs = 1_000;
/** Idle milliseconds after which the system probes a member: one that vanished is noticed within half a minute. */
const keepAliveProbeMs = 10_000;

/** gRPC's numbers of what went wrong. @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const grpcCode = { invalidArgument: 3, deadlineExceeded: 4, resourceExhausted: 8, outOfRange: 11, unavailable: 14 };

/** etcd was reached, and refused. */
export class EtcdRefusal extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.name = "EtcdRefusal";
    this.code = code;
  }

  get isCompacted(): boolean {
    return this.code === grpcCode.outOfRange && this.message.includes("has been compacted");
  }

  get isFuture(): boolean {
    return this.code === grpcCode.outOfRange && this.message.includes("future revision");
  }

  get isTooLarge(): boolean {
    return this.message.includes("request is too large") || this.message.includes("message larger than max");
  }

  /** The member has no space left, or its quota is used up. */
  get isFull(): boolean {
    return this.code === grpcCode.resourceExhausted;
  }

  /** The member cannot answer for its cluster now. */
  get isAway(): boolean {
    return this.code === grpcCode.unavailable || this.code === grpcCode.deadlineExceeded;
  }
}

/**
 * The JSON form of etcd's v3 API over several members: the one that answered last is asked first.
 *
 * @see https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/
 */
export class EtcdGateway implements AsyncDisposable {
  readonly #options: EtcdGatewayOptions;
  readonly #pools: readonly Pool[];
  #current = 0;
  #isAway = false;
  readonly #closing = new AbortController();

  constructor(options: EtcdGatewayOptions) {
    const { endpoints, ca, cert, key } = options;
    allowManyListeners(this.#closing.signal);
    this.#options = options;
    this.#pools = endpoints.map(
      (endpoint) =>
        new Pool(endpoint, {
          connect: {
            timeout: connectMs,
            keepAlive: true,
            keepAliveInitialDelay: keepAliveProbeMs,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
          },
          bodyTimeout: 0,
          headersTimeout: 0,
        }),
    );
  }

  /**
   * Asks until somebody answers or the deadline has passed. What is no read is asked again only when nobody can have
   * carried it out.
   *
   * @throws EtcdRefusal; StoreUnavailable when there was no answer; the signal's reason
   */
  async call<T>(path: string, body: object, options: EtcdCallOptions): Promise<T> {
    const { signal, release } = linkSignals(this.#closing.signal, ...(options.signal ? [options.signal] : []));
    try {
      return await this.#callUntil(signal, path, body, options);
    } finally {
      release();
    }
  }

  async #callUntil<T>(ending: AbortSignal, path: string, body: object, options: EtcdCallOptions): Promise<T> {
    const { isRead, deadlineMs = callMs, signal } = options;
    const { clock } = this.#options;
    const end = clock.monotonic() + deadlineMs;
    let pauseMs = firstPauseMs;
    for (let tried = 1; ; tried++) {
      const member = this.#current;
      const left = end - clock.monotonic();
      try {
        const answer = await this.#ask<T>(member, path, body, isRead ? Math.min(tryMs, left) : left, ending);
        this.#noteAnswer(member);
        return answer;
      } catch (error) {
        if (error instanceof EtcdRefusal && !error.isAway) throw error;
        if (this.#closing.signal.aborted) throw new StoreUnavailable("Cannot ask etcd: the store is closed");
        signal?.throwIfAborted();
        this.#noteFailure(member, error);
        const mayAskAgain = isRead || wasNeverSent(error);
        if (!mayAskAgain || clock.monotonic() + pauseMs >= end) {
          throw new StoreUnavailable(`etcd does not answer: ${errorMessage(error)}`, {
            cause: error,
            mayHaveWritten: !mayAskAgain,
          });
        }
      }
      // Every member once, then with pauses.
      if (tried % this.#pools.length !== 0) continue;
      await clock.sleep(pauseMs, { signal: ending }).catch(() => {});
      pauseMs = Math.min(maxPauseMs, pauseMs * 2);
    }
  }

  async #ask<T>(member: number, path: string, body: object, timeoutMs: number, ending: AbortSignal): Promise<T> {
    const late = new AbortController();
    const cancel = this.#options.clock.schedule(timeoutMs, () =>
      late.abort(new Error(`no answer within ${Math.round(timeoutMs)} ms`)),
    );
    const { signal, release } = linkSignals(late.signal, ending);
    try {
      const { body: answer } = await this.#post(member, path, body, signal);
      return (await answer.json()) as T;
    } finally {
      cancel();
      release();
    }
  }

  async #post(member: number, path: string, body: object, signal: AbortSignal) {
    const pool = this.#pools[member] as Pool;
    const response = await pool.request({
      method: "POST",
      path: `/v3/${path}`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
    if (response.statusCode === 200) return response;
    const text = await response.body.text();
    throw refusalOf(text) ?? new Error(`status ${response.statusCode}: ${text.slice(0, 200)}`);
  }

  /**
   * What a call answers bit by bit, for as long as it goes on. One try at one member.
   *
   * @throws EtcdRefusal; StoreUnavailable when the connection is lost
   */
  async *stream<T>(path: string, body: object, signal: AbortSignal): AsyncGenerator<T, void, void> {
    const member = this.#current;
    const { signal: either, release } = linkSignals(signal, this.#closing.signal);
    try {
      const response = await this.#post(member, path, body, either);
      for await (const line of linesOf(response.body)) {
        const { result, error } = JSON.parse(line) as { result?: T; error?: { message?: string; grpc_code?: number } };
        if (error) throw new EtcdRefusal(error.message ?? "unknown", error.grpc_code ?? grpcCode.unavailable);
        if (result) yield result;
        this.#noteAnswer(member);
      }
      throw new Error("the stream ended");
    } catch (error) {
      if (either.aborted) return;
      if (error instanceof EtcdRefusal && !error.isAway) throw error;
      this.#noteFailure(member, error);
      throw new StoreUnavailable(`etcd does not answer: ${errorMessage(error)}`, { cause: error });
    } finally {
      release();
    }
  }

  #noteAnswer(member: number): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#options.log.info("etcd answers again", { endpoint: this.#options.endpoints[member] });
  }

  /** The next call goes to another member. */
  #noteFailure(member: number, error: unknown): void {
    if (this.#current === member) this.#current = (member + 1) % this.#pools.length;
    if (this.#isAway) return;
    this.#isAway = true;
    const endpoint = this.#options.endpoints[member];
    this.#options.log.warn("etcd does not answer", { endpoint, error: errorMessage(error) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException("The store was closed", "AbortError"));
    await Promise.all(this.#pools.map((pool) => pool.destroy()));
  }
}

/** Whether the connection failed before anything was sent. */
function wasNeverSent(error: unknown): boolean {
  const { code, syscall } = error as { code?: string; syscall?: string };
  return code === "UND_ERR_CONNECT_TIMEOUT" || syscall === "connect" || syscall === "getaddrinfo";
}

function refusalOf(text: string): EtcdRefusal | undefined {
  try {
    const { message, error, code } = JSON.parse(text) as { message?: string; error?: string; code?: number };
    return typeof code === "number" ? new EtcdRefusal(message ?? error ?? "unknown", code) : undefined;
  } catch {
    return undefined;
  }
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let parts: Buffer[] = [];
  for await (const chunk of body) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      parts.push(rest.subarray(0, end));
      const line = Buffer.concat(parts).toString("utf8");
      parts = [];
      rest = rest.subarray(end + 1);
      if (line !== "") yield line;
    }
    if (rest.length > 0) parts.push(rest);
  }
}
