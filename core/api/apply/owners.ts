import type { JsonObject } from "../meta.ts";
import { type Comparison, compareObjects } from "./compare.ts";
import { managerText, type OwnedFields, seconds } from "./entries.ts";
import { difference, type FieldSet, intersection, isEmptySet, pathsOf, union } from "./field_set.ts";
import type { MergeType } from "./merge_type.ts";
import { reconcileFields } from "./reconcile.ts";
import { type FieldScope, ownable } from "./scope.ts";

/** An object in a version, with the type that it has there. */
export interface VersionedObject {
  readonly object: JsonObject;
  readonly type: MergeType;
}

/** Who writes, how, and when. */
export interface FieldWrite {
  readonly manager: string;
  readonly subresource: string;
  readonly apiVersion: string;
  /** Of the object in `apiVersion`. */
  readonly type: MergeType;
  readonly scope: FieldScope;
  /** RFC 3339. */
  readonly now: string;
  /** The object in another version; undefined when that is not served any more. */
  convert(object: JsonObject, apiVersion: string): Promise<VersionedObject | undefined>;
}

/** A field that somebody else owns. */
export interface FieldConflict {
  readonly owner: OwnedFields;
  readonly path: readonly string[];
}

/** What a write takes from its manager's point of view. */
export interface Change {
  readonly comparison: Comparison;
  /** What the other managers keep. */
  readonly others: readonly OwnedFields[];
  readonly conflicts: readonly FieldConflict[];
}

/**
 * What a change of an object means for those who own its fields: changed ones are lost to whoever changed them, removed
 * ones are nobody's. Managers of a version that is no longer served are forgotten.
 *
 * @param who `applier`: who applies, is left alone, and told of conflicts; `updater`: who updates, loses only what is removed
 * @see sigs.k8s.io/structured-merge-diff merge/update.go
 */
export async function takeFields(
  before: JsonObject,
  after: JsonObject,
  owners: readonly OwnedFields[],
  write: FieldWrite,
  { applier, updater }: { readonly applier?: OwnedFields | undefined; readonly updater?: OwnedFields | undefined },
): Promise<Change> {
  const { apiVersion, scope, type } = write;
  const comparison = compareObjects(ownable(before, scope), ownable(after, scope), type);
  const versions = new Map<string, Comparison | undefined>([[apiVersion, comparison]]);
  const others: OwnedFields[] = [];
  const conflicts: FieldConflict[] = [];
  const findsConflicts = applier !== undefined;
  for (const owner of owners) {
    if (owner === applier) {
      others.push(owner);
      continue;
    }
    if (!versions.has(owner.apiVersion))
      versions.set(owner.apiVersion, await compareIn(owner.apiVersion, before, after, write));
    const versioned = versions.get(owner.apiVersion);
    if (!versioned) continue;
    const { changed, removed } = versioned;
    if (findsConflicts)
      for (const path of pathsOf(intersection(owner.fields, changed))) conflicts.push({ owner, path });
    const mine = owner === updater ? owner.fields : difference(owner.fields, changed);
    const kept = withFields(owner, difference(mine, removed));
    if (kept) others.push(kept);
  }
  return { comparison, others, conflicts };
}

async function compareIn(
  apiVersion: string,
  before: JsonObject,
  after: JsonObject,
  { convert, scope }: FieldWrite,
): Promise<Comparison | undefined> {
  const previous = await convert(before, apiVersion);
  const next = await convert(after, apiVersion);
  if (!previous || !next) return undefined;
  return compareObjects(ownable(previous.object, scope), ownable(next.object, scope), next.type);
}

/** `owner` with other fields; undefined when it has none left. */
export function withFields(owner: OwnedFields, fields: FieldSet): OwnedFields | undefined {
  if (fields === owner.fields) return owner;
  if (isEmptySet(fields)) return undefined;
  const { manager, operation, apiVersion, subresource, time } = owner;
  return { manager, operation, apiVersion, subresource, time, fields };
}

/** Owners with their fields as their types have them now. Types of Kubernetes' own kinds never change. */
export async function reconcileOwners(
  owners: readonly OwnedFields[],
  live: JsonObject,
  write: FieldWrite,
): Promise<readonly OwnedFields[]> {
  if (!write.type.changes) return owners;
  const result: OwnedFields[] = [];
  for (const owner of owners) {
    const own = owner.apiVersion === write.apiVersion;
    const versioned = own ? { object: live, type: write.type } : await write.convert(live, owner.apiVersion);
    // Not served any more: forgotten where fields are taken.
    const fields = versioned ? reconcileFields(owner.fields, versioned.object, versioned.type) : owner.fields;
    const kept = withFields(owner, fields);
    if (kept) result.push(kept);
  }
  return result;
}

/** Most managers that an object remembers from updates; what applied is never forgotten. */
const maxUpdateManagers = 10;
const ancientManager = "ancient-changes";

/** Owners with the oldest of too many updates put together. @see k8s.io/apimachinery/pkg/util/managedfields capManagersManager */
export function capOwners(owners: readonly OwnedFields[]): readonly OwnedFields[] {
  const updates = owners.filter(({ operation }) => operation === "Update");
  let excess = updates.length - maxUpdateManagers;
  if (excess <= 0) return owners;
  updates.sort((a, b) => seconds(a.time) - seconds(b.time) || (managerText(a) < managerText(b) ? -1 : 1));
  const rest = new Set(owners);
  const buckets = new Map<string, OwnedFields>();
  for (const owner of owners) if (isBucket(owner)) buckets.set(owner.apiVersion, owner);
  const firsts = new Map<string, OwnedFields>();
  for (const owner of updates) {
    if (excess <= 0) break;
    const { apiVersion, time } = owner;
    const first = firsts.get(apiVersion);
    if (!first) {
      firsts.set(apiVersion, owner);
      continue;
    }
    const present = buckets.get(apiVersion) ?? first;
    const fields = union(owner.fields, present.fields);
    const bucket: OwnedFields = {
      manager: ancientManager,
      operation: "Update",
      apiVersion,
      subresource: "",
      time,
      fields,
    };
    rest.delete(owner);
    rest.delete(present);
    rest.add(bucket);
    buckets.set(apiVersion, bucket);
    excess--;
  }
  return [...rest];
}

function isBucket({ manager, operation, subresource }: OwnedFields): boolean {
  return manager === ancientManager && operation === "Update" && subresource === "";
}
