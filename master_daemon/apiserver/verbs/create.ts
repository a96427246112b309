import type { ApiResponse } from "../../../core/client/transport.ts";
import { inNamespace, objectOf, readDocument } from "../body.ts";
import { writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";
import { checkObject, createObject } from "./write.ts";

/** POST on a collection. */
export async function create(r: ResourceRequest): Promise<ApiResponse> {
  const options = writeOptions(r.query, "CreateOptions");
  const body = objectOf(await readDocument(r.request, r.services.maxBodyBytes), r.kind);
  const object = inNamespace(checkObject(r, body, options.fieldValidation, r.warnings), r.kind, r.route.namespace);
  const stored = await createObject(r, object, options);
  return objectResponse(r.kind, stored, 201, r.form);
}
