import { asJson, isJsonObject } from "../../../core/api/json_object.ts";
import { jsonText } from "../../../core/api/json_text.ts";
import type { Kind, PartName } from "../../../core/api/kind.ts";
import type { Json, JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { applyJsonPatch, applyMergePatch, applyStrategicPatch } from "../../../core/api/patch/mod.ts";
import { fieldError, isReason, StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { inNamespace, named, objectOf, readJson } from "../body.ts";
import { mediaTypeOf } from "../negotiate.ts";
import { writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";
import { apply, applyMediaType } from "./apply.ts";
import { checkObject, updateObject } from "./write.ts";

const jsonPatch = "application/json-patch+json";
const mergePatch = "application/merge-patch+json";
const strategicPatch = "application/strategic-merge-patch+json";

/** PATCH on an object or its status. */
export async function patch(r: ResourceRequest, subresource?: PartName | "status" | "approval"): Promise<ApiResponse> {
  const { kind } = r;
  const schema = strategicSchemaOf(kind);
  if (patchTypeOf(r, schema) === applyMediaType) return apply(r, subresource);
  const options = writeOptions(r.query, "PatchOptions");
  const change = await readPatch(r, schema);
  let warnings: string[] = [];
  const stored = await updateObject(
    r,
    (current) => {
      // A change that is tried again tells its warnings once.
      warnings = [];
      const patched = change(asJson(current));
      const object = asPatched(patched, () =>
        checkObject(r, objectOf(patched, kind), options.fieldValidation, warnings),
      );
      return inNamespace(named(object, r.route.name ?? ""), kind, r.route.namespace);
    },
    { dryRun: options.dryRun, subresource },
  );
  r.warnings.push(...warnings);
  return objectResponse(kind, stored, 200, r.form);
}

/** The type that strategic patches of a kind merge by; undefined where they are not offered, as for custom resources. */
export function strategicSchemaOf({ schema, custom }: Kind): string | undefined {
  return custom ? undefined : schema;
}

/**
 * The media type of a patch.
 *
 * @param schema undefined: strategic patches are not offered
 * @throws StatusError UnsupportedMediaType
 */
export function patchTypeOf({ request }: Pick<ResourceRequest, "request">, schema: string | undefined): string {
  const type = mediaTypeOf(request.headers["content-type"]);
  const offered = [jsonPatch, mergePatch, ...(schema === undefined ? [] : [strategicPatch]), applyMediaType];
  if (!offered.includes(type)) throw StatusError.unsupportedMediaType(offered);
  return type;
}

/**
 * What the body of a patch does to an object.
 *
 * @param schema type that strategic patches merge by
 * @throws StatusError BadRequest
 */
export async function readPatch(
  { request, services }: Pick<ResourceRequest, "request" | "services">,
  schema: string | undefined,
): Promise<(object: JsonObject) => JsonObject> {
  const body = await readJson(request, services.maxBodyBytes);
  const type = patchTypeOf({ request }, schema);
  if (type === jsonPatch) return (object) => applyJsonPatch(object, body);
  const document = objectPatch(body);
  if (type === mergePatch) return (object) => applyMergePatch(object, document);
  return (object) => applyStrategicPatch(object, document, schema);
}

function objectPatch(body: Json): JsonObject {
  if (isJsonObject(body)) return body;
  throw StatusError.badRequest("the patch must be a JSON object");
}

/** Reads what a patch made of an object: what cannot be read is the patch's fault, not the request's. @throws StatusError Invalid */
function asPatched(patched: JsonObject, read: () => KubeObject): KubeObject {
  try {
    return read();
  } catch (error) {
    if (!isReason(error, "BadRequest")) throw error;
    throw StatusError.invalid({ group: "", kind: "" }, "", [
      fieldError.invalid("patch", jsonText(patched), detailOf(error.message)),
    ]);
  }
}

/** What the decoder said, without what it was reading. */
function detailOf(message: string): string {
  const at = message.indexOf(decodeErrorMark);
  return at < 0 ? message : message.slice(message.indexOf(": ", at) + 2);
}

const decodeErrorMark = " cannot be handled as a ";
