/**
 * Where the cluster's state is kept.
 *
 * - A store is named by a URL; its backend is loaded when it is first asked for.
 * - A commit that was answered is durable (except in the memory store).
 * - Revisions only grow, and watches see every event once, in order, without gaps.
 *
 * To add a backend: one file beside this one, and its scheme below.
 */
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import type { EtcdOptions } from "./etcd.ts";
import type { Store } from "./store.ts";

/** Options of {@linkcode openStore}. */
export interface OpenStoreOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly etcd?: EtcdOptions | undefined;
  /** Path of an EncryptionConfiguration: how values are kept. Absent: as they are. */
  readonly encryptionProviderConfig?: string | undefined;
  /** Ends the wait for a store that does not answer yet. */
  readonly signal?: AbortSignal | undefined;
}

/** Backends by scheme. */
const backends: ReadonlyMap<string, (rest: string, options: OpenStoreOptions) => Promise<Store>> = new Map([
  ["memory", async (_rest, options) => (await import("./memory.ts")).openMemoryStore(options)],
  ["etcd", async (servers, options) => (await import("./etcd.ts")).openEtcdStore(servers, options)],
  ["log", async (path, options) => (await import("./log.ts")).openLogStore(path, options)],
]);

/**
 * Opens the store that `url` names: `memory:`, `log:/path`, `etcd:http://host:2379,…`, or a plain path, which is a log.
 *
 * @throws RangeError for an unknown scheme; else what the backend says
 */
export async function openStore(url: string, options: OpenStoreOptions): Promise<Store> {
  const match = /^([a-z][a-z0-9+.-]+):(.*)$/s.exec(url);
  const [scheme = "log", rest = url] = match ? [match[1], match[2]] : [];
  const open = backends.get(scheme);
  if (!open)
    throw new RangeError(`Cannot open the store: unknown scheme, known are ${[...backends.keys()].join(", ")}: ${url}`);
  if (scheme === "log" && rest === "") throw new RangeError(`Cannot open the store: no path: ${url}`);
  const { encryptionProviderConfig } = options;
  if (encryptionProviderConfig === undefined) return await open(rest, options);
  const { openTransformer } = await import("./encryption/configuration.ts");
  const { encryptedStore } = await import("./encryption/encrypted_store.ts");
  const transformer = await openTransformer(encryptionProviderConfig);
  return encryptedStore(await open(rest, options), transformer);
}
