import { StatusError } from "../api/status.ts";
import type { ApiRequest, ApiResponse, MessageStream, Transport, UserInfo } from "./transport.ts";

/** Who asks, and until when. */
export interface HandleOptions {
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  /** See {@linkcode InProcessTransportOptions}. */
  readonly takesObjects?: boolean | undefined;
}

/** Options of {@linkcode inProcessTransport}. */
export interface InProcessTransportOptions {
  /** Every request is this user's: there is nothing to authenticate. */
  readonly user: UserInfo;
  /** The program that asks: whoever writes is noted under its name. Absent: requests say nothing about it. */
  readonly userAgent?: string | undefined;
  /**
   * Bodies are objects in place of bytes (see `ObjectBody`): what is sent is copied, and answers are the server's own, also in lists
   * and watches. Nothing is serialised, parsed or held twice. For those who never change an object that they read. Default false.
   */
  readonly takesObjects?: boolean | undefined;
  /** Serves exec, attach and port-forward. Absent: they are refused with 503. */
  readonly upgrade?: (
    request: ApiRequest,
    options: HandleOptions & { readonly protocols: readonly string[] },
  ) => Promise<MessageStream>;
}

/**
 * Reaches an API in the same process: no sockets, no authentication. Disposing ends every open stream.
 *
 * @param handle the API, as the server's own adapters call it
 */
export function inProcessTransport(
  handle: (request: ApiRequest, options: HandleOptions) => Promise<ApiResponse>,
  { user, userAgent, takesObjects, upgrade }: InProcessTransportOptions,
): Transport {
  const requests = new Requests();
  return {
    ...(takesObjects ? { takesObjects } : {}),
    async request(request, { signal: caller }) {
      const own = requests.open(caller);
      let streams = false;
      try {
        const { signal } = own;
        const response = await own.unlessAborted(handle(named(request, userAgent), { user, signal, takesObjects }));
        if (response.body instanceof Uint8Array) return response;
        streams = true;
        return { ...response, body: releasing(response.body, own) };
      } finally {
        if (!streams) own.close();
      }
    },
    async upgrade(request, { protocols, signal: caller }) {
      if (!upgrade) throw StatusError.unavailable("this server takes no upgrades");
      const own = requests.open(caller);
      try {
        const stream = await own.unlessAborted(upgrade(request, { user, protocols, signal: own.signal }));
        return {
          protocol: stream.protocol,
          send: (message) => stream.send(message),
          close() {
            own.close();
            stream.close();
          },
          [Symbol.asyncIterator]: () => releasing(stream, own),
        };
      } catch (error) {
        own.close();
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      requests.abortAll(new DOMException("The transport was closed", "AbortError"));
    },
  };
}

/** Requests that are under way, by whose signal they follow: however many follow one, it is listened to once. */
class Requests {
  readonly #followers = new Map<AbortSignal, { readonly open: Set<OpenRequest>; readonly stop: () => void }>();
  #closed: unknown;

  /** A request that is aborted with `signal`, and with all others, until it is closed. */
  open(signal: AbortSignal): OpenRequest {
    signal.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    const { open } = this.#followers.get(signal) ?? this.#listen(signal);
    const request = new OpenRequest(() => {
      // Closed a second time it must not end what others follow by now.
      if (!open.delete(request) || open.size > 0) return;
      this.#followers.get(signal)?.stop();
      this.#followers.delete(signal);
    });
    open.add(request);
    return request;
  }

  abortAll(reason: unknown): void {
    this.#closed = reason;
    for (const { open } of this.#followers.values()) for (const request of [...open]) request.abort(reason);
  }

  #listen(signal: AbortSignal) {
    const open = new Set<OpenRequest>();
    const onAbort = () => {
      for (const request of [...open]) request.abort(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const followed = { open, stop: () => signal.removeEventListener("abort", onAbort) };
    this.#followers.set(signal, followed);
    return followed;
  }
}

class OpenRequest {
  readonly #controller = new AbortController();
  readonly #onClose: () => void;
  #reject: ((reason: unknown) => void) | undefined;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  close(): void {
    this.#onClose();
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#reject?.(reason);
  }

  /** `answer`, or a rejection as soon as the request is aborted. */
  unlessAborted<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      answer.then(resolve, reject);
    });
  }
}

function named(request: ApiRequest, userAgent: string | undefined): ApiRequest {
  if (userAgent === undefined) return request;
  return { ...request, headers: { "user-agent": userAgent, ...request.headers } };
}

async function* releasing(
  source: AsyncIterable<Uint8Array>,
  request: OpenRequest,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* source;
  } finally {
    request.close();
  }
}
