import type { Transport } from "./transport.ts";

/** A transport to nowhere: nothing is ever answered, nothing fails, and nobody has to try again. For who has no API. */
export function silentTransport(): Transport {
  const closed = new AbortController();
  const wait = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      const ended = AbortSignal.any([signal, closed.signal]);
      if (ended.aborted) reject(ended.reason);
      else ended.addEventListener("abort", () => reject(ended.reason), { once: true });
    });
  return {
    request: (_request, { signal }) => wait(signal),
    upgrade: (_request, { signal }) => wait(signal),
    async [Symbol.asyncDispose]() {
      closed.abort(new DOMException("The client was closed", "AbortError"));
    },
  };
}
