import { checkApplied, failed, mergeTypeOf } from "../../../core/api/apply/mod.ts";
import { getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import type { PartName } from "../../../core/api/kind.ts";
import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import type { Json, JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { isReason, StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import type { Stored } from "../../registry/registry.ts";
import { inNamespace, named, objectOf, readConfiguration } from "../body.ts";
import { applyTo } from "../field_owners.ts";
import { authorize } from "../filters/authorization.ts";
import { booleanParameter, writeOptions } from "../query.ts";
import { objectResponse } from "../respond.ts";
import { type ResourceRequest, routeKey } from "../services.ts";
import { checkObject, createObject, updateObject } from "./write.ts";

/** What kubectl and clients send a server-side apply as; the body is YAML or JSON. */
export const applyMediaType = "application/apply-patch+yaml";

/** Tries of an apply to an object that comes and goes meanwhile. */
const maxTries = 5;

/**
 * PATCH that applies: the object becomes what the body says, or comes to be.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export async function apply(r: ResourceRequest, subresource?: PartName | "status" | "approval"): Promise<ApiResponse> {
  const { dryRun } = writeOptions(r.query, "ApplyOptions");
  const config = await readApplied(r, r.kind, mergeTypeOf(r.kind, r.services));
  const force = booleanParameter(r.query, "force");
  const write = { dryRun, isApplied: true };
  for (let tried = 1; ; tried++) {
    try {
      if (await exists(r)) {
        const change = async (current: KubeObject) => checked(r, await applyTo(r, current, config, force));
        return objectResponse(r.kind, await updateObject(r, change, { ...write, subresource }), 200, r.form);
      }
      // What is only a part of an object does not make one.
      if (subresource) throw StatusError.notFound(r.kind, r.route.name ?? "");
      return objectResponse(r.kind, await createApplied(r, config, write), 201, r.form);
    } catch (error) {
      const isRaced = isReason(error, "AlreadyExists") || (isReason(error, "NotFound") && !subresource);
      if (!isRaced || tried >= maxTries) throw error;
    }
  }
}

async function exists({ registry, ...r }: ResourceRequest): Promise<boolean> {
  try {
    await registry.get(routeKey(r));
    return true;
  } catch (error) {
    if (isReason(error, "NotFound")) return false;
    throw error;
  }
}

async function createApplied(
  r: ResourceRequest,
  config: JsonObject,
  write: { readonly dryRun: boolean; readonly isApplied: boolean },
): Promise<Stored> {
  const { kind, route, user, services } = r;
  const { group, version, resource, namespace, name = "" } = route;
  await authorize(services.authorizer, user, {
    type: "resource",
    verb: "create",
    group,
    version,
    resource,
    subresource: undefined,
    namespace,
    name,
  });
  const object = checked(r, await applyTo(r, undefined, config, false));
  const { uid, resourceVersion } = object.metadata;
  if (uid)
    throw StatusError.conflict(
      kind,
      name,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  if (resourceVersion) throw StatusError.conflict(kind, name);
  return createObject(r, object, write);
}

/** The object that an apply made, as its kind's schema has it. */
function checked(r: ResourceRequest, applied: JsonObject): KubeObject {
  // What the client says was checked as such: there is nothing to tell about what else the object has.
  const object = checkObject(r, objectOf(applied, r.kind), "Ignore", []);
  return inNamespace(named(object, r.route.name ?? ""), r.kind, r.route.namespace);
}

/**
 * The body of an apply.
 *
 * @throws StatusError BadRequest for what is no object of the kind, or says who owns it; 500 for what does not fit its type
 */
export async function readApplied(
  { request, services }: Pick<ResourceRequest, "request" | "services">,
  kind: Pick<Kind, "group" | "version" | "kind">,
  type: Parameters<typeof checkApplied>[1],
): Promise<JsonObject> {
  const config = await readConfiguration(request, services.maxBodyBytes);
  const metadata = getOwn(config, "metadata");
  const sent = kindText(textOf(getOwn(config, "apiVersion")), textOf(getOwn(config, "kind")));
  const wanted = kindText(apiVersionOf(kind), kind.kind);
  if (sent !== wanted) throw StatusError.badRequest(`invalid object type: ${sent}`);
  const meta = isJsonObject(metadata) ? metadata : {};
  if ((getOwn(meta, "managedFields") ?? null) !== null)
    throw StatusError.badRequest("metadata.managedFields must be nil");
  const error = checkApplied(config, type);
  if (error === undefined) return config;
  const name = `${textOf(getOwn(meta, "namespace"))}/${textOf(getOwn(meta, "name"))}`;
  throw failed(`failed to create typed patch object (${name}; ${wanted}): ${error}`);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A kind as Go prints it: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`. */
function kindText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes("/") ? "" : "/"}${apiVersion}, Kind=${kind}`;
}
