import type { ManagedFieldsEntry } from "../meta.ts";
import { decodeEntries, encodeEntries, type OwnedFields } from "./entries.ts";
import { difference, hasPath, setOfPath } from "./field_set.ts";
import { withFields } from "./owners.ts";

const scaleVersion = "autoscaling/v1";
const replicasOfScale = ["f:spec", "f:replicas"];

/** Path elements of a path with dots: `.spec.replicas`. */
function elementsOf(path: string): readonly string[] {
  return path
    .split(".")
    .slice(1)
    .map((name) => `f:${name}`);
}

function ownersOf(entries: readonly ManagedFieldsEntry[] | undefined): readonly OwnedFields[] {
  const decoded = decodeEntries(entries);
  return "owners" in decoded ? decoded.owners : [];
}

/**
 * Who owns the replicas of an object, as its Scale shows it.
 *
 * @param path where the object has its replicas, e.g. `.spec.replicas`
 * @see k8s.io/apimachinery/pkg/util/managedfields ScaleHandler
 */
export function scaleEntries(
  entries: readonly ManagedFieldsEntry[] | undefined,
  path: string,
): readonly ManagedFieldsEntry[] | undefined {
  const elements = elementsOf(path);
  const fields = setOfPath(replicasOfScale);
  const owners = ownersOf(entries).filter((owner) => hasPath(owner.fields, elements));
  return encodeEntries(owners.map((owner) => ({ ...withoutEntry(owner), apiVersion: scaleVersion, fields })));
}

/** The entries of an object once somebody wrote its Scale: `scale` are those of the Scale, `apiVersion` is the object's. */
export function entriesAfterScale(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  { path, apiVersion }: { readonly path: string; readonly apiVersion: string },
): readonly ManagedFieldsEntry[] | undefined {
  const elements = elementsOf(path);
  const replicas = setOfPath(elements);
  const scaleOwners = ownersOf(scale).filter((owner) => hasPath(owner.fields, replicasOfScale));
  const kept: OwnedFields[] = [];
  for (const owner of ownersOf(entries)) {
    const isOwner = scaleOwners.some((other) => isSameWriter(other, owner));
    const left = isOwner ? owner : withFields(owner, difference(owner.fields, replicas));
    if (left) kept.push(left);
  }
  const added = scaleOwners
    .filter((owner) => !kept.some((other) => isSameWriter(other, owner) && hasPath(other.fields, elements)))
    .map((owner) => ({ ...withoutEntry(owner), apiVersion, fields: replicas }));
  return encodeEntries([...kept, ...added]);
}

function withoutEntry({ entry: _entry, ...owner }: OwnedFields): OwnedFields {
  return owner;
}

/** Whether two entries are of one manager, in whatever version. */
function isSameWriter(a: OwnedFields, b: OwnedFields): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}
