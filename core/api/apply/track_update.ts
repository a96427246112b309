import { asJson, jsonEqual } from "../json_object.ts";
import type { JsonObject, ManagedFieldsEntry, ObjectMeta } from "../meta.ts";
import { decodeEntries, encodeEntries, isReset, isSameManager, type OwnedFields } from "./entries.ts";
import { difference, type FieldSet, isEmptySet, union } from "./field_set.ts";
import { capOwners, type FieldWrite, reconcileOwners, takeFields } from "./owners.ts";

/**
 * The `metadata.managedFields` of an object that is created or changed by anything but apply: whoever writes owns what
 * changed.
 *
 * @param live undefined: the object is new
 * @see k8s.io/apimachinery/pkg/util/managedfields FieldManager.Update
 */
export async function trackUpdate(
  live: JsonObject | undefined,
  next: JsonObject,
  write: FieldWrite,
): Promise<readonly ManagedFieldsEntry[] | undefined> {
  const previous = managedFieldsOf(live);
  const owners = ownersBefore(previous, managedFieldsOf(next), write.subresource !== "");
  // Objects without managers are from before there were any: their fields stay nobody's until somebody applies.
  if (owners.length === 0 && live !== undefined) return undefined;
  const after = await ownersAfterUpdate(live ?? {}, next, owners, write);
  if (previous && isSameList(after, owners) && ownersOf(previous) === owners) return previous;
  return encodeEntries(after);
}

/** Who owns what once `write.manager` has changed `live` into `next`. */
export async function ownersAfterUpdate(
  live: JsonObject,
  next: JsonObject,
  owners: readonly OwnedFields[],
  write: FieldWrite,
): Promise<readonly OwnedFields[]> {
  const reconciled = await reconcileOwners(owners, live, write);
  const self: Omit<OwnedFields, "fields"> = {
    manager: write.manager,
    operation: "Update",
    apiVersion: write.apiVersion,
    subresource: write.subresource,
    time: write.now,
  };
  const updater = reconciled.find((owner) => isSameManager(owner, self));
  const { comparison, others } = await takeFields(live, next, reconciled, write, { updater });
  const taken = difference(comparison.changed, comparison.removed);
  if (isEmptySet(taken)) return isSameList(others, owners) ? owners : capOwners(others);
  const own = updater && others.find((owner) => isSameManager(owner, self));
  const entry = own ? renewed(own, union(own.fields, taken), write.now) : { ...self, fields: taken };
  return capOwners([...others.filter((owner) => owner !== own), entry]);
}

/** A manager's entry after another of its writes. */
function renewed(own: OwnedFields, fields: FieldSet, time: string): OwnedFields {
  const { manager, operation, apiVersion, subresource, entry } = own;
  const next: OwnedFields = { manager, operation, apiVersion, subresource, time, fields };
  // Most writes change values of fields that are owned already: all that is new is the time.
  return entry && fields === own.fields ? { ...next, entry: { ...entry, time } } : next;
}

/** `metadata.managedFields` of an object. */
export function managedFieldsOf(object: JsonObject | undefined): readonly ManagedFieldsEntry[] | undefined {
  return (object?.["metadata"] as ObjectMeta | undefined)?.managedFields ?? undefined;
}

/**
 * Who owned what before an update. Clients may say so themselves in what they send; if they say nothing, or nothing valid,
 * it is as it was.
 */
function ownersBefore(
  live: readonly ManagedFieldsEntry[] | undefined,
  sent: readonly ManagedFieldsEntry[] | undefined,
  ignoresSent: boolean,
): readonly OwnedFields[] {
  if (ignoresSent || sent === live || sent === undefined) return ownersOf(live);
  if (isReset(sent)) return [];
  if (live && jsonEqual(asJson(sent), asJson(live))) return ownersOf(live);
  const decoded = decodeEntries(sent);
  return "owners" in decoded && decoded.owners.length > 0 ? decoded.owners : ownersOf(live);
}

function ownersOf(entries: readonly ManagedFieldsEntry[] | undefined): readonly OwnedFields[] {
  const decoded = decodeEntries(entries);
  return "owners" in decoded ? decoded.owners : [];
}

function isSameList(a: readonly OwnedFields[], b: readonly OwnedFields[]): boolean {
  return a.length === b.length && a.every((owner, index) => owner === b[index]);
}
