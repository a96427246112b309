import type { ApiResponse } from "../../../core/client/transport.ts";
import type { Namespace } from "../../../core/kinds/namespace.ts";
import { named } from "../body.ts";
import { writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";
import { readObject, updateObject } from "../verbs/write.ts";

/** PUT on `/namespaces/NAME/finalize`: sets `spec.finalizers`, which nothing else may change. Without any, a deleted namespace goes. */
export async function finalize(r: ResourceRequest): Promise<ApiResponse> {
  const { dryRun, fieldValidation } = writeOptions(r.query, "UpdateOptions");
  const sent = named(await readObject(r, r.kind, fieldValidation), r.route.name ?? "") as Namespace;
  const stored = await updateObject(
    r,
    (current) => {
      const namespace = current as Namespace;
      const { resourceVersion } = sent.metadata;
      const next: Namespace = {
        ...namespace,
        metadata: { ...namespace.metadata, ...(resourceVersion ? { resourceVersion } : {}) },
        spec: { ...namespace.spec, finalizers: sent.spec?.finalizers ?? [] },
      };
      return next;
    },
    { dryRun, subresource: "finalize" },
  );
  return objectResponse(r.kind, stored, 200, r.form);
}
