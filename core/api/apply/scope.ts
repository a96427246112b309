import { getOwn, isJsonObject, setOwn } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";

/** Which members of an object a write can change: the others are set back, and so never owned by it. */
export type FieldScope = { readonly only: readonly string[] } | { readonly except: readonly string[] };

/** What nobody owns: it names the object, or is the server's. */
const ownerless: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "clusterName",
  "generation",
  "managedFields",
  "resourceVersion",
]);

/** What of an object can be owned through a write. Members are shared. */
export function ownable(object: JsonObject, scope: FieldScope): JsonObject {
  const result: { [name: string]: Json } = {};
  if ("only" in scope) {
    for (const name of scope.only) {
      const member = getOwn(object, name);
      if (member !== undefined) result[name] = member;
    }
    return result;
  }
  result["metadata"] = ownableMetadata(getOwn(object, "metadata"));
  for (const name of Object.keys(object))
    if (name !== "apiVersion" && name !== "kind" && name !== "metadata" && !scope.except.includes(name))
      setOwn(result, name, object[name] ?? null);
  return result;
}

function ownableMetadata(metadata: Json | undefined): JsonObject {
  const result: { [name: string]: Json } = {};
  if (isJsonObject(metadata))
    for (const name of Object.keys(metadata)) if (!ownerless.has(name)) setOwn(result, name, metadata[name] ?? null);
  return result;
}
