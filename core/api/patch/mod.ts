/**
 * The three ways to patch an object, and how to make two of them.
 *
 * - Objects are never changed: every function returns a new one, which may share parts with its arguments.
 * - Depth, number of operations and growth are bounded; whatever does not apply is a StatusError.
 * - Members come from users: only own members count, and `__proto__` is a name like any other.
 */
export { type FieldFacts, factsOf, fieldFacts, listKeyDefault } from "./facts.ts";
export { applyJsonPatch, isFailedTest } from "./json_patch.ts";
export { applyMergePatch } from "./merge_patch.ts";
export { patchesConflict } from "./patch_conflict.ts";
export { applyStrategicPatch, elementOrderPrefix } from "./strategic_patch.ts";
export { createMergePatch, createStrategicPatch } from "./three_way_patch.ts";
