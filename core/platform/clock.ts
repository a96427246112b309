import type { Clock } from "../util/clock.ts";

/** The machine's own clock. Timers do not keep the process alive longer than the work that awaits them does. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(ms, callback) {
    // Timers of more than 2^31-1 ms would fire at once.
    const timer = setTimeout(callback, Math.min(ms, 0x7fffffff));
    return () => clearTimeout(timer);
  },
  sleep(ms, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        Math.min(ms, 0x7fffffff),
      );
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
