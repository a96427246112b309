import { sortedElements } from "./path_element.ts";

/**
 * A set of fields, in the form that `fieldsV1` has on the wire: a tree of path elements. A node without members, or with
 * the member `.`, is a field of the set; the root is none. Read-only, and shared: what did not change stays the same object.
 */
export type FieldSet = { readonly [element: string]: FieldSet };

/** A set that is being built. */
export type FieldSetBuilder = { [element: string]: FieldSet };

/** Says that the node which has it is itself a field of the set. */
export const selfElement = ".";
/** The set without fields; as a node, a field without fields below. */
export const emptySet: FieldSet = {};

/** Whether a set has no fields. */
export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether a node is itself a field of the set. */
export function isMember(node: FieldSet): boolean {
  return Object.hasOwn(node, selfElement) || isEmptySet(node);
}

/** Whether the field at `path` is in the set. */
export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node = set;
  for (const element of path) {
    const next = Object.hasOwn(node, element) ? node[element] : undefined;
    if (!next) return false;
    node = next;
  }
  return path.length > 0 && isMember(node);
}

/** The set of one path. */
export function setOfPath(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((node, element) => ({ [element]: node }), emptySet);
}

/** The node of `element` below `set`, as a set. */
export function below(set: FieldSet, element: string): FieldSet | undefined {
  return Object.hasOwn(set, element) ? set[element] : undefined;
}

/** Adds a node under `element` to a set that is being built: nothing when it is neither a field nor has any below. */
export function put(
  set: FieldSetBuilder,
  element: string,
  { member, fields }: { member: boolean; fields: FieldSet },
): void {
  if (isEmptySet(fields)) {
    if (member) set[element] = emptySet;
  } else set[element] = member ? { [selfElement]: emptySet, ...fields } : fields;
}

/** The fields of a node without itself. */
function fieldsBelow(node: FieldSet): FieldSet {
  if (!Object.hasOwn(node, selfElement)) return node;
  const fields: FieldSetBuilder = {};
  for (const element in node) if (element !== selfElement) fields[element] = node[element] ?? emptySet;
  return fields;
}

/** The fields of either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  let result: FieldSetBuilder | undefined;
  for (const element in b) {
    if (element === selfElement) continue;
    const node = b[element] ?? emptySet;
    const own = below(a, element);
    const merged = own === undefined ? node : unionNode(own, node);
    if (merged === own) continue;
    result ??= { ...a };
    result[element] = merged;
  }
  return result ?? a;
}

function unionNode(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const fields = union(fieldsBelow(a), fieldsBelow(b));
  const member = isMember(a) || isMember(b);
  if (member === isMember(a) && sameFields(fields, a)) return a;
  return nodeOf(member, fields);
}

/** The fields of `a` that are not in `b`. Below a field that is in `b`, fields of `a` stay. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  const result: FieldSetBuilder = {};
  let changed = false;
  for (const element in a) {
    const own = a[element] ?? emptySet;
    const taken = element === selfElement ? undefined : below(b, element);
    const kept = taken === undefined ? own : withoutNode(own, taken);
    changed ||= kept !== own;
    if (kept) result[element] = kept;
  }
  return changed ? result : a;
}

/** Undefined when nothing is left. */
function withoutNode(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const fields = difference(fieldsBelow(a), fieldsBelow(b));
  const member = isMember(a) && !isMember(b);
  if (!member && isEmptySet(fields)) return undefined;
  if (member === isMember(a) && sameFields(fields, a)) return a;
  return nodeOf(member, fields);
}

/** The fields that are in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const result: FieldSetBuilder = {};
  for (const element in a) {
    if (element === selfElement) continue;
    const other = below(b, element);
    if (other === undefined) continue;
    const own = a[element] ?? emptySet;
    const fields = intersection(fieldsBelow(own), fieldsBelow(other));
    put(result, element, { member: isMember(own) && isMember(other), fields });
  }
  return result;
}

function nodeOf(member: boolean, fields: FieldSet): FieldSet {
  return member && !isEmptySet(fields) ? { [selfElement]: emptySet, ...fields } : fields;
}

/** Whether `fields` is what stands below `node`, nodes compared by identity. */
function sameFields(fields: FieldSet, node: FieldSet): boolean {
  let count = Object.hasOwn(node, selfElement) ? 1 : 0;
  for (const element in fields) {
    if (fields[element] !== node[element]) return false;
    count++;
  }
  return count === Object.keys(node).length;
}

/** Whether two sets have the same fields, in whatever order they are written. */
export function sameSet(a: FieldSet, b: FieldSet): boolean {
  return a === b || (sameNode(a, b) && isEmptySet(a) === isEmptySet(b));
}

function sameNode(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (isMember(a) !== isMember(b)) return false;
  const elements = Object.keys(a).filter((element) => element !== selfElement);
  if (elements.length !== Object.keys(b).filter((element) => element !== selfElement).length) return false;
  return elements.every((element) => {
    const other = below(b, element);
    return other !== undefined && sameNode(a[element] ?? emptySet, other);
  });
}

/** Every path of the set, in canonical order, each as its elements. */
export function pathsOf(set: FieldSet): readonly (readonly string[])[] {
  const paths: (readonly string[])[] = [];
  collectPaths(canonical(set), [], paths);
  return paths;
}

function collectPaths(node: FieldSet, at: readonly string[], paths: (readonly string[])[]): void {
  // First what is here, then what is below: as Kubernetes tells conflicts.
  for (const element in node)
    if (element !== selfElement && isMember(node[element] ?? emptySet)) paths.push([...at, element]);
  for (const element in node)
    if (element !== selfElement) collectPaths(node[element] ?? emptySet, [...at, element], paths);
}

/** The same set with its elements in canonical order. */
export function canonical(set: FieldSet): FieldSet {
  const present = Object.keys(set);
  const elements = sortedElements(present);
  let changed = elements !== present;
  const nodes: FieldSetBuilder = {};
  for (const element of elements) {
    const node = set[element] ?? emptySet;
    const next = isEmptySet(node) ? node : canonical(node);
    changed ||= next !== node;
    nodes[element] = next;
  }
  return changed ? nodes : set;
}
