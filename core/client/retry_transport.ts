import type { Clock } from "../util/clock.ts";
import { headerText } from "./read_status_error.ts";
import { passOn, readBody, type Transport } from "./transport.ts";

/** Options of {@linkcode retryTransport}. */
export interface RetryOptions {
  readonly clock: Clock;
  /** Tries in all. Default 10, as client-go. */
  readonly maxTries?: number;
}

const maxWaitSeconds = 60;

/**
 * A transport that asks again when the server answers 429 or 503 with `Retry-After` in seconds: then it did nothing.
 * A body that can be read only once is not sent again.
 *
 * @see k8s.io/client-go/rest/with_retry.go
 */
export function retryTransport(transport: Transport, { clock, maxTries = 10 }: RetryOptions): Transport {
  return {
    ...passOn(transport),
    async request(request, { signal }) {
      for (let tries = 1; ; tries++) {
        const response = await transport.request(request, { signal });
        if (response.status !== 429 && response.status !== 503) return response;
        const seconds = headerText(response, "retry-after");
        const repeatable = request.body === undefined || request.body instanceof Uint8Array;
        if (!repeatable || tries >= maxTries || !/^\d{1,6}$/.test(seconds)) return response;
        await readBody(response.body, 1024 * 1024);
        await clock.sleep(Math.min(Number(seconds), maxWaitSeconds) * 1000, { signal });
      }
    },
    upgrade: (request, options) => transport.upgrade(request, options),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
