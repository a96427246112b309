import { isJsonObject, jsonEqual } from "../json_object.ts";
import type { ManagedFieldsEntry } from "../meta.ts";
import { canonical, emptySet, type FieldSet, type FieldSetBuilder, selfElement } from "./field_set.ts";
import { itemElementOf } from "./path_element.ts";

/** One manager's fields: an entry of `metadata.managedFields` that was read. */
export interface OwnedFields {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
  /** The entry that it was read from, as long as nothing changed. */
  readonly entry?: ManagedFieldsEntry;
}

/** Entries of the server's own making, read once: their sets are canonical. */
const known = new WeakMap<readonly ManagedFieldsEntry[], readonly OwnedFields[]>();

/**
 * Reads `metadata.managedFields`.
 *
 * @returns `error` in Kubernetes' words when the entries are not valid
 * @see k8s.io/apimachinery/pkg/util/managedfields DecodeManagedFields
 */
export function decodeEntries(
  entries: readonly ManagedFieldsEntry[] | undefined,
): { readonly owners: readonly OwnedFields[] } | { readonly error: string } {
  if (!entries || entries.length === 0) return { owners: [] };
  const read = known.get(entries);
  if (read) return { owners: read };
  const byManager = new Map<string, OwnedFields>();
  for (const [index, entry] of entries.entries()) {
    const error = entryError(entry, index);
    if (error !== undefined) return { error };
    const fields = decodeSet(entry.fieldsV1 ?? {});
    if ("error" in fields) return { error: `error decoding set: ${fields.error}` };
    const owner = ownedFieldsOf(entry, fields.set);
    // Of several entries of one manager the last one counts.
    byManager.set(managerText(owner), owner);
  }
  const owners = [...byManager.values()];
  known.set(entries, owners);
  return { owners };
}

function entryError(entry: ManagedFieldsEntry, index: number): string | undefined {
  if (entry.operation !== "Apply" && entry.operation !== "Update") return "operation must be `Apply` or `Update`";
  if (!entry.apiVersion) return "apiVersion must not be empty";
  if (!entry.fieldsType) return `missing fieldsType in managed fields entry ${index}`;
  if (entry.fieldsType !== "FieldsV1")
    return `invalid fieldsType ${JSON.stringify(entry.fieldsType)} in managed fields entry ${index}`;
  return undefined;
}

function ownedFieldsOf(entry: ManagedFieldsEntry, fields: FieldSet): OwnedFields {
  const { manager = "", operation, apiVersion = "", subresource = "", time } = entry;
  const sound = fields === entry.fieldsV1 ? { entry } : {};
  return {
    manager,
    operation: operation === "Apply" ? "Apply" : "Update",
    apiVersion,
    subresource,
    time,
    fields,
    ...sound,
  };
}

/** A manager as text that tells it from others. */
export function managerText({ manager, operation, apiVersion, subresource }: OwnedFields): string {
  return JSON.stringify({
    manager,
    operation,
    ...(operation === "Apply" ? {} : { apiVersion }),
    ...(subresource ? { subresource } : {}),
  });
}

/** Whether two entries are of one manager. What somebody applies is one entry in whatever version. */
export function isSameManager(
  a: Pick<OwnedFields, "manager" | "operation" | "apiVersion" | "subresource">,
  b: Pick<OwnedFields, "manager" | "operation" | "apiVersion" | "subresource">,
): boolean {
  if (a.manager !== b.manager || a.operation !== b.operation || a.subresource !== b.subresource) return false;
  return a.operation === "Apply" || a.apiVersion === b.apiVersion;
}

/** `metadata.managedFields` of what managers own, sorted; undefined when nobody owns anything. */
export function encodeEntries(owners: readonly OwnedFields[]): readonly ManagedFieldsEntry[] | undefined {
  if (owners.length === 0) return undefined;
  const read = owners.map(written).sort(compareOwners);
  const entries = read.map(({ entry }) => entry);
  known.set(entries, read);
  return entries;
}

function written(owner: OwnedFields): OwnedFields & { readonly entry: ManagedFieldsEntry } {
  const { manager, operation, apiVersion, subresource, time, entry } = owner;
  if (entry) return owner as OwnedFields & { readonly entry: ManagedFieldsEntry };
  const fields = canonical(owner.fields);
  const next: { -readonly [K in keyof ManagedFieldsEntry]: ManagedFieldsEntry[K] } = {};
  if (manager) next.manager = manager;
  next.operation = operation;
  next.apiVersion = apiVersion;
  if (time !== undefined) next.time = time;
  next.fieldsType = "FieldsV1";
  next.fieldsV1 = fields;
  if (subresource) next.subresource = subresource;
  return { manager, operation, apiVersion, subresource, time, fields, entry: next };
}

function compareOwners(a: OwnedFields, b: OwnedFields): number {
  return (
    compareText(a.operation, b.operation) ||
    (a.time === b.time ? 0 : seconds(a.time) - seconds(b.time)) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Whole seconds since the epoch; 0 without a time. */
export function seconds(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor((Date.parse(time) || 0) / 1000);
}

/** Whether a client asks that nobody own anything: an empty list, or one empty entry. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!entries) return false;
  const [first] = entries;
  return !first || (entries.length === 1 && Object.keys(first).length === 0);
}

/** Whether two lists of entries are the same but for the times in them. */
export function sameButTimes(
  a: readonly ManagedFieldsEntry[] | undefined,
  b: readonly ManagedFieldsEntry[] | undefined,
): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  return a.every((entry, index) => {
    const other = b[index];
    if (entry === other) return true;
    if (!other || entry.manager !== other.manager || entry.operation !== other.operation) return false;
    if (entry.apiVersion !== other.apiVersion || entry.subresource !== other.subresource) return false;
    return entry.fieldsType === other.fieldsType && jsonEqual(entry.fieldsV1, other.fieldsV1);
  });
}

/** A set as somebody wrote it: elements are checked and written as the server writes them; unknown kinds of them are dropped. */
function decodeSet(raw: unknown): { readonly set: FieldSet } | { readonly error: string } {
  if (!isJsonObject(raw)) return { error: "fieldsV1 must be an object" };
  const set: FieldSetBuilder = {};
  let same = true;
  for (const [element, below] of Object.entries(raw)) {
    if (element === selfElement) {
      set[selfElement] = emptySet;
      continue;
    }
    const written = itemElementOf(element);
    if (written === undefined) {
      same = false;
      continue;
    }
    if ("error" in written) return written;
    const node = decodeSet(below);
    if ("error" in node) return node;
    same &&= written.element === element && node.set === below;
    set[written.element] = node.set;
  }
  const result = same ? (raw as FieldSet) : set;
  return { set: canonical(result) };
}
