/** Where time comes from. Everything that waits or measures takes a `Clock`; only `core/platform` knows the real one. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch; may jump. For timestamps shown to people, never for differences. */
  now(): number;
  /** Milliseconds that only grow; meaningful as differences only. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with `signal.reason` when aborted first. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Runs `callback` once after `ms` unless the returned function is called first. */
  schedule(ms: number, callback: () => void): () => void;
}

/** The second that was made into text last: a burst of writes is about the same one. */
let lastSecond = { second: Number.NaN, text: "" };

/** `now` as Kubernetes' Time: RFC 3339 in UTC with whole seconds, e.g. `2026-01-31T12:00:00Z`. */
export function timestamp(clock: Pick<Clock, "now">): string {
  const second = Math.floor(clock.now() / 1000);
  if (second !== lastSecond.second)
    lastSecond = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  return lastSecond.text;
}

/** `now` as Kubernetes' MicroTime: RFC 3339 with six fractional digits. */
export function microTimestamp(clock: Pick<Clock, "now">): string {
  return `${new Date(clock.now()).toISOString().slice(0, 23)}000Z`;
}
