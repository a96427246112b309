/** Resolves with `promise`, or when the signal is aborted. Leaves nothing behind on a signal that outlives it. */
export function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve();
    const stop = () => resolve();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(stop, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
