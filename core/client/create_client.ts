import { readJsonText } from "../api/json_text.ts";
import { apiVersionOf, type ResourceType } from "../api/kind.ts";
import type { KubeList, KubeObject, ObjectKey, WatchEvent } from "../api/meta.ts";
import { type Status, StatusError } from "../api/status.ts";
import { allowManyListeners } from "../platform/allow_many_listeners.ts";
import { systemClock } from "../platform/clock.ts";
import type { UpgradeAnswer } from "../platform/upgrade_connection.ts";
import type { Clock } from "../util/clock.ts";
import { compact } from "../util/compact.ts";
import type {
  CallOptions,
  Client,
  DeleteCallOptions,
  ListCallOptions,
  Patch,
  RawCallOptions,
  WatchCallOptions,
  WriteCallOptions,
} from "./client.ts";
import { jsonLines } from "./json_lines.ts";
import { ObjectBody } from "./object_body.ts";
import { resourcePath } from "./paths.ts";
import { type RequestSubject, readStatusError } from "./read_status_error.ts";
import { retryTransport } from "./retry_transport.ts";
import {
  type ApiRequest,
  type ApiResponse,
  type ConnectRequest,
  type MessageStream,
  readBody,
  type SpdyStreams,
  type Transport,
} from "./transport.ts";
import { warningTexts } from "./warnings.ts";

/** Options of {@linkcode createClient}. */
export interface ClientOptions {
  /** What waiting for `Retry-After` is measured with. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Called with each warning of an answer to a call that has no `onWarning` of its own. */
  readonly onWarning?: (text: string) => void;
}

const maxBodyBytes = 512 * 1024 * 1024;
const maxErrorBytes = 4 * 1024 * 1024;
const json = "application/json";

const patchTypes: Readonly<Record<Patch["type"], string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** A client over `transport`, which it owns: disposing the client ends its calls and closes the transport. */
export function createClient(transport: Transport, { clock = systemClock, onWarning }: ClientOptions = {}): Client {
  return new ApiClient(retryTransport(transport, { clock }), onWarning);
}

class ApiClient implements Client {
  readonly #transport: Transport;
  readonly #onWarning: ((text: string) => void) | undefined;
  readonly #closing = new AbortController();

  constructor(transport: Transport, onWarning: ((text: string) => void) | undefined) {
    this.#transport = transport;
    this.#onWarning = onWarning;
  }

  async get<T extends KubeObject>(
    kind: ResourceType<T>,
    key: ObjectKey,
    options: CallOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const path = resourcePath(kind, { ...placeOf(kind, key), subresource: options.subresource });
    return this.#call({ method: "GET", path, kind, name: key.name }, options);
  }

  async list<T extends KubeObject>(kind: ResourceType<T>, options: ListCallOptions = {}): Promise<KubeList<T>> {
    const { signal, namespace, onWarning, ...query } = options;
    const path = resourcePath(kind, { namespace, query });
    const list = await this.#call<KubeList<T>>({ method: "GET", path, kind }, { signal, onWarning });
    // Kubernetes leaves out what every item of a list shares.
    const own = { apiVersion: apiVersionOf(kind), kind: kind.kind };
    return { ...list, items: (list.items ?? []).map((item) => (item.kind ? item : { ...own, ...item })) };
  }

  async create<T extends KubeObject>(kind: ResourceType<T>, object: T, options: WriteCallOptions = {}): Promise<T> {
    const { namespace = "default", name } = object.metadata;
    const path = resourcePath(kind, {
      namespace,
      ...(options.subresource ? { name: name ?? "", subresource: options.subresource } : {}),
      query: writeQuery(options),
    });
    return this.#call({ method: "POST", path, kind, name, body: typed(kind, object, options) }, options);
  }

  async update<T extends KubeObject>(kind: ResourceType<T>, object: T, options: WriteCallOptions = {}): Promise<T> {
    const { namespace, name = "" } = object.metadata;
    const path = resourcePath(kind, {
      ...placeOf(kind, { namespace, name }),
      subresource: options.subresource,
      query: writeQuery(options),
    });
    return this.#call({ method: "PUT", path, kind, name, body: typed(kind, object, options) }, options);
  }

  async updateStatus<T extends KubeObject>(
    kind: ResourceType<T>,
    object: T,
    options: WriteCallOptions = {},
  ): Promise<T> {
    return this.update(kind, object, { ...options, subresource: "status" });
  }

  async patch<T extends KubeObject>(
    kind: ResourceType<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteCallOptions & { readonly force?: boolean } = {},
  ): Promise<T> {
    const path = resourcePath(kind, {
      ...placeOf(kind, key),
      subresource: options.subresource,
      query: { ...writeQuery(options), force: options.force },
    });
    const contentType = patchTypes[patch.type];
    return this.#call({ method: "PATCH", path, kind, name: key.name, body: patch.body, contentType }, options);
  }

  async delete<T extends KubeObject>(
    kind: ResourceType<T>,
    key: ObjectKey,
    options: DeleteCallOptions = {},
  ): Promise<T | Status> {
    const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options;
    const body = compact({
      kind: "DeleteOptions",
      apiVersion: "v1",
      gracePeriodSeconds,
      propagationPolicy,
      preconditions,
      dryRun: dryRun ? ["All"] : undefined,
    });
    const path = resourcePath(kind, placeOf(kind, key));
    return this.#call({ method: "DELETE", path, kind, name: key.name, body }, options);
  }

  async *watch<T extends KubeObject>(
    kind: ResourceType<T>,
    options: WatchCallOptions = {},
  ): AsyncGenerator<Exclude<WatchEvent<T>, { type: "ERROR" }>, void, void> {
    const { namespace, signal: own, ...query } = options;
    const signal = this.#signal(own);
    const path = resourcePath(kind, { namespace, query: { watch: true, allowWatchBookmarks: true, ...query } });
    try {
      const response = await this.#transport.request({ method: "GET", path, headers: { accept: json } }, { signal });
      if (response.status !== 200)
        throw await readStatusError(response, maxErrorBytes, { method: "watch", resource: qualifiedName(kind) });
      this.#warn(response, this.#onWarning);
      for await (const line of jsonLines(chunksOf(response.body))) {
        const event = line as WatchEvent<T>;
        if (event.type === "ERROR") throw StatusError.from({ ...event.object, code: event.object.code ?? 500 });
        yield event;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async raw(request: ApiRequest, { signal, onWarning = this.#onWarning }: RawCallOptions = {}): Promise<ApiResponse> {
    const response = await this.#transport.request(request, { signal: this.#signal(signal) });
    this.#warn(response, onWarning);
    return response;
  }

  upgrade(
    path: string,
    { protocols, signal }: CallOptions & { readonly protocols: readonly string[] },
  ): Promise<MessageStream> {
    return this.#transport.upgrade({ method: "GET", path, headers: {} }, { protocols, signal: this.#signal(signal) });
  }

  async spdy(
    path: string,
    { protocols, signal }: CallOptions & { readonly protocols: readonly string[] },
  ): Promise<SpdyStreams | undefined> {
    const headers = { upgrade: "SPDY/3.1", "x-stream-protocol-version": protocols };
    const answer = await this.connect({ method: "POST", path, headers }, { signal });
    if (!answer) return undefined;
    if (!answer.socket) throw await readStatusError(answer, maxErrorBytes);
    const { SpdyConnection } = await import("../platform/spdy.ts");
    const connection = new SpdyConnection(answer.socket, { role: "client", onStream: (stream) => stream.destroy() });
    return { protocol: answer.headers["x-stream-protocol-version"] ?? "", connection };
  }

  async connect(request: ConnectRequest, { signal }: CallOptions = {}): Promise<UpgradeAnswer | undefined> {
    return await this.#transport.connect?.(request, { signal: this.#signal(signal) });
  }

  async #call<R>(call: Call, options: CallOptions & Pick<WriteCallOptions, "onWarning">): Promise<R> {
    const { method, path, kind, name, body, contentType = json } = call;
    const object = body === undefined ? undefined : new ObjectBody(body);
    const headers = { accept: json, ...(object ? { "content-type": contentType } : {}) };
    const response = await this.#transport.request(
      { method, path, headers, body: this.#transport.takesObjects ? object : object?.toBytes() },
      { signal: this.#signal(options.signal) },
    );
    this.#warn(response, options.onWarning ?? this.#onWarning);
    if (response.status >= 200 && response.status < 300) return parse(await readBody(response.body, maxBodyBytes));
    const subject: RequestSubject = { method, resource: qualifiedName(kind), name };
    throw await readStatusError(response, maxErrorBytes, subject);
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return allowManyListeners(signal ?? this.#closing.signal);
  }

  #warn({ headers }: ApiResponse, onWarning: ((text: string) => void) | undefined): void {
    if (onWarning) for (const text of warningTexts(headers)) onWarning(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException("The client was closed", "AbortError"));
    await this.#transport[Symbol.asyncDispose]();
  }
}

interface Call {
  readonly method: ApiRequest["method"];
  readonly path: string;
  readonly kind: ResourceType;
  readonly name?: string | undefined;
  readonly body?: unknown;
  readonly contentType?: string;
}

function placeOf({ namespaced }: ResourceType, { namespace, name }: ObjectKey): { namespace?: string; name: string } {
  return namespaced ? { namespace: namespace ?? "default", name } : { name };
}

function writeQuery({ dryRun, fieldManager, fieldValidation }: WriteCallOptions) {
  return { dryRun: dryRun ? "All" : undefined, fieldManager, fieldValidation };
}

/** `object` with the apiVersion and kind that servers insist on. A subresource may take another kind (Binding, Eviction, Scale). */
function typed<T extends KubeObject>(kind: ResourceType<T>, object: T, { subresource }: WriteCallOptions): T {
  if (object.kind || subresource) return object;
  return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
}

function qualifiedName({ group, plural }: ResourceType): string {
  return group ? `${plural}.${group}` : plural;
}

function parse<R>(bytes: Uint8Array): R {
  if (bytes instanceof ObjectBody) return bytes.value;
  const text = new TextDecoder().decode(bytes);
  try {
    return readJsonText(text) as R;
  } catch (cause) {
    throw new SyntaxError(`Cannot read the server's answer: it is not JSON: ${text.slice(0, 100)}`, { cause });
  }
}

async function* chunksOf(body: ApiResponse["body"]): AsyncGenerator<Uint8Array, void, void> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
