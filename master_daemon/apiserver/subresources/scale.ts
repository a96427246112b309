import {
  applyConfiguration,
  entriesAfterScale,
  type FieldWrite,
  scaleEntries,
  schemaType,
} from "../../../core/api/apply/mod.ts";
import { asJson, asObject, getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import { apiVersionOf, type ScalePaths } from "../../../core/api/kind.ts";
import { type LabelSelector, selectorFromMap, selectorFromObject } from "../../../core/api/labels.ts";
import type { Json, JsonObject, KubeObject, ObjectMeta, StringMap } from "../../../core/api/meta.ts";
import { fieldError, StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { inNamespace, named } from "../body.ts";
import { fieldWriteOf, withManagedFields } from "../field_owners.ts";
import { booleanParameter, writeOptions } from "../query.ts";
import { documentResponse } from "../respond.ts";
import { type ResourceRequest, routeKey } from "../services.ts";
import { applyMediaType, readApplied } from "../verbs/apply.ts";
import { patchTypeOf, readPatch, strategicSchemaOf } from "../verbs/patch.ts";
import { readObject, updateObject } from "../verbs/write.ts";

const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };
const scaleSchema = "io.k8s.api.autoscaling.v1.Scale";

/** `/scale`: the replicas of an object, whatever its kind. */
export async function scale(r: ResourceRequest, verb: string): Promise<ApiResponse> {
  const paths = r.kind.subresources.scale;
  if (!paths) throw StatusError.methodNotAllowed();
  if (verb === "get") return documentResponse(scaleOf(scalable(await current(r), paths), paths), 200, r.form);
  if (verb === "update") {
    const { dryRun, fieldValidation } = writeOptions(r.query, "UpdateOptions");
    const sent = await readObject(r, { ...scaleKind, schema: scaleSchema }, fieldValidation);
    const body = inNamespace(named(sent, r.route.name ?? ""), r.kind, r.route.namespace);
    return change(r, paths, () => asJson(body), dryRun);
  }
  if (verb === "patch") {
    const schema = strategicSchemaOf(r.kind) && scaleSchema;
    if (patchTypeOf(r, schema) === applyMediaType) return apply(r, paths);
    const { dryRun } = writeOptions(r.query, "PatchOptions");
    return change(r, paths, await readPatch(r, schema), dryRun);
  }
  throw StatusError.methodNotAllowed();
}

/** A server-side apply: who owns the replicas is seen through the Scale, and noted on the object. */
async function apply(r: ResourceRequest, paths: ScalePaths): Promise<ApiResponse> {
  const { dryRun } = writeOptions(r.query, "ApplyOptions");
  const force = booleanParameter(r.query, "force");
  const type = schemaType(r.services.schema, scaleSchema);
  const config = await readApplied(r, scaleKind, type);
  const write: FieldWrite = {
    ...fieldWriteOf(r),
    apiVersion: apiVersionOf(scaleKind),
    type,
    scope: { only: ["spec"] },
    convert: async () => undefined,
  };
  const stored = await updateObject(
    r,
    async (object) => {
      const { managedFields } = object.metadata;
      const before = withManagedFields(asObject(scaleOf(object, paths)), scaleEntries(managedFields, paths.spec));
      const applied = await applyConfiguration(asJson(before), config, { force, write });
      const apiVersion = apiVersionOf(r.kind);
      const entries = entriesAfterScale(managedFields, applied.managedFields, { path: paths.spec, apiVersion });
      return withManagedFields(scaled(r, object, applied.object, paths), entries);
    },
    { dryRun, isApplied: true },
  );
  return documentResponse(scaleOf(stored.object, paths), 200, r.form);
}

async function current(r: ResourceRequest): Promise<KubeObject> {
  return (await r.registry.get(routeKey(r))).object;
}

/** @throws StatusError InternalError when nothing says how many there are to be, as custom resources may leave open */
function scalable(object: KubeObject, { spec }: ScalePaths): KubeObject {
  if (getPath(asJson(object), spec) !== undefined) return object;
  throw StatusError.internal(`the spec replicas field ${JSON.stringify(spec)} does not exist`);
}

async function change(
  r: ResourceRequest,
  paths: ScalePaths,
  apply: (scale: JsonObject) => JsonObject,
  dryRun: boolean,
): Promise<ApiResponse> {
  const stored = await updateObject(r, (object) => scaled(r, object, apply(scaleOf(object, paths)), paths), { dryRun });
  return documentResponse(scaleOf(stored.object, paths), 200, r.form);
}

/** `object` as a Scale of it says. */
function scaled(r: ResourceRequest, object: KubeObject, scale: JsonObject, paths: ScalePaths): KubeObject {
  const replicas = replicasOf(scale, r.route.name ?? "");
  const { resourceVersion: version, uid } = metadataOf(scale) ?? {};
  const changed = setPath(asJson(object), paths.spec.split(".").slice(1), replicas);
  // What is not true of the object any more in the Scale is so in the object: the registry refuses it.
  const metadata: ObjectMeta = {
    ...withoutVersion(object.metadata),
    ...(typeof version === "string" && version !== "" ? { resourceVersion: version } : {}),
    ...(typeof uid === "string" && uid !== "" ? { uid } : {}),
  };
  return { ...asObject(changed), metadata };
}

function withoutVersion({ resourceVersion: _version, ...metadata }: ObjectMeta): ObjectMeta {
  return metadata;
}

/** The Scale that an object shows. */
function scaleOf(object: KubeObject, paths: ScalePaths): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const source = asJson(object);
  const selector = paths.selector === undefined ? "" : selectorText(getPath(source, paths.selector));
  const metadata = { name, namespace, uid, resourceVersion, creationTimestamp };
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined)) as JsonObject,
    spec: { replicas: numberOf(getPath(source, paths.spec)) },
    status: { replicas: numberOf(getPath(source, paths.status)), ...(selector ? { selector } : {}) },
  };
}

function replicasOf(scale: JsonObject, name: string): number {
  const spec = getOwn(scale, "spec");
  const replicas = (isJsonObject(spec) ? getOwn(spec, "replicas") : undefined) ?? 0;
  if (typeof replicas !== "number" || !Number.isInteger(replicas) || replicas >= 2 ** 31)
    throw StatusError.badRequest(
      'Scale in version "v1" cannot be handled as a Scale: spec.replicas must be an integer',
    );
  const sent = metadataOf(scale)?.["name"];
  if (typeof sent === "string" && sent !== "" && sent !== name)
    throw StatusError.badRequest(`the name of the object (${sent}) does not match the name on the URL (${name})`);
  if (replicas < 0)
    throw StatusError.invalid({ group: "autoscaling", kind: "Scale" }, name, [
      fieldError.invalid("spec.replicas", replicas, "must be greater than or equal to 0"),
    ]);
  return replicas;
}

function metadataOf(scale: JsonObject): JsonObject | undefined {
  const metadata = getOwn(scale, "metadata");
  return isJsonObject(metadata) ? metadata : undefined;
}

function selectorText(selector: Json | undefined): string {
  if (typeof selector === "string") return selector;
  if (selector === undefined || !isJsonObject(selector)) return "";
  return Object.hasOwn(selector, "matchLabels") || Object.hasOwn(selector, "matchExpressions")
    ? selectorFromObject(selector as unknown as LabelSelector).toString()
    : selectorFromMap(selector as StringMap).toString();
}

function numberOf(value: Json | undefined): number {
  return typeof value === "number" ? value : 0;
}

function getPath(object: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = object;
  for (const member of path.split(".").slice(1)) value = isJsonObject(value) ? getOwn(value, member) : undefined;
  return value;
}

function setPath(object: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [member = "", ...rest] = path;
  if (rest.length === 0) return { ...object, [member]: value };
  const inner = getOwn(object, member);
  return { ...object, [member]: setPath(isJsonObject(inner) ? inner : {}, rest, value) };
}
