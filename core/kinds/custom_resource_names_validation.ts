import { type FieldError, fieldError } from "../api/status.ts";
import type { JsonSchemaProps } from "../api/structural/json_schema_props.ts";
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from "./custom_resource_definition.ts";
import { findField } from "./json_schema_fields.ts";
import { dns1035LabelError } from "./validators.ts";

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const maxSelectableFields = 8;

/** What is wrong with the names of a kind; missing ones are not. */
export function checkNames(names: Partial<CustomResourceDefinitionNames>, path: string): readonly FieldError[] {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames = [], categories = [] } = names;
  const errors: FieldError[] = [];
  const label = (field: string, value: string, mixed = false) => {
    // Only the names of lists are there but empty.
    const isAbsent = value === "" && !field.endsWith("]");
    const reason = isAbsent ? undefined : dns1035LabelError(mixed ? value.toLowerCase() : value);
    if (reason === undefined) return;
    const detail = mixed ? `may have mixed case, but should otherwise match: ${reason}` : reason;
    errors.push(fieldError.invalid(`${path}.${field}`, value, detail));
  };
  label("plural", plural);
  label("singular", singular);
  label("kind", kind, true);
  label("listKind", listKind, true);
  for (const [index, name] of shortNames.entries()) label(`shortNames[${index}]`, name);
  if (kind !== "" && kind === listKind)
    errors.push(fieldError.invalid(`${path}.listKind`, listKind, "kind and listKind may not be the same"));
  for (const [index, name] of categories.entries()) label(`categories[${index}]`, name);
  return errors;
}

/** What is wrong with a column of the table. */
export function checkColumn(
  { name, type, format, jsonPath }: CustomResourceColumnDefinition,
  path: string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(fieldError.required(`${path}.name`));
  const types = `must be one of ${columnTypes.join(",")}`;
  if (!type) errors.push(fieldError.required(`${path}.type`, types));
  else if (!columnTypes.includes(type)) errors.push(fieldError.invalid(`${path}.type`, type, types));
  if (format && !columnFormats.includes(format))
    errors.push(fieldError.invalid(`${path}.format`, format, `must be one of ${columnFormats.join(",")}`));
  if (!jsonPath) errors.push(fieldError.required(`${path}.JSONPath`));
  else errors.push(...checkSimplePath(jsonPath, `${path}.JSONPath`));
  return errors;
}

/** What is wrong with the paths of a scale. */
export function checkSubresources({ scale }: CustomResourceSubresources, path: string): readonly FieldError[] {
  if (!scale) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  const under = (field: string, value: string, roots: readonly string[], where: string): readonly FieldError[] => {
    const at = `${path}.scale.${field}`;
    const errors = checkSimplePath(value, at);
    if (errors.length > 0 || roots.some((root) => value.startsWith(root))) return errors;
    return [fieldError.invalid(at, value, `should be a json path under ${where}`)];
  };
  return [
    ...(specReplicasPath
      ? under("specReplicasPath", specReplicasPath, [".spec."], ".spec")
      : [fieldError.required(`${path}.scale.specReplicasPath`)]),
    ...(statusReplicasPath
      ? under("statusReplicasPath", statusReplicasPath, [".status."], ".status")
      : [fieldError.required(`${path}.scale.statusReplicasPath`)]),
    ...(labelSelectorPath
      ? under("labelSelectorPath", labelSelectorPath, [".spec.", ".status."], "either .spec or .status")
      : []),
  ];
}

function checkSimplePath(text: string, field: string): readonly FieldError[] {
  return text.startsWith(".") ? [] : [fieldError.invalid(field, text, "must be a simple json path starting with .")];
}

/** What is wrong with the fields that field selectors may name. */
export function checkSelectableFields(
  fields: NonNullable<CustomResourceDefinitionVersion["selectableFields"]>,
  schema: JsonSchemaProps,
  path: string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  fields.forEach(({ jsonPath }, index) => {
    const field = `${path}[${index}].jsonPath`;
    if (!jsonPath) {
      errors.push(fieldError.required(field));
      return;
    }
    const found = findField(jsonPath, schema, { arrays: false });
    if ("error" in found) {
      errors.push(fieldError.invalid(field, jsonPath, `is an invalid path: ${found.error}`));
      return;
    }
    if (found.steps[0] === "metadata")
      errors.push(fieldError.invalid(field, jsonPath, "must not point to fields in metadata"));
    if (!["string", "boolean", "integer"].includes(found.schema.type ?? "")) {
      const detail =
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
      errors.push(fieldError.invalid(field, jsonPath, detail));
    }
    const name = found.steps.join(".");
    if (seen.has(name)) errors.push(fieldError.duplicate(field, jsonPath));
    seen.add(name);
  });
  if (seen.size > maxSelectableFields) errors.push(fieldError.tooMany(path, seen.size, maxSelectableFields));
  return errors;
}
