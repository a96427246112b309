import { asJson, asObject } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";

/** What a review of the requesting user answers. Nothing is stored. */
export async function review(
  client: Client,
  group: "authentication.k8s.io" | "authorization.k8s.io",
  plural: string,
  spec: object | undefined,
  signal: AbortSignal,
): Promise<JsonObject> {
  const kind = {
    selfsubjectreviews: "SelfSubjectReview",
    selfsubjectaccessreviews: "SelfSubjectAccessReview",
    selfsubjectrulesreviews: "SelfSubjectRulesReview",
  }[plural];
  const resource = { group, version: "v1", kind: kind ?? "", plural, namespaced: false };
  const object = asObject({
    apiVersion: `${group}/v1`,
    kind: resource.kind,
    metadata: {},
    ...(spec ? { spec: asJson(spec) } : {}),
  });
  return asJson(await client.create(resource, object, { signal }));
}
