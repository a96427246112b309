import {
  type Applied,
  applyConfiguration,
  decodeEntries,
  type FieldScope,
  type FieldWrite,
  mergeTypeOf,
  trackUpdate,
  type VersionedObject,
} from "../../core/api/apply/mod.ts";
import { asJson, asObject } from "../../core/api/json_object.ts";
import { apiVersionOf, type Kind } from "../../core/api/kind.ts";
import type { JsonObject, KubeObject, ManagedFieldsEntry } from "../../core/api/meta.ts";
import type { ApiRequest } from "../../core/client/transport.ts";
import { timestamp } from "../../core/util/clock.ts";
import type { ResourceRequest, Services } from "./services.ts";

const maxManagerBytes = 128;
const encoder = new TextEncoder();

/** Who a write is noted under: what the client says, or else the program that it says it is. @see k8s.io/apiserver/pkg/endpoints/handlers managerOrUserAgent */
function fieldManagerOf({ request, query }: Pick<ResourceRequest, "request" | "query">): string {
  return query.get("fieldManager") || programOf(request) || "unknown";
}

/** What stands before the first slash of the User-Agent, as far as it can be printed. */
function programOf({ headers }: ApiRequest): string {
  const [name = ""] = (headers["user-agent"] ?? "").split("/", 1);
  if (name.length <= maxManagerBytes && /^[\x20-\x7e]*$/.test(name)) return name;
  let program = "";
  let bytes = 0;
  // Longer ones are cut; a character is at least a byte.
  for (const character of name.slice(0, maxManagerBytes * 2)) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) continue;
    bytes += encoder.encode(character).length;
    if (bytes > maxManagerBytes) break;
    program += character;
  }
  return program;
}

/** What a write can change, by subresource: the rest is set back, and so is nobody's for it. */
function scopeOf(kind: Kind, subresource: string | undefined): FieldScope {
  if (subresource === "status" || subresource === "approval") return { only: ["status"] };
  if (subresource === "finalize") return { only: ["spec"] };
  return { except: subresource === undefined && kind.subresources.status ? ["status"] : [] };
}

/** A write as those see it who own fields. */
export function fieldWriteOf(r: ResourceRequest): FieldWrite {
  const { kind, route, services } = r;
  return {
    manager: fieldManagerOf(r),
    subresource: route.subresource ?? "",
    apiVersion: apiVersionOf(kind),
    type: mergeTypeOf(kind, services),
    scope: scopeOf(kind, route.subresource),
    now: timestamp(services.clock),
    convert: (object, apiVersion) => convert(kind, object, apiVersion, services),
  };
}

/** The object in another version that is served. */
async function convert(
  kind: Kind,
  object: JsonObject,
  apiVersion: string,
  services: Services,
): Promise<VersionedObject | undefined> {
  const target = services.registries.kinds.find(
    (other) => other.kind === kind.kind && other.group === groupOf(apiVersion) && apiVersionOf(other) === apiVersion,
  );
  if (!target || storedPath(target) !== storedPath(kind)) return undefined;
  const source = asObject(object);
  const [stored] = kind.storedAs ? await kind.storedAs.toStored([source]) : [source];
  const [served] = target.storedAs && stored ? await target.storedAs.fromStored([stored]) : [stored];
  return served && { object: asJson(served), type: mergeTypeOf(target, services) };
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** What is the same for all versions of a kind. */
function storedPath(kind: Kind): string {
  const { group, plural } = kind.storedAs?.kind ?? kind;
  return `${group}/${plural}`;
}

/** `next` with the owners of its fields noted, as of a write that is no apply. */
export async function withOwners(
  r: ResourceRequest,
  previous: KubeObject | undefined,
  next: KubeObject,
): Promise<KubeObject> {
  const live = asJson(previous);
  return withManagedFields(next, await trackUpdate(live, asJson(next), fieldWriteOf(r)));
}

/** What an apply makes of an object: see {@linkcode applyConfiguration}. */
export async function applyTo(
  r: ResourceRequest,
  live: KubeObject | undefined,
  config: JsonObject,
  force: boolean,
): Promise<JsonObject> {
  const write = fieldWriteOf(r);
  const current = asJson(live);
  const { object, managedFields }: Applied = await applyConfiguration(current, config, { force, write });
  return asJson(withManagedFields(asObject(object), managedFields));
}

/** `object` with other `metadata.managedFields`. */
export function withManagedFields(
  object: KubeObject,
  managedFields: readonly ManagedFieldsEntry[] | undefined,
): KubeObject {
  if (object.metadata.managedFields === managedFields) return object;
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata: managedFields ? { ...metadata, managedFields } : metadata };
}

/**
 * `admitted` with valid `metadata.managedFields`: what a plug-in or webhook made of them is set back when it is not.
 *
 * @param warn told what is wrong
 */
export function withValidOwners(object: KubeObject, admitted: KubeObject, warn: (text: string) => void): KubeObject {
  const { managedFields } = admitted.metadata;
  if (managedFields === object.metadata.managedFields) return admitted;
  const decoded = decodeEntries(managedFields);
  if (!("error" in decoded)) return admitted;
  warn(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${decoded.error}`,
  );
  return withManagedFields(admitted, object.metadata.managedFields);
}
