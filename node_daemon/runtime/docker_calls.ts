import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage } from "../../core/util/log.ts";
import { RuntimeFailure } from "./runtime.ts";

/** How long the engine may take to answer an ordinary call. */
export const callMs = 30_000;

/** How many calls are made side by side: a node has many containers, and an engine other callers. */
export const parallelCalls = 8;

/**
 * Makes a call to the engine that ends with the caller's signal, or after `timeoutMs`: an engine that hangs must not
 * hold up what does not need it.
 *
 * @throws Error `the container engine did not answer within …`
 */
export async function call<T>(
  {
    clock,
    signal,
    timeoutMs = callMs,
  }: { readonly clock: Clock; readonly signal: AbortSignal; readonly timeoutMs?: number },
  work: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const abort = new AbortController();
  const onAbort = () => abort.abort(signal.reason);
  allowManyListeners(signal);
  signal.addEventListener("abort", onAbort, { once: true });
  const cancel = clock.schedule(timeoutMs, () =>
    abort.abort(new Error(`the container engine did not answer within ${timeoutMs / 1000} s`)),
  );
  // Not every call of dockerode heeds a signal: those are left behind.
  const aborted = new Promise<never>((_, reject) => {
    abort.signal.addEventListener("abort", () => reject(abort.signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(abort.signal), aborted]);
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

/** The engine's status code of a failed call. */
export function statusCode(error: unknown): number | undefined {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number"
    ? error.statusCode
    : undefined;
}

/** Swallows failures with these codes: what was asked for is already so. */
export function ignoreStatus(...codes: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    if (codes.includes(statusCode(error) ?? 0)) return undefined;
    throw error;
  };
}

/** The engine's own words, without what the client put around them. */
export function engineMessage(error: unknown): string {
  return errorMessage(error)
    .replace(/^\(HTTP code \d+\) .*? - /s, "")
    .trim();
}

/** Does what a pod waits for; when the engine fails to, that is why the pod does not run. */
export async function orFailure<T>(reason: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw new RuntimeFailure(reason, engineMessage(error), { cause: error });
  }
}
