/** Milliseconds for which what one part of the process saw of the machine is good for the others. */
const sameLookMs = 200;

/**
 * `look`, which whoever asks shortly after another need not repeat: the daemons of many nodes may be one process, and each
 * looks at the same machine.
 */
export function sharedLook<T>(look: () => T): () => T {
  let last: { readonly at: number; readonly seen: T } | undefined;
  return () => {
    const now = performance.now();
    if (!last || now - last.at >= sameLookMs) last = { at: now, seen: look() };
    return last.seen;
  };
}
