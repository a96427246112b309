/** A source of randomness: numbers in [0, 1), as `Math.random`. Injected so that a run can be repeated from a seed. */
export type Random = () => number;

/** The machine's own randomness. */
export const systemRandom: Random = Math.random;

/** A repeatable source for tests and simulation (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
