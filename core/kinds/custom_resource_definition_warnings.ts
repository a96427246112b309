import { isKnownFormat } from "../api/structural/formats.ts";
import { childrenOf, itemsOf, type JsonSchemaProps } from "../api/structural/json_schema_props.ts";
import type { CustomResourceDefinition } from "./custom_resource_definition.ts";

/** What is allowed in a definition's schemas but does not do what it seems to. What was there before is not told again. */
export function definitionWarnings(
  next: CustomResourceDefinition,
  previous: CustomResourceDefinition | undefined,
): readonly string[] {
  const known = new Set(previous ? warningsOf(previous) : []);
  return [...new Set(warningsOf(next))].filter((text) => !known.has(text));
}

function warningsOf({ spec }: CustomResourceDefinition): readonly string[] {
  return spec.versions.flatMap(({ schema }) => (schema?.openAPIV3Schema ? schemaWarnings(schema.openAPIV3Schema) : []));
}

function schemaWarnings(schema: JsonSchemaProps): readonly string[] {
  const warnings: string[] = [];
  if (schema.format && !isKnownFormat(schema.format, schema.type))
    warnings.push(`unrecognized format ${JSON.stringify(schema.format)}`);
  const itemType = itemsOf(schema)?.type;
  if (schema["x-kubernetes-list-type"] === "set" && (itemType === "object" || itemType === "array"))
    warnings.push(
      `x-kubernetes-list-type: set for items of type "${itemType}" is not supported by server-side apply or CEL validation rules`,
    );
  return [...warnings, ...childrenOf(schema).flatMap(schemaWarnings)];
}
