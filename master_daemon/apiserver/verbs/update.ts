import type { PartName } from "../../../core/api/kind.ts";
import { isReason } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { inNamespace, named } from "../body.ts";
import { attributesOf } from "../call.ts";
import { authorize } from "../filters/authorization.ts";
import { writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";
import { createObject, readObject, updateObject } from "./write.ts";

/** PUT on an object or its status. Some kinds are created by it where there is none. */
export async function update(r: ResourceRequest, subresource?: PartName | "status" | "approval"): Promise<ApiResponse> {
  const options = writeOptions(r.query, "UpdateOptions");
  const checked = await readObject(r, r.kind, options.fieldValidation);
  const object = inNamespace(named(checked, r.route.name ?? ""), r.kind, r.route.namespace);
  try {
    const stored = await updateObject(r, () => object, { dryRun: options.dryRun, subresource });
    return objectResponse(r.kind, stored, 200, r.form);
  } catch (error) {
    if (!r.kind.createOnUpdate || subresource !== undefined || !isReason(error, "NotFound")) throw error;
    await authorize(r.services.authorizer, r.user, attributesOf(r.route, "create"));
    const stored = await createObject(r, object, { dryRun: options.dryRun });
    return objectResponse(r.kind, stored, 201, r.form);
  }
}
