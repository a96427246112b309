import { isJsonObject } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import type { ApiSchema, SchemaNode } from "../schema.ts";
import { type PruneResult, validateAndPrune } from "../validate_and_prune.ts";

const text: SchemaNode = { type: "string" };
const time: SchemaNode = { type: "string", format: "date-time" };
const int64: SchemaNode = { type: "integer", format: "int64" };
const bool: SchemaNode = { type: "boolean" };
const texts: SchemaNode = { type: "object", additionalProperties: text };

const id = (name: string) => `meta.v1.${name}`;
const listOf = (name: string): SchemaNode => ({ type: "array", items: { $ref: id(name) } });

/** The metadata of every object, as far as reading it goes: also there when the packaged definitions are not. */
const metaSchema: ApiSchema = {
  definitions: {
    [id("ObjectMeta")]: {
      type: "object",
      properties: {
        name: text,
        generateName: text,
        namespace: text,
        selfLink: text,
        uid: text,
        resourceVersion: text,
        generation: int64,
        creationTimestamp: time,
        deletionTimestamp: time,
        deletionGracePeriodSeconds: int64,
        labels: texts,
        annotations: texts,
        ownerReferences: listOf("OwnerReference"),
        finalizers: { type: "array", items: text },
        managedFields: listOf("ManagedFieldsEntry"),
      },
    },
    [id("OwnerReference")]: {
      type: "object",
      properties: { apiVersion: text, kind: text, name: text, uid: text, controller: bool, blockOwnerDeletion: bool },
    },
    [id("ManagedFieldsEntry")]: {
      type: "object",
      properties: {
        manager: text,
        operation: text,
        apiVersion: text,
        time,
        fieldsType: text,
        fieldsV1: { type: "object" },
        subresource: text,
      },
    },
  },
};

/**
 * Reads `metadata` as Kubernetes' ObjectMeta: unknown members are dropped and told of, with their paths below the
 * metadata; the first value of a wrong type is told in the words of Kubernetes' decoder.
 */
export function readObjectMeta(metadata: Json): PruneResult {
  if (isJsonObject(metadata)) return validateAndPrune(metaSchema, id("ObjectMeta"), metadata);
  const { typeError = "" } = validateAndPrune(metaSchema, id("ObjectMeta"), metadata as unknown as JsonObject);
  return { object: {}, unknownFields: [], typeError };
}
