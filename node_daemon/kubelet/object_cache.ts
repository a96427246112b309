import type { ResourceType } from "../../core/api/kind.ts";
import type { KubeObject, StringMap } from "../../core/api/meta.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { secret } from "../../core/kinds/secret.ts";
import { Backoff } from "../../core/util/backoff.ts";
import type { Clock } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { ClaimCache, type ClaimCacheOptions } from "./claim_cache.ts";
import type { DataSource, ObjectData } from "./environment.ts";
import { TokenCache } from "./token_cache.ts";

/** A ConfigMap or Secret as far as its content goes. */
interface DataObject extends KubeObject {
  readonly data?: StringMap;
  readonly binaryData?: StringMap;
}

const resources: Readonly<Record<"configMap" | "secret", ResourceType<DataObject>>> = {
  configMap: configMap as ResourceType<DataObject>,
  secret: secret as ResourceType<DataObject>,
};

/** Options of {@linkcode ObjectCache}. */
export interface ObjectCacheOptions extends ClaimCacheOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** An object that this pod refers to changed. */
  onChange(podUid: string): void;
}

/** Pause after a watch that ended in order. */
const endedPauseMs = 1000;

/** One watched object. */
interface Entry {
  readonly podUids: Set<string>;
  readonly tasks: Tasks;
  /** Resolves once the object was looked up for the first time. */
  readonly first: Deferred<void>;
  data: ObjectData | undefined;
  /** Why it could not be looked up; undefined once it was. */
  error: unknown;
}

/**
 * The ConfigMaps and Secrets that pods of this node refer to, tokens of their accounts, and volumes of their claims: each object is looked up when it is first needed and watched while
 * a pod refers to it. The node neither reads nor keeps any other.
 */
export class ObjectCache implements AsyncDisposable {
  readonly #options: ObjectCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #backoff: Backoff;
  readonly #closing = new Set<Promise<void>>();
  readonly #tokens: TokenCache;
  readonly #claims: ClaimCache;

  constructor(options: ObjectCacheOptions) {
    this.#options = options;
    this.#tokens = new TokenCache(options);
    this.#claims = new ClaimCache(options);
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 30_000, clock: options.clock });
  }

  /** The content of the objects that `pod` refers to. Asking for one keeps it watched until {@linkcode release}. */
  sourceFor(pod: Pod): DataSource {
    const podUid = pod.metadata.uid ?? "";
    return {
      configMap: (namespace, name) => this.#read("configMap", namespace, name, podUid),
      secret: (namespace, name) => this.#read("secret", namespace, name, podUid),
      token: (wanted) => this.#tokens.token(pod, wanted),
      boundVolume: (wanted) => this.#claims.volume(pod, wanted),
      isShared: (wanted) => this.#claims.isShared(pod, wanted),
    };
  }

  /** The pod is gone: what only it referred to is no longer watched. */
  release(podUid: string): void {
    this.#tokens.release(podUid);
    this.#claims.release(podUid);
    for (const [key, entry] of this.#entries) {
      if (!entry.podUids.delete(podUid) || entry.podUids.size > 0) continue;
      this.#entries.delete(key);
      const closing = entry.tasks[Symbol.asyncDispose]();
      this.#closing.add(closing);
      void closing.finally(() => this.#closing.delete(closing));
    }
  }

  async #read(
    kind: "configMap" | "secret",
    namespace: string,
    name: string,
    podUid: string,
  ): Promise<ObjectData | undefined> {
    const key = `${kind}/${namespace}/${name}`;
    let entry = this.#entries.get(key);
    if (!entry) {
      const { log } = this.#options;
      const tasks = new Tasks({ onError: (error) => log.error("Cannot watch", { key, error: errorMessage(error) }) });
      const added: Entry = { podUids: new Set(), tasks, first: deferred(), data: undefined, error: undefined };
      this.#entries.set(key, added);
      entry = added;
      tasks.run((signal) => this.#follow(kind, { namespace, name, key }, added, signal));
    }
    entry.podUids.add(podUid);
    await entry.first.promise;
    if (entry.error !== undefined) throw entry.error;
    return entry.data;
  }

  /** Lists the one object and watches it; again after a pause whenever that ends. */
  async #follow(
    kind: "configMap" | "secret",
    { namespace, name, key }: { readonly namespace: string; readonly name: string; readonly key: string },
    entry: Entry,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock, log } = this.#options;
    const selection = { namespace, fieldSelector: `metadata.name=${name}`, signal };
    while (!signal.aborted) {
      try {
        const list = await client.list(resources[kind], selection);
        this.#set(entry, list.items[0]);
        this.#backoff.reset(key);
        const watching = { ...selection, resourceVersion: list.metadata.resourceVersion };
        for await (const event of client.watch(resources[kind], watching)) {
          if (event.type === "BOOKMARK") continue;
          this.#set(entry, event.type === "DELETED" ? undefined : event.object);
        }
        // Servers end watches from time to time; one that ends them at once is not to be asked at full speed.
        await clock.sleep(endedPauseMs, { signal });
      } catch (error) {
        if (signal.aborted) return;
        if (entry.data === undefined) entry.error = error;
        entry.first.resolve();
        log.debug("Cannot follow an object", { key, error: errorMessage(error) });
        await clock.sleep(this.#backoff.next(key), { signal });
      }
    }
  }

  #set(entry: Entry, object: DataObject | undefined): void {
    entry.data = object && readData(object);
    entry.error = undefined;
    entry.first.resolve();
    for (const podUid of entry.podUids) this.#options.onChange(podUid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tokens[Symbol.dispose]();
    const closing = [...this.#entries.values()].map(({ tasks }) => tasks[Symbol.asyncDispose]());
    this.#entries.clear();
    await Promise.all([...closing, ...this.#closing]);
  }
}

const encoder = new TextEncoder();

/** The content of an object, decoded. */
function readData(object: DataObject): ObjectData {
  const isSecret = object.kind === "Secret";
  const entries = new Map<string, Uint8Array>();
  const textKeys = new Set<string>();
  for (const [key, value] of Object.entries(object.data ?? {})) {
    entries.set(key, isSecret ? fromBase64(value) : encoder.encode(value));
    textKeys.add(key);
  }
  for (const [key, value] of Object.entries(object.binaryData ?? {})) entries.set(key, fromBase64(value));
  return { entries, textKeys };
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
