import type { ApiResponse } from "../../../core/client/transport.ts";
import { inNamespace } from "../body.ts";
import { writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";
import { createObject, readObject } from "./write.ts";

/** POST on a collection. */
export async function create(r: ResourceRequest): Promise<ApiResponse> {
  const options = writeOptions(r.query, "CreateOptions");
  const object = inNamespace(await readObject(r, r.kind, options.fieldValidation), r.kind, r.route.namespace);
  const stored = await createObject(r, object, options);
  return objectResponse(r.kind, stored, 201, r.form);
}
