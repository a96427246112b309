/**
 * The kubeconfig: who is reached where, as whom.
 *
 * - Read as kubectl reads it: `--kubeconfig`, or all of KUBECONFIG (the first to say something wins), or `~/.kube/config`.
 * - Paths inside a file are relative to that file.
 * - Written as a whole or not at all, mode 0600, under kubectl's own lock; what is unknown is kept.
 */
export * from "./edit_kubeconfig.ts";
export * from "./load_kubeconfig.ts";
export * from "./resolve_context.ts";
