import { lastAppliedAnnotation } from "../api/apply/apply_configuration.ts";
import { isJsonObject } from "../api/json_object.ts";
import { apiVersionOf, type ResourceType } from "../api/kind.ts";
import type { Json, KubeObject, ManagedFieldsEntry, ObjectKey } from "../api/meta.ts";
import type { Client, WriteCallOptions } from "./client.ts";

const lastAppliedManager = "kubectl-last-applied";

/**
 * Owns the note of what client-side apply applied, in the name that kubectl has for it: otherwise it would go with the
 * fields that server-side apply takes over, and who still applies client-side could remove no field any more.
 *
 * @returns the object as it is then
 * @see k8s.io/kubectl/pkg/cmd/apply saveLastApplyAnnotationIfNecessary
 */
export async function keepLastApplied<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  { key, object }: { readonly key: ObjectKey; readonly object: T },
  { fieldManager: _, ...options }: WriteCallOptions,
): Promise<T> {
  const note = object.metadata.annotations?.[lastAppliedAnnotation];
  if (note === undefined || object.metadata.managedFields?.some(appliesNote)) return object;
  const { namespace, name } = key;
  const annotations = { [lastAppliedAnnotation]: note };
  const metadata = namespace === undefined ? { name, annotations } : { name, namespace, annotations };
  const body = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
  return await client.patch(kind, key, { type: "apply", body }, { ...options, fieldManager: lastAppliedManager });
}

function appliesNote({ operation, fieldsV1 }: ManagedFieldsEntry): boolean {
  const path = ["f:metadata", "f:annotations", `f:${lastAppliedAnnotation}`];
  const found = path.reduce<Json | undefined>(
    (value, name) => (isJsonObject(value) ? value[name] : undefined),
    fieldsV1,
  );
  return operation === "Apply" && found !== undefined;
}
