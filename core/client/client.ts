import type { ResourceType } from "../api/kind.ts";
import type { JsonObject, KubeList, KubeObject, ObjectKey, WatchEvent } from "../api/meta.ts";
import type { Status } from "../api/status.ts";
import type { UpgradeAnswer } from "../platform/upgrade_connection.ts";
import type { ApiRequest, ApiResponse, ConnectRequest, MessageStream, SpdyStreams } from "./transport.ts";

/** What every call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of `raw()`. */
export interface RawCallOptions extends CallOptions {
  /** Called with each warning that the server sends. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** Options of writes. */
export interface WriteCallOptions extends CallOptions {
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore" | undefined;
  /** `status`, `scale`, `binding` …: writes that subresource. */
  readonly subresource?: string | undefined;
  /** Called with each warning that the server sends. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** Options of `list()`. Without `namespace`: all namespaces. */
export interface ListCallOptions extends CallOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Called with each warning that the server sends. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** Options of `watch()`. */
export interface WatchCallOptions extends CallOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events after this version; absent: the present objects first, as ADDED. */
  readonly resourceVersion?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
}

/** Options of `delete()`. */
export interface DeleteCallOptions extends CallOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly dryRun?: boolean | undefined;
}

/** A patch and how to read it. */
export type Patch =
  | { readonly type: "json"; readonly body: readonly JsonObject[] }
  | { readonly type: "merge" | "strategic" | "apply"; readonly body: JsonObject };

/**
 * A client of any Kubernetes API, typed by the kinds it is given. Every method throws {@linkcode StatusError} when the
 * server refuses, and rejects with `signal.reason` when aborted.
 */
export interface Client extends AsyncDisposable {
  get<T extends KubeObject>(
    kind: ResourceType<T>,
    key: ObjectKey,
    options?: CallOptions & { readonly subresource?: string },
  ): Promise<T>;
  list<T extends KubeObject>(kind: ResourceType<T>, options?: ListCallOptions): Promise<KubeList<T>>;
  /** Creates `object` in its own namespace (default `default`). With `subresource`, posts to that of the object's name. */
  create<T extends KubeObject>(kind: ResourceType<T>, object: T, options?: WriteCallOptions): Promise<T>;
  update<T extends KubeObject>(kind: ResourceType<T>, object: T, options?: WriteCallOptions): Promise<T>;
  updateStatus<T extends KubeObject>(kind: ResourceType<T>, object: T, options?: WriteCallOptions): Promise<T>;
  patch<T extends KubeObject>(
    kind: ResourceType<T>,
    key: ObjectKey,
    patch: Patch,
    options?: WriteCallOptions & { readonly force?: boolean },
  ): Promise<T>;
  /** The object if it only was marked for deletion, or a Status if it is gone. */
  delete<T extends KubeObject>(kind: ResourceType<T>, key: ObjectKey, options?: DeleteCallOptions): Promise<T | Status>;
  /** One connection's events, until it ends. Informers resume; this does not. An ERROR event is thrown as StatusError. */
  watch<T extends KubeObject>(
    kind: ResourceType<T>,
    options?: WatchCallOptions,
  ): AsyncIterable<Exclude<WatchEvent<T>, { type: "ERROR" }>>;
  /** Any request; the answer is returned whatever its status. */
  raw(request: ApiRequest, options?: RawCallOptions): Promise<ApiResponse>;
  /** Opens a WebSocket on a path of the API (exec, attach, port-forward). */
  upgrade(path: string, options: CallOptions & { readonly protocols: readonly string[] }): Promise<MessageStream>;
  /** Opens a SPDY connection on such a path, as older servers want it; undefined where the API is reached without a connection. */
  spdy(
    path: string,
    options: CallOptions & { readonly protocols: readonly string[] },
  ): Promise<SpdyStreams | undefined>;
  /** A connection of one's own to the API that goes on as the request says; undefined where the API is reached without a connection. */
  connect(request: ConnectRequest, options?: CallOptions): Promise<UpgradeAnswer | undefined>;
}
