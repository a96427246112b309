import { parseJson } from "../../../core/api/json.ts";
import { isJsonObject } from "../../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { applyJsonPatch, applyMergePatch, applyStrategicPatch } from "../../../core/api/patch/mod.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { inNamespace, named, objectOf, readLimited } from "../body.ts";
import { mediaTypeOf } from "../negotiate.ts";
import { writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";
import { checkObject, updateObject } from "./write.ts";

const patchMediaTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/** PATCH on an object or its status. */
export async function patch(r: ResourceRequest, subresource?: "status" | "approval"): Promise<ApiResponse> {
  const options = writeOptions(r.query, "PatchOptions");
  const apply = await readPatch(r, r.kind.custom ? undefined : r.kind.schema);
  let warnings: string[] = [];
  const stored = await updateObject(
    r,
    (current) => {
      // A change that is tried again tells its warnings once.
      warnings = [];
      const patched = objectOf(apply(current as unknown as JsonObject), r.kind);
      const object = checkObject(r, patched, options.fieldValidation, warnings);
      return inNamespace(named(object, r.route.name ?? ""), r.kind, r.route.namespace);
    },
    { dryRun: options.dryRun, subresource },
  );
  r.warnings.push(...warnings);
  return objectResponse(r.kind, stored, 200, r.form);
}

/**
 * What the body of a patch does to an object.
 *
 * @param schema type that strategic patches merge by; undefined: they are not offered
 * @throws StatusError UnsupportedMediaType, BadRequest
 */
export async function readPatch(
  { request, services }: Pick<ResourceRequest, "request" | "services">,
  schema: string | undefined,
): Promise<(object: JsonObject) => JsonObject> {
  const type = mediaTypeOf(request.headers["content-type"]);
  const offered = schema === undefined ? patchMediaTypes.slice(0, 2) : patchMediaTypes;
  if (!offered.includes(type)) throw StatusError.unsupportedMediaType(type, offered);
  const body = parseJson(await readLimited(request, services.maxBodyBytes));
  if (type === "application/json-patch+json") return (object) => applyJsonPatch(object, body);
  const document = objectPatch(body);
  if (type === "application/merge-patch+json") return (object) => applyMergePatch(object, document);
  return (object) => applyStrategicPatch(object, document, schema);
}

function objectPatch(body: Json): JsonObject {
  if (isJsonObject(body)) return body;
  throw StatusError.badRequest("the patch must be a JSON object");
}
