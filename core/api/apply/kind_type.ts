import { asJson } from "../json_object.ts";
import type { Kind } from "../kind.ts";
import type { ApiSchema } from "../schema.ts";
import type { MergeType } from "./merge_type.ts";
import { schemaType } from "./schema_type.ts";
import { structuralType } from "./structural_type.ts";

/** The types of custom resources, by their schemas. */
const customTypes = new WeakMap<object, MergeType>();

/** How the objects of a kind merge. Made once. */
export function mergeTypeOf(kind: Kind, { schema }: { readonly schema: ApiSchema }): MergeType {
  const { custom } = kind;
  if (!custom) return schemaType(schema, kind.schema);
  let type = customTypes.get(custom.schema);
  if (!type) {
    type = structuralType(asJson(custom.schema), schema);
    customTypes.set(custom.schema, type);
  }
  return type;
}
