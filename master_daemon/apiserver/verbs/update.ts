import type { PartName } from "../../../core/api/kind.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { inNamespace, named, objectOf, readDocument } from "../body.ts";
import { writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";
import { checkObject, updateObject } from "./write.ts";

/** PUT on an object or its status. */
export async function update(r: ResourceRequest, subresource?: PartName | "status" | "approval"): Promise<ApiResponse> {
  const options = writeOptions(r.query, "UpdateOptions");
  const body = objectOf(await readDocument(r.request, r.services.maxBodyBytes), r.kind);
  const checked = checkObject(r, body, options.fieldValidation, r.warnings);
  const object = inNamespace(named(checked, r.route.name ?? ""), r.kind, r.route.namespace);
  const stored = await updateObject(r, () => object, { dryRun: options.dryRun, subresource });
  return objectResponse(r.kind, stored, 200, r.form);
}
