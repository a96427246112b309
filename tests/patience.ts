/** Milliseconds that anything may take before a test gives up on it. It is never what a test measures: machines may be slow and have much else to do. */
export const patienceMs = 30_000;
