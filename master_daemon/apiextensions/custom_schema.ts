import { asJson, asObject } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { applySchemaDefaults, pruneNulls } from "../../core/api/structural/apply_defaults.ts";
import { readEmbeddedResources } from "../../core/api/structural/embedded_resources.ts";
import type { JsonSchemaProps } from "../../core/api/structural/json_schema_props.ts";
import { readObjectMeta } from "../../core/api/structural/object_meta.ts";
import { pruneUnknown } from "../../core/api/structural/prune.ts";
import type { PruneResult } from "../../core/api/validate_and_prune.ts";
import type { CustomResourceDefinitionVersion } from "../../core/kinds/custom_resource_definition.ts";

/** The schema of a version; one without keeps only what every object has. */
export function schemaOf({ schema }: CustomResourceDefinitionVersion): JsonSchemaProps {
  return schema?.openAPIV3Schema ?? {};
}

/**
 * A body as the schema has it: what it does not name is dropped, and so are nulls that it does not allow. Values of a
 * wrong type are left for validation, but for those in metadata.
 */
export function pruneCustom(body: JsonObject, schema: JsonSchemaProps): PruneResult {
  const { object, unknownFields } = pruneUnknown(body, schema, true);
  const embedded = readEmbeddedResources(pruneNulls(object, schema), schema);
  const error = embedded.error && `${embedded.error.field}: ${embedded.error.message}`;
  const metadata = readObjectMeta(body["metadata"] ?? {});
  const typeError = metadata.typeError ?? error;
  return {
    object: { ...embedded.object, metadata: metadata.object },
    unknownFields: [
      ...metadata.unknownFields.map((field) => `metadata.${field}`),
      ...unknownFields,
      ...embedded.unknownFields,
    ],
    ...(typeError === undefined ? {} : { typeError }),
  };
}

/** A stored object as the schema has it now. The same object when nothing is to be dropped. */
export function pruneStored(object: KubeObject, schema: JsonSchemaProps): KubeObject {
  const { object: known } = pruneUnknown(asJson(object), schema, true);
  return asObject(pruneNulls(known, schema));
}

/** An object with the defaults of a schema. */
export function withDefaults<T extends KubeObject>(object: T, schema: JsonSchemaProps): T {
  return applySchemaDefaults(asJson(object), schema) as unknown as T;
}
