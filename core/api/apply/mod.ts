/**
 * Who owns which fields, and server-side apply.
 *
 * - A set of fields is what stands in `fieldsV1`: the wire's form is the form in memory. Sets and objects are never changed.
 * - How a type merges is asked of a {@linkcode MergeType}: Kubernetes' own kinds and custom resources walk the same way.
 * - The behaviour is that of structured-merge-diff and of the API server's field manager, messages included.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export { type Applied, applyConfiguration, failed } from "./apply_configuration.ts";
export { atomicParts } from "./atomic_parts.ts";
export { checkApplied } from "./check_applied.ts";
export { decodeEntries } from "./entries.ts";
export { mergeTypeOf } from "./kind_type.ts";
export { mergeObjects } from "./merge_objects.ts";
export type { MergeType } from "./merge_type.ts";
export type { FieldWrite, VersionedObject } from "./owners.ts";
export { entriesAfterScale, scaleEntries } from "./scale_entries.ts";
export { schemaType } from "./schema_type.ts";
export type { FieldScope } from "./scope.ts";
export { structuralType } from "./structural_type.ts";
export { trackUpdate } from "./track_update.ts";
