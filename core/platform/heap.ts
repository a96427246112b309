import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Options of {@linkcode keepHeapSmall}. */
export interface HeapOptions {
  /** Milliseconds without garbage after which a process counts as quiet. Default 5000. */
  readonly quietMs?: number;
  /** A larger heap takes too long to be looked through at once, and has better uses for the room. Default 64 MiB. */
  readonly maxHeapBytes?: number;
}

/**
 * Keeps the heap of a process small that has little to do most of the time: V8 would keep the room that a start needed
 * for ever, since it looks for what it can give back only when that is full. Trades a few milliseconds of each burst.
 * Elsewhere than on Node it does nothing.
 */
export function keepHeapSmall({ quietMs = 5000, maxHeapBytes = 64 * 1024 * 1024 }: HeapOptions = {}): Disposable {
  if ("Deno" in globalThis) return { [Symbol.dispose]() {} };
  setFlagsFromString("--optimize-for-size");
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const whenQuiet = () => {
    if (getHeapStatistics().total_heap_size <= maxHeapBytes) collect();
  };
  const observer = new PerformanceObserver((entries) => {
    if (!entries.getEntries().some(isOfYoung)) return;
    clearTimeout(timer);
    timer = setTimeout(whenQuiet, quietMs);
    timer.unref();
  });
  observer.observe({ entryTypes: ["gc"] });
  return {
    [Symbol.dispose]() {
      observer.disconnect();
      clearTimeout(timer);
    },
  };
}

/** Whether new objects were looked through: something happens. What this file starts itself is none. */
function isOfYoung(entry: PerformanceEntry): boolean {
  const { kind } = (entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } }).detail ?? {};
  return kind === constants.NODE_PERFORMANCE_GC_MINOR;
}
