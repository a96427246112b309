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
   * Lists and watches answer with the server's own objects in place of bytes (see `ObjectBody`): nothing is serialised,
   * parsed or held twice. For those who never change an object that they read. Default false.
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
  const open = new Set<AbortController>();
  let closed = false;

  /** A signal that follows the caller's and is aborted on disposal, until `release` is called. */
  function follow(signal: AbortSignal): { readonly signal: AbortSignal; release(): void } {
    signal.throwIfAborted();
    if (closed) throw new DOMException("The transport was closed", "AbortError");
    const controller = new AbortController();
    const onAbort = () => controller.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    open.add(controller);
    return {
      signal: controller.signal,
      release() {
        signal.removeEventListener("abort", onAbort);
        open.delete(controller);
      },
    };
  }

  return {
    async request(request, options) {
      const { signal, release } = follow(options.signal);
      let streams = false;
      try {
        const response = await unlessAborted(handle(named(request, userAgent), { user, signal, takesObjects }), signal);
        if (response.body instanceof Uint8Array) return response;
        streams = true;
        return { ...response, body: releasing(response.body, release) };
      } finally {
        if (!streams) release();
      }
    },
    async upgrade(request, { protocols, signal: caller }) {
      if (!upgrade) throw StatusError.unavailable("this server takes no upgrades");
      const { signal, release } = follow(caller);
      try {
        const stream = await unlessAborted(upgrade(request, { user, protocols, signal }), signal);
        return {
          protocol: stream.protocol,
          send: (message) => stream.send(message),
          close() {
            release();
            stream.close();
          },
          [Symbol.asyncIterator]: () => releasing(stream, release),
        };
      } catch (error) {
        release();
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const controller of open) controller.abort(new DOMException("The transport was closed", "AbortError"));
      open.clear();
    },
  };
}

function named(request: ApiRequest, userAgent: string | undefined): ApiRequest {
  if (userAgent === undefined) return request;
  return { ...request, headers: { "user-agent": userAgent, ...request.headers } };
}

async function* releasing(
  source: AsyncIterable<Uint8Array>,
  release: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* source;
  } finally {
    release();
  }
}

/** `promise`, or a rejection with the signal's reason as soon as that is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
