/**
 * What a status (or a condition of one) says of the generation that it is about; nothing for objects that have none.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/#pod-generation
 */
export function observed({ generation }: { readonly generation?: number | undefined }): {
  readonly observedGeneration?: number;
} {
  return generation === undefined ? {} : { observedGeneration: generation };
}
