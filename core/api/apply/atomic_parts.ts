import { isJsonObject } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import type { MergeType } from "./merge_type.ts";
import { pathText } from "./path_element.ts";

/**
 * The paths of all lists and objects in `object` that are owned as a whole, those within others too.
 *
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch findAtomics
 */
export function atomicParts(object: JsonObject, type: MergeType): readonly string[] {
  const found: string[] = [];
  visit(object, type, []);
  return found;

  function visit(value: Json, { map, list }: MergeType, path: readonly string[]): void {
    if (Array.isArray(value) && list) {
      if (list.owned === "atomic") found.push(pathText(path));
      for (const [index, item] of (value as readonly Json[]).entries())
        visit(item, list.items(), [...path, `i:${index}`]);
    } else if (isJsonObject(value) && map) {
      if (map.atomic) found.push(pathText(path));
      for (const [name, member] of Object.entries(value)) {
        const field = map.field(name);
        if (field) visit(member, field, [...path, `f:${name}`]);
      }
    }
  }
}
