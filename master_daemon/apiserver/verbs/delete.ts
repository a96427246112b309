import type { JsonObject, ObjectKey } from "../../../core/api/meta.ts";
import { ignoreReason } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { validate } from "../../admission/mod.ts";
import type { Stored } from "../../registry/registry.ts";
import { readDocument } from "../body.ts";
import { type DeleteOptions, deleteOptions } from "../delete_options.ts";
import { selection } from "../query.ts";
import { documentResponse, listResponse, objectResponse } from "../respond.ts";
import { type ResourceRequest, routeKey } from "../services.ts";

/** How many objects of a collection are deleted at the same time. */
const parallelDeletes = 16;

/** DELETE on an object: a Status when it is gone, the object when it only was marked. */
export async function remove(r: ResourceRequest): Promise<ApiResponse> {
  const options = deleteOptions(await readDocument(r.request, r.services.maxBodyBytes), r.query);
  const { stored, gone } = await deleteObject(r, routeKey(r), options);
  // Pods are always answered as such: their deletion takes time even where it does not.
  const isPod = r.kind.group === "" && r.kind.plural === "pods";
  if (!gone || isPod) return objectResponse(r.kind, stored, 200, r.form);
  return documentResponse(deletedStatus(r, stored), 200, r.form);
}

/** DELETE on a collection: the list of what was deleted. */
export async function removeCollection(r: ResourceRequest): Promise<ApiResponse> {
  const options = deleteOptions(await readDocument(r.request, r.services.maxBodyBytes), r.query);
  const page = await r.registry.list(selection(r.kind, r.route.namespace, r.query));
  const removed: Stored[] = [];
  const waiting = [...page.items];
  const work = async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      const { key } = item;
      const result = await deleteObject(r, key, options).catch(ignoreReason("NotFound"));
      if (result) removed.push(item);
    }
  };
  await Promise.all(Array.from({ length: parallelDeletes }, work));
  return listResponse(r.kind, { revision: page.revision, items: removed }, r.form);
}

/** Deletes one object, after admission. */
export function deleteObject(
  r: ResourceRequest,
  key: ObjectKey,
  options: DeleteOptions,
): Promise<{ readonly stored: Stored; readonly gone: boolean }> {
  const { registry, kind, user, services, route, warnings, annotations } = r;
  const { dryRun } = options;
  return registry.delete(key, {
    ...options,
    user,
    admit: (_next, previous) =>
      validate(services.admission, {
        operation: "DELETE",
        kind,
        key,
        subresource: route.subresource,
        user,
        dryRun,
        options: optionsObject(options),
        object: undefined,
        previous,
        onSettled() {},
        warn: (text) => warnings.push(text),
        annotate: (name, value) => annotations.set(name, value),
      }),
  });
}

/** The options as admission webhooks are shown them. */
function optionsObject({ gracePeriodSeconds, propagationPolicy, preconditions, dryRun }: DeleteOptions): JsonObject {
  return {
    kind: "DeleteOptions",
    apiVersion: "meta.k8s.io/v1",
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(preconditions ? { preconditions } : {}),
    ...(propagationPolicy ? { propagationPolicy } : {}),
    ...(dryRun ? { dryRun: ["All"] } : {}),
  };
}

function deletedStatus({ kind, route }: ResourceRequest, { object }: Stored): JsonObject {
  const { uid } = object.metadata;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: route.name ?? "",
      ...(kind.group ? { group: kind.group } : {}),
      kind: kind.plural,
      ...(uid ? { uid } : {}),
    },
  };
}
