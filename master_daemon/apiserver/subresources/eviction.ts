import { getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { readDocument } from "../body.ts";
import { deleteOptions } from "../delete_options.ts";
import { writeOptions } from "../query.ts";
import { documentResponse } from "../respond.ts";
import { type ResourceRequest, routeKey } from "../services.ts";
import { deleteObject } from "../verbs/delete.ts";

const versions = ["policy/v1", "policy/v1beta1"];

/** POST on `/pods/NAME/eviction`: a deletion that asks first whether the pod can be spared. Any version of policy is taken. */
export async function evict(r: ResourceRequest): Promise<ApiResponse> {
  const { dryRun } = writeOptions(r.query, "CreateOptions");
  const body = await readDocument(r.request, r.services.maxBodyBytes);
  if (body === undefined || !isJsonObject(body)) throw StatusError.badRequest("the body must be an Eviction");
  const apiVersion = getOwn(body, "apiVersion") ?? "policy/v1";
  if (typeof apiVersion !== "string" || !versions.includes(apiVersion))
    throw StatusError.badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (policy/v1)`,
    );
  const metadata = getOwn(body, "metadata");
  const name = isJsonObject(metadata) ? getOwn(metadata, "name") : undefined;
  if (name !== undefined && name !== "" && name !== r.route.name)
    throw StatusError.badRequest("name in URL does not match name in Eviction object");
  const options = deleteOptions(getOwn(body, "deleteOptions"), new URLSearchParams());
  await deleteObject(r, routeKey(r), { ...options, dryRun: dryRun || options.dryRun });
  return documentResponse(
    { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
    201,
    r.form,
  );
}
