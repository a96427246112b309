import type { MessageTypes } from "./compiler.ts";
import { type CelField, type CelType, dyn, listOf, type ObjectType, string } from "./types.ts";

/** A field of any name, of any type: what a part of an object may have is known when it is merged. */
class AnyFields extends Map<string, CelField> {
  override get(name: string): CelField {
    return { name, type: dyn };
  }
}

const anyFields = new AnyFields();
const objectOf = (name: string): ObjectType => ({ kind: "object", name, fields: anyFields });

const jsonPatchFields: readonly (readonly [string, CelType])[] = [
  ["op", string],
  ["from", string],
  ["path", string],
  ["value", dyn],
];
const jsonPatchType: ObjectType = {
  kind: "object",
  name: "JSONPatch",
  fields: new Map(jsonPatchFields.map(([name, type]) => [name, { name, type }])),
};

/**
 * The messages of mutations: `Object{…}`, `Object.spec{…}` after the fields they stand in, and `JSONPatch{…}`.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
 */
export const mutationTypes: MessageTypes = (name) => {
  if (name === jsonPatchType.name) return jsonPatchType;
  return name === "Object" || name.startsWith("Object.") ? objectOf(name) : undefined;
};

/** What the expression of an apply configuration gives. */
export const applyConfigurationType: CelType = objectOf("Object");
/** What the expression of a JSON patch gives. */
export const jsonPatchListType: CelType = listOf(jsonPatchType);
