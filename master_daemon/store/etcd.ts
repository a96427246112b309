import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { readTextFile } from "../../core/platform/files.ts";
import type { Clock } from "../../core/util/clock.ts";
import { linkSignals } from "../../core/util/link_signals.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { checkCommit } from "./commit.ts";
import { EtcdGateway, EtcdRefusal } from "./etcd_gateway.ts";
import { keyOfEvent } from "./state.ts";
import {
  type CommitResult,
  Compacted,
  type KeyValue,
  type Page,
  type Store,
  type StoreEvent,
  StoreUnavailable,
  StoreWriteError,
  ValueTooLarge,
  type WatchStoreOptions,
} from "./store.ts";

/** How to reach an etcd, named as kube-apiserver's flags. */
export interface EtcdOptions {
  /** Paths of PEM files. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** What all keys begin with. Default `/wherry`. */
  readonly prefix?: string | undefined;
}

/** Options of {@linkcode openEtcdStore}. */
export interface EtcdStoreOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly etcd?: EtcdOptions | undefined;
  /** Ends the wait for an etcd that does not answer. */
  readonly signal?: AbortSignal | undefined;
}

/** Most that is asked for at once: a page of a list. */
const pageKeys = 500;
/** Milliseconds that a start waits for etcd. */
const startMs = 20_000;
/** Milliseconds after which a watch that is to reach a revision makes sure that something comes. */
const markMs = 1_000;
const retry = { firstMs: 50, maxMs: 2_000 };

/**
 * Opens a store in an etcd of version 3.4 or later, which others may use at the same time.
 *
 * - A revision is etcd's own: that of the whole etcd, whoever makes it grow.
 * - Keys stand under a prefix, so that other programs may use the same etcd.
 *
 * @param servers URLs of the members, separated by commas
 * @throws RangeError for servers that cannot be read; StoreUnavailable when none answers; the signal's reason
 */
export async function openEtcdStore(servers: string, options: EtcdStoreOptions): Promise<Store> {
  const { clock, log, signal, etcd: { prefix = "/wherry", ...files } = {} } = options;
  if (!/^\/[^\s]*[^/\s]$/.test(prefix)) {
    throw new RangeError(`Cannot open the store: the prefix must begin, but not end, with a slash: ${prefix}`);
  }
  const [ca, cert, key] = await Promise.all([pem(files.caFile), pem(files.certFile), pem(files.keyFile)]);
  const gateway = new EtcdGateway({ endpoints: endpointsOf(servers), ca, cert, key, clock, log });
  const store = new EtcdStore({ gateway, prefix, clock });
  try {
    await gateway.call("kv/range", store.probe, { isRead: true, deadlineMs: startMs, signal });
    return store;
  } catch (cause) {
    await store[Symbol.asyncDispose]();
    signal?.throwIfAborted();
    throw new StoreUnavailable(`Cannot open the store: ${servers}: ${errorMessage(cause)}`, { cause });
  }
}

async function pem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readTextFile(path);
  if (text === undefined) throw new Error(`Cannot open the store: ${path} is not there`);
  return text;
}

function endpointsOf(servers: string): readonly string[] {
  const [first = ""] = servers.split(",");
  const scheme = /^https?:\/\//.exec(first)?.[0] ?? "http://";
  return servers.split(",").map((text) => {
    const endpoint = text.includes("://") ? text.trim() : `${scheme}${text.trim()}`;
    const { protocol, pathname, username, search } = URL.canParse(endpoint) ? new URL(endpoint) : new URL("x:");
    if (`${protocol}//` !== scheme || pathname !== "/" || username !== "" || search !== "") {
      throw new RangeError(`Cannot open the store: not the URL of an etcd, as in http://127.0.0.1:2379: ${text}`);
    }
    return endpoint;
  });
}

/** etcd's own messages, as far as they are used. Numbers are text, keys and values base64; what is 0 or empty is left out. */
interface EtcdKeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision: string;
  readonly mod_revision: string;
}

interface EtcdHeader {
  readonly revision: string;
}

interface RangeResponse {
  readonly header: EtcdHeader;
  readonly kvs?: readonly EtcdKeyValue[];
  readonly more?: boolean;
}

interface TxnResponse {
  readonly header: EtcdHeader;
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: RangeResponse }[];
}

interface WatchResponse {
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: string;
  readonly cancel_reason?: string;
  readonly events?: readonly {
    readonly type?: "DELETE";
    readonly kv: EtcdKeyValue;
    readonly prev_kv?: EtcdKeyValue;
  }[];
}

class EtcdStore implements Store {
  readonly #gateway: EtcdGateway;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor({
    gateway,
    prefix,
    clock,
  }: { readonly gateway: EtcdGateway; readonly prefix: string; readonly clock: Clock }) {
    allowManyListeners(this.#closing.signal);
    this.#gateway = gateway;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** A question that costs etcd nothing. */
  get probe(): object {
    return { key: encode(this.#prefix), limit: "1", keys_only: true };
  }

  async get(
    key: string,
    { revision }: { readonly revision?: number } = {},
  ): Promise<{ readonly revision: number; readonly kv: KeyValue | undefined }> {
    // No key is the question for the present revision.
    const request = key === "" ? this.probe : { key: encode(this.#prefix + key) };
    const { header, kvs = [] } = await this.#range(request, revision);
    const kv = key === "" ? undefined : kvs[0];
    return { revision: revision ?? Number(header.revision), kv: kv && this.#keyValue(kv) };
  }

  async list(
    prefix: string,
    options: { readonly revision?: number; readonly after?: string; readonly limit?: number } = {},
  ): Promise<Page> {
    const { limit = Number.POSITIVE_INFINITY } = options;
    let { revision, after = "" } = options;
    const start = prefix || "/";
    const end = encode(followerOf(Buffer.from(this.#prefix + start)));
    const items: KeyValue[] = [];
    for (;;) {
      const key = after >= start ? `${after}\0` : start;
      const count = Math.min(pageKeys, limit - items.length);
      const request = { key: encode(this.#prefix + key), range_end: end, limit: String(count) };
      const { header, kvs = [], more = false } = await this.#range(request, revision);
      revision ??= Number(header.revision);
      for (const kv of kvs) items.push(this.#keyValue(kv));
      if (!more || items.length >= limit) return { revision, items, more };
      after = items[items.length - 1]?.key ?? "";
    }
  }

  async #range(request: object, revision: number | undefined): Promise<RangeResponse> {
    try {
      return await this.#gateway.call<RangeResponse>(
        "kv/range",
        revision === undefined ? request : { ...request, revision: String(revision) },
        { isRead: true },
      );
    } catch (error) {
      if (!(error instanceof EtcdRefusal)) throw error;
      if (error.isCompacted) throw new Compacted(revision ?? 0, await this.#compacted(revision ?? 0));
      if (error.isFuture) throw new RangeError(`Cannot read revision ${revision}: the store is not there yet`);
      throw new StoreUnavailable(`Cannot read: ${error.message}`, { cause: error });
    }
  }

  /** Up to where history was given up, which etcd only says to who watches. */
  async #compacted(revision: number): Promise<number> {
    const create = { key: encode(this.#prefix), start_revision: String(Math.max(1, revision)) };
    const stop = new AbortController();
    for await (const answer of this.#gateway.stream<WatchResponse>("watch", { create_request: create }, stop.signal)) {
      if (answer.canceled || answer.events) return Number(answer.compact_revision ?? revision);
    }
    return revision;
  }

  async commit(key: string, value: Uint8Array | null, { expected }: { expected: number }): Promise<CommitResult> {
    checkCommit(key, value);
    if (!key.startsWith("/")) throw new RangeError(`Cannot commit: the key must begin with a slash: ${key}`);
    if (value === null && expected === 0) return { ok: false, current: (await this.get(key)).kv };
    const name = encode(this.#prefix + key);
    const change = value
      ? { request_put: { key: name, value: encode(value) } }
      : { request_delete_range: { key: name } };
    try {
      const { header, succeeded, responses } = await this.#gateway.call<TxnResponse>(
        "kv/txn",
        {
          compare: [{ key: name, target: "MOD", result: "EQUAL", mod_revision: String(expected) }],
          success: [change],
          failure: [{ request_range: { key: name } }],
        },
        { isRead: false },
      );
      if (succeeded) return { ok: true, revision: Number(header.revision) };
      const current = responses?.[0]?.response_range?.kvs?.[0];
      return { ok: false, current: current && this.#keyValue(current) };
    } catch (error) {
      if (!(error instanceof EtcdRefusal)) throw error;
      if (error.isTooLarge) throw new ValueTooLarge("etcdserver: request is too large");
      throw new StoreWriteError(`Cannot write to etcd: ${error.message}`, { temporary: error.isFull, cause: error });
    }
  }

  async mark(): Promise<number> {
    const put = { key: encode(`${this.#prefix}/mark`) };
    // Sent again without harm: it says nothing but that it was written.
    const { header } = await this.#gateway.call<RangeResponse>("kv/put", put, { isRead: true });
    return Number(header.revision);
  }

  async *watch(prefix: string, options: WatchStoreOptions): AsyncGenerator<readonly StoreEvent[], void, void> {
    const { after, until = Number.POSITIVE_INFINITY, onProgress } = options;
    const { signal, release } = linkSignals(options.signal, this.#closing.signal);
    let position = after;
    let pauseMs = retry.firstMs;
    try {
      while (!signal.aborted && position < until) {
        try {
          for await (const { events, reached } of this.#eventsAfter(position, { until, signal })) {
            pauseMs = retry.firstMs;
            const selected = events.filter((event) => event.revision <= until && keyOfEvent(event).startsWith(prefix));
            if (selected.length > 0) yield selected;
            position = reached;
            onProgress?.(position);
            if (signal.aborted || position >= until) return;
          }
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
          // Another member may know: the watch goes on where it was.
          await this.#clock.sleep(pauseMs, { signal }).catch(() => {});
          pauseMs = Math.min(retry.maxMs, pauseMs * 2);
        }
      }
    } finally {
      release();
    }
  }

  /** The events after a revision, whatever their key, as one member tells them, and how far each batch leads. */
  async *#eventsAfter(
    position: number,
    { until, signal }: { readonly until: number; readonly signal: AbortSignal },
  ): AsyncGenerator<{ readonly events: readonly StoreEvent[]; readonly reached: number }, void, void> {
    // etcd itself would tell of the revision at which history begins, but not of what was deleted by it.
    if (position > 0) {
      await this.#range(this.probe, position).catch((error: unknown) => {
        // What is yet to come can be waited for.
        if (!(error instanceof RangeError)) throw error;
      });
    }
    // Whatever comes last may be nothing of ours: then a mark is what shows that nothing is missing.
    const cancelMark =
      until === Number.POSITIVE_INFINITY ? () => {} : this.#clock.schedule(markMs, () => this.mark().catch(() => {}));
    try {
      for await (const answer of this.#gateway.stream<WatchResponse>("watch", this.#watchFrom(position), signal)) {
        if (answer.canceled) throw canceled(answer, position);
        const { events = [] } = answer;
        const last = events[events.length - 1];
        if (!last) continue;
        const told = events.flatMap((event) => this.#eventOf(event, position) ?? []);
        yield { events: told, reached: Number(last.kv.mod_revision) };
      }
    } finally {
      cancelMark();
    }
  }

  #watchFrom(position: number): object {
    return {
      create_request: {
        key: encode(`${this.#prefix}/`),
        range_end: encode(followerOf(Buffer.from(`${this.#prefix}/`))),
        start_revision: String(position + 1),
        prev_kv: true,
      },
    };
  }

  /** Undefined for what is no key of the store. */
  #eventOf(
    { type, kv, prev_kv: before }: NonNullable<WatchResponse["events"]>[number],
    position: number,
  ): StoreEvent | undefined {
    const revision = Number(kv.mod_revision);
    const key = decode(kv.key).slice(this.#prefix.length);
    if (key === "/mark") return undefined;
    const isNew = type !== "DELETE" && kv.create_revision === kv.mod_revision;
    // What it replaced was compacted in the meantime: history does not reach back that far any more.
    if (!before && !isNew) throw new Compacted(position, revision);
    const previous = before && this.#keyValue(before);
    if (type !== "DELETE") return { type: "put", revision, kv: this.#keyValue(kv), previous };
    return previous && { type: "delete", revision, key, previous };
  }

  #keyValue({ key, value = "", create_revision, mod_revision }: EtcdKeyValue): KeyValue {
    return {
      key: decode(key).slice(this.#prefix.length),
      value: Buffer.from(value, "base64"),
      createRevision: Number(create_revision),
      revision: Number(mod_revision),
    };
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#gateway.call("kv/compaction", { revision: String(revision) }, { isRead: true });
    } catch (error) {
      if (error instanceof EtcdRefusal && error.isCompacted) return;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException("The store was closed", "AbortError"));
    await this.#gateway[Symbol.asyncDispose]();
  }
}

function canceled({ compact_revision, cancel_reason }: WatchResponse, position: number): Error {
  const compacted = Number(compact_revision ?? 0);
  return compacted > 0
    ? new Compacted(position, compacted)
    : new StoreUnavailable(`etcd ended the watch: ${cancel_reason ?? "it does not say why"}`);
}

function encode(value: string | Uint8Array): string {
  return (typeof value === "string" ? Buffer.from(value) : asBuffer(value)).toString("base64");
}

function decode(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The least key after all those that begin with `prefix`. */
function followerOf(prefix: Uint8Array): Uint8Array {
  const follower = prefix.slice();
  // Text in UTF-8 has no byte of 255.
  follower[follower.length - 1] = (follower[follower.length - 1] ?? 0) + 1;
  return follower;
}
