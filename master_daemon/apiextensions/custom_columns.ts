import { asJson } from "../../core/api/json_object.ts";
import { type JsonPath, jsonPathText, parseJsonPath } from "../../core/api/json_path.ts";
import type { Column } from "../../core/api/kind.ts";
import type { Json, KubeObject } from "../../core/api/meta.ts";
import { ageText, type TableCell } from "../../core/api/table.ts";
import { nameColumn } from "../../core/kinds/cells.ts";
import type { CustomResourceColumnDefinition } from "../../core/kinds/custom_resource_definition.ts";

const age: CustomResourceColumnDefinition = {
  name: "Age",
  type: "date",
  description: "How long ago the object was created.",
  jsonPath: ".metadata.creationTimestamp",
};

/** The columns of a table of custom resources: the name, then those of the definition, or the age if it has none. */
export function customColumns(definitions: readonly CustomResourceColumnDefinition[]): readonly Column<KubeObject>[] {
  const columns = (definitions.length > 0 ? definitions : [age]).map(customColumn);
  // One path that cannot be read leaves only the name, as in Kubernetes.
  return columns.every((column) => column !== undefined) ? [nameColumn, ...columns] : [nameColumn];
}

function customColumn(definition: CustomResourceColumnDefinition): Column<KubeObject> | undefined {
  const { name, type, format, description, priority, jsonPath } = definition;
  const path = pathOf(jsonPath);
  if (!path) return undefined;
  return {
    name,
    type: type as Column<KubeObject>["type"],
    ...(format ? { format } : {}),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(priority ? { priority: 1 } : {}),
    cell: (object, { now }) => cellOf(type, valueAt(path, object), now),
  };
}

function pathOf(text: string): JsonPath | undefined {
  try {
    return parseJsonPath(`{${text}}`, { allowMissingKeys: true });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The first value that a path finds. */
export function valueAt(path: JsonPath, object: KubeObject): Json | undefined {
  try {
    return path.find(asJson(object))[0]?.[0];
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function cellOf(type: string, value: Json | undefined, now: number): TableCell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "string":
      return jsonPathText(value);
    case "integer":
      return typeof value === "bigint" ? value : typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" || typeof value === "bigint" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      if (typeof value !== "string") return null;
      return Number.isNaN(Date.parse(value)) ? "<invalid>" : ageText(value, now);
    default:
      return null;
  }
}
