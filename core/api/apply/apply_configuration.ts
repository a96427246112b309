import { goJson } from "../go_json.ts";
import { getOwn, isJsonObject, jsonEqual } from "../json_object.ts";
import type { Json, JsonObject, ManagedFieldsEntry } from "../meta.ts";
import { StatusError } from "../status.ts";
import { compareObjects } from "./compare.ts";
import { conflictError } from "./conflict_error.ts";
import { decodeEntries, encodeEntries, isSameManager, type OwnedFields } from "./entries.ts";
import {
  difference,
  emptySet,
  type FieldSet,
  hasPath,
  intersection,
  isEmptySet,
  sameSet,
  setOfPath,
  union,
} from "./field_set.ts";
import { fieldsOf } from "./fields_of.ts";
import { mergeObjects } from "./merge_objects.ts";
import type { MergeType } from "./merge_type.ts";
import { type Change, type FieldWrite, reconcileOwners, takeFields } from "./owners.ts";
import { removeFields, withDeclaredFields } from "./remove_fields.ts";
import { ownable } from "./scope.ts";
import { managedFieldsOf, ownersAfterUpdate } from "./track_update.ts";

/** What applying made of an object. */
export interface Applied {
  /** The object without its `metadata.managedFields`. */
  readonly object: JsonObject;
  readonly managedFields: readonly ManagedFieldsEntry[] | undefined;
}

/** Where client-side apply keeps what was applied last. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** The manager that `kubectl apply --server-side` is: it takes over from client-side apply. */
const kubectl = "kubectl";
const firstManager = "before-first-apply";
/** Every object has metadata: nobody owns it as such. */
const metadataItself = setOfPath(["f:metadata"]);

/**
 * Server-side apply: `live` with what `config` says, and without what the same manager said before and says no more,
 * as long as nobody else owns it.
 *
 * @param live undefined: the object is new
 * @param config checked against its type
 * @throws StatusError Conflict when others own what would change, unless `force`
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export async function applyConfiguration(
  live: JsonObject | undefined,
  config: JsonObject,
  { force, write }: { readonly force: boolean; readonly write: FieldWrite },
): Promise<Applied> {
  const decoded = decodeEntries(managedFieldsOf(live));
  if ("error" in decoded) throw failed(`failed to decode managed fields: ${decoded.error}`);
  const present = live ? withoutManagedFields(live) : {};
  const before: State = { object: present, owners: decoded.owners };
  const isFirst = live !== undefined && decoded.owners.length === 0;
  const owners = isFirst
    ? await ownersAfterUpdate({}, present, [], { ...write, manager: firstManager })
    : decoded.owners;
  const result = await applyOver({ object: present, owners }, config, { force, write });
  const object = write.manager === kubectl ? withLastApplied(result.object, config) : result.object;
  const isSame = result.owners === before.owners;
  return { object, managedFields: isSame ? managedFieldsOf(live) : encodeEntries(result.owners) };
}

interface State {
  readonly object: JsonObject;
  readonly owners: readonly OwnedFields[];
}

interface ApplyOptions {
  readonly force: boolean;
  readonly write: FieldWrite;
}

async function applyOver(live: State, config: JsonObject, { force, write }: ApplyOptions): Promise<State> {
  const next = await merged(live, config, write);
  const change = await takeFields(live.object, next.object, next.owners, write, { applier: next.self });
  if (change.conflicts.length > 0 && !force) {
    const allowed = write.manager === kubectl ? lastAppliedFields(live.object, write) : emptySet;
    const conflicts = change.conflicts.filter(({ path }) => !hasPath(allowed, path));
    if (conflicts.length > 0) throw conflictError(conflicts);
  }
  return settled(live, next, change, write);
}

interface Merged extends State {
  /** The entry of whoever applies, as it is now. */
  readonly self: OwnedFields;
  readonly previous: OwnedFields | undefined;
}

/** `live` with what `config` says, and without what its manager gave up. */
async function merged(live: State, config: JsonObject, write: FieldWrite): Promise<Merged> {
  const owners = await reconcileOwners(live.owners, live.object, write);
  const { manager, apiVersion, subresource, type, now } = write;
  const self: OwnedFields = {
    manager,
    operation: "Apply",
    apiVersion,
    subresource,
    time: now,
    fields: difference(fieldsOf(ownable(config, write.scope), type), metadataItself),
  };
  const previous = owners.find((owner) => isSameManager(owner, self));
  const others = owners.filter((owner) => owner !== previous);
  const object = mergeObjects(live.object, config, type);
  // The names of the object count as well here: they keep its metadata from going.
  const claims = [...others, { ...self, fields: fieldsOf(config, type) }];
  const left = previous ? await pruned(object, claims, previous, write) : object;
  return {
    // What was emptied is gone, unless it is to be there and empty.
    object: left === object ? object : mergeObjects(left, config, type),
    owners: [...others, self],
    self,
    previous,
  };
}

/** What is stored: what did not change stays the same in memory. */
function settled(live: State, { object, self, previous }: Merged, { others }: Change, write: FieldWrite): State {
  const isSameObject = jsonEqual(object, live.object);
  const kept = others.filter((owner) => owner !== self);
  const isSameSelf =
    previous !== undefined && previous.apiVersion === self.apiVersion && sameSet(previous.fields, self.fields);
  if (isSameObject && isSameSelf && kept.length === live.owners.length - 1) {
    const known = new Set(live.owners);
    if ([previous, ...kept].every((owner) => known.has(owner))) return live;
  }
  const entry: OwnedFields = isSameObject && isSameSelf ? previous : { ...self, time: write.now };
  const owners = isEmptySet(self.fields) ? kept : [...kept, entry];
  return { object: isSameObject ? live.object : object, owners };
}

/** `object` without what `last` names and nobody in `owners` does. */
async function pruned(
  object: JsonObject,
  owners: readonly OwnedFields[],
  last: OwnedFields,
  write: FieldWrite,
): Promise<JsonObject> {
  const own = last.apiVersion === write.apiVersion;
  const versioned = own ? { object, type: write.type } : await write.convert(object, last.apiVersion);
  if (!versioned) return object;
  const { type } = versioned;
  const named = difference(withDeclaredFields(last.fields, type), metadataItself);
  // What is emptied on the way still stands there: whether it goes is decided in the end.
  let left = removeFields(versioned.object, named, type, null);
  const byVersion = ownedByVersion(owners);
  // First in the version that was applied last: what goes may be needed to convert.
  const versions = [last.apiVersion, ...[...byVersion.keys()].filter((version) => version !== last.apiVersion)];
  for (const apiVersion of versions) {
    const owned = byVersion.get(apiVersion);
    if (owned)
      left = await withOwned(
        { object: versioned.object, left, type },
        owned,
        { from: last.apiVersion, to: apiVersion },
        write,
      );
  }
  // What nobody owns stays too, unless this manager owned it.
  const gone = intersection(
    difference(
      withDeclaredFields(fieldsOf(versioned.object, type), type),
      withDeclaredFields(fieldsOf(left, type), type),
    ),
    named,
  );
  const result = removeFields(versioned.object, gone, type, undefined);
  if (own) return result;
  // Without a way back nothing can be removed.
  return (await write.convert(result, write.apiVersion))?.object ?? object;
}

function ownedByVersion(owners: readonly OwnedFields[]): ReadonlyMap<string, FieldSet> {
  const sets = new Map<string, FieldSet>();
  for (const { apiVersion, fields } of owners) sets.set(apiVersion, union(sets.get(apiVersion) ?? emptySet, fields));
  return sets;
}

/** What is left, and what others own besides. Both are of version `from`, what is owned is of version `to`. */
async function withOwned(
  { object, left, type }: { readonly object: JsonObject; readonly left: JsonObject; readonly type: MergeType },
  owned: FieldSet,
  { from, to }: { readonly from: string; readonly to: string },
  { convert }: FieldWrite,
): Promise<JsonObject> {
  const whole = from === to ? { object, type } : await convert(object, to);
  if (!whole) return left;
  // What a conversion needs may be among what went: then nothing goes.
  const rest = from === to ? { object: left, type } : await convert(left, to).catch(() => undefined);
  if (!rest) return object;
  const keeps = union(
    withDeclaredFields(fieldsOf(rest.object, whole.type), whole.type),
    withDeclaredFields(owned, whole.type),
  );
  const goes = difference(withDeclaredFields(fieldsOf(whole.object, whole.type), whole.type), keeps);
  const result = removeFields(whole.object, goes, whole.type, null);
  return from === to ? result : ((await convert(result, from))?.object ?? left);
}

/** What client-side apply applied and nobody changed since: the server-side one may take it over. */
function lastAppliedFields(live: JsonObject, { apiVersion, type }: FieldWrite): FieldSet {
  const text = annotationsOf(live)[lastAppliedAnnotation];
  if (typeof text !== "string" || text === "") return emptySet;
  const applied = parseObject(text);
  if (!applied || getOwn(applied, "apiVersion") !== apiVersion) return emptySet;
  const { changed, removed } = compareObjects(applied, live, type);
  return difference(difference(fieldsOf(applied, type), changed), removed);
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps client-side apply's annotation true where there is one. */
function withLastApplied(object: JsonObject, config: JsonObject): JsonObject {
  const annotations = annotationsOf(object);
  if (!annotations[lastAppliedAnnotation]) return object;
  const value = `${goJson(withoutLastApplied(config))}\n`;
  if (annotations[lastAppliedAnnotation] === value) return object;
  const metadata = getOwn(object, "metadata") as JsonObject;
  const next = Object.fromEntries([...Object.entries(annotations), [lastAppliedAnnotation, value]]);
  return { ...object, metadata: { ...metadata, annotations: next } };
}

function withoutLastApplied(config: JsonObject): JsonObject {
  const annotations = annotationsOf(config);
  if (!Object.hasOwn(annotations, lastAppliedAnnotation)) return config;
  const rest = Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== lastAppliedAnnotation));
  return { ...config, metadata: { ...(getOwn(config, "metadata") as JsonObject), annotations: rest } };
}

function annotationsOf(object: JsonObject): JsonObject {
  const metadata = getOwn(object, "metadata");
  const annotations = isJsonObject(metadata) ? getOwn(metadata, "annotations") : undefined;
  return isJsonObject(annotations) ? annotations : {};
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = getOwn(object, "metadata");
  if (!isJsonObject(metadata) || !Object.hasOwn(metadata, "managedFields")) return object;
  const { managedFields: _managedFields, ...rest } = metadata as { readonly [name: string]: Json };
  return { ...object, metadata: rest };
}

/** What has no reason of its own: 500, as Kubernetes answers. */
export function failed(message: string): StatusError {
  return new StatusError(500, "Unknown", message);
}
