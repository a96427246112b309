import type { KubeObject } from "../../core/api/meta.ts";

/** `pod/web`, `deployment.apps/web`: how kubectl names an object in one word. */
export function qualifiedName({
  apiVersion,
  kind,
  metadata,
}: Pick<KubeObject, "apiVersion" | "kind" | "metadata">): string {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : `.${apiVersion.slice(0, slash)}`;
  return `${kind.toLowerCase()}${group}/${metadata.name || "<unknown>"}`;
}

/** `pod`, `deployment.apps`: how kubectl names a kind in one word. */
export function kindName({ kind, group }: { readonly kind: string; readonly group: string }): string {
  return `${kind.toLowerCase()}${group ? `.${group}` : ""}`;
}

/** The object, or the objects of the list, without the notes of who owns which field. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata ?? {};
  const items = (object as { readonly items?: readonly KubeObject[] }).items;
  return {
    ...object,
    ...(object.metadata ? { metadata } : {}),
    ...(items ? { items: items.map(withoutManagedFields) } : {}),
  };
}
