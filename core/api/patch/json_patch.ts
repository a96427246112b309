import { checkDepth, isJsonObject, jsonEqual, maxJsonDepth, setOwn } from "../json_object.ts";
import type { Json, JsonObject } from "../meta.ts";
import { StatusError } from "../status.ts";

/** Most operations in one patch. @see k8s.io/apiserver/pkg/endpoints/handlers maxJSONPatchOperations */
const maxOperations = 10_000;
/** Most characters that all `copy` operations of one patch may add together. */
const maxCopiedSize = 3 * 1024 * 1024;

type Container = MutableObject | Json[];
interface MutableObject {
  [key: string]: Json;
}

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[];
  readonly value: Json | undefined;
}

const failedTests = new WeakSet<object>();

/** Whether a patch was not applied because a `test` of it found something else. */
export function isFailedTest(error: unknown): boolean {
  return typeof error === "object" && error !== null && failedTests.has(error);
}

/**
 * Applies a JSON patch. The document is copied first and never changed: either every operation applies or none does.
 *
 * @throws StatusError `BadRequest` for something that is no JSON patch, `RequestEntityTooLarge` above 10000 operations,
 * `Invalid` when an operation does not apply
 * @see https://www.rfc-editor.org/rfc/rfc6902
 */
export function applyJsonPatch(document: JsonObject, patch: Json): JsonObject {
  const operations = readOperations(patch);
  const budget = { left: maxCopiedSize };
  let root: Json = clone(document);
  for (const operation of operations) root = applyOperation(root, operation, budget);
  if (!isJsonObject(root)) throw doesNotApply();
  // Each step is bounded by itself; together they may still have built something too deep to be walked later.
  measure(root);
  return root;
}

function readOperations(patch: Json): readonly Operation[] {
  if (!Array.isArray(patch)) throw StatusError.badRequest("a JSON patch must be a list of operations");
  if (patch.length > maxOperations)
    throw new StatusError(
      413,
      "RequestEntityTooLarge",
      `Request entity too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  return patch.map((item: Json) => {
    if (!isJsonObject(item)) throw StatusError.badRequest("an operation of a JSON patch must be an object");
    const op = member(item, "op");
    if (typeof op !== "string") throw StatusError.badRequest("an operation of a JSON patch must have an op");
    const value = member(item, "value");
    const needsFrom = op === "move" || op === "copy";
    const needsValue = op === "add" || op === "replace" || op === "test";
    if (needsValue && value === undefined)
      throw StatusError.badRequest(`the ${op} operation of a JSON patch must have a value`);
    if (!needsValue && !needsFrom && op !== "remove")
      throw StatusError.badRequest(`a JSON patch has no operation ${JSON.stringify(op.slice(0, 64))}`);
    return { op, path: readPointer(item, "path"), from: needsFrom ? readPointer(item, "from") : [], value };
  });
}

function member(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A JSON pointer as its segments. @see https://www.rfc-editor.org/rfc/rfc6901 */
function readPointer(operation: JsonObject, name: "path" | "from"): readonly string[] {
  const text = member(operation, name);
  if (typeof text !== "string") throw StatusError.badRequest(`an operation of a JSON patch must have a ${name}`);
  if (text === "") return [];
  if (!text.startsWith("/")) throw StatusError.badRequest(`the ${name} of a JSON patch must begin with a slash`);
  const segments = text.split("/", maxJsonDepth + 2).slice(1);
  checkDepth(segments.length);
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function applyOperation(root: Json, { op, path, from, value }: Operation, budget: { left: number }): Json {
  switch (op) {
    case "add":
      return insert(root, path, clone(value ?? null));
    case "remove":
      remove(root, path);
      return root;
    case "replace":
      if (path.length === 0) return clone(value ?? null);
      replace(root, path, clone(value ?? null));
      return root;
    case "test":
      if (!jsonEqual(find(root, path), value)) throw failedTest();
      return root;
    case "copy": {
      const source = find(root, from);
      budget.left -= measure(source);
      if (budget.left < 0)
        throw new StatusError(
          413,
          "RequestEntityTooLarge",
          `Request entity too large: the copy operations of a JSON patch may add at most ${maxCopiedSize} bytes`,
        );
      return insert(root, path, clone(source));
    }
    default: {
      if (isPrefix(from, path)) {
        find(root, from);
        if (from.length === path.length) return root;
        // A value cannot move into itself.
        throw doesNotApply();
      }
      return insert(root, path, remove(root, from));
    }
  }
}

function isPrefix(start: readonly string[], path: readonly string[]): boolean {
  return start.length <= path.length && start.every((segment, index) => segment === path[index]);
}

function find(root: Json, path: readonly string[]): Json {
  let value = root;
  for (const segment of path) value = child(value, segment);
  return value;
}

function child(value: Json, segment: string): Json {
  if (Array.isArray(value)) {
    const list: readonly Json[] = value;
    return list[elementIndex(segment, list.length - 1)] as Json;
  }
  if (!isJsonObject(value) || !Object.hasOwn(value, segment)) throw doesNotApply();
  return value[segment] as Json;
}

/** The object or list that holds what `path` names, and the last segment. */
function parentOf(root: Json, path: readonly string[]): { parent: Container; last: string } {
  const last = path.at(-1);
  if (last === undefined) throw doesNotApply();
  const parent = find(root, path.slice(0, -1));
  if (typeof parent !== "object" || parent === null) throw doesNotApply();
  // Everything below the root was cloned: ours to change.
  return { parent: parent as Container, last };
}

function insert(root: Json, path: readonly string[], value: Json): Json {
  if (path.length === 0) return value;
  const { parent, last } = parentOf(root, path);
  if (Array.isArray(parent)) parent.splice(last === "-" ? parent.length : elementIndex(last, parent.length), 0, value);
  else setOwn(parent, last, value);
  return root;
}

function replace(root: Json, path: readonly string[], value: Json): void {
  const { parent, last } = parentOf(root, path);
  if (Array.isArray(parent)) parent[elementIndex(last, parent.length - 1)] = value;
  else {
    if (!Object.hasOwn(parent, last)) throw doesNotApply();
    setOwn(parent, last, value);
  }
}

function remove(root: Json, path: readonly string[]): Json {
  const { parent, last } = parentOf(root, path);
  if (Array.isArray(parent)) return parent.splice(elementIndex(last, parent.length - 1), 1)[0] as Json;
  if (!Object.hasOwn(parent, last)) throw doesNotApply();
  const value = parent[last] as Json;
  delete parent[last];
  return value;
}

function elementIndex(segment: string, max: number): number {
  const index = /^(0|[1-9][0-9]{0,9})$/.test(segment) ? Number(segment) : Number.NaN;
  if (!(index <= max)) throw doesNotApply();
  return index;
}

function clone(value: Json, depth = 0): Json {
  if (typeof value !== "object" || value === null) return value;
  checkDepth(depth);
  if (Array.isArray(value)) return value.map((item: Json) => clone(item, depth + 1));
  const copy: MutableObject = {};
  for (const [key, member] of Object.entries(value)) setOwn(copy, key, clone(member, depth + 1));
  return copy;
}

/** About how many characters `value` takes as text. */
function measure(value: Json, depth = 0): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return 5;
  checkDepth(depth);
  let size = 2;
  if (Array.isArray(value)) for (const item of value as readonly Json[]) size += measure(item, depth + 1) + 1;
  else for (const [key, member] of Object.entries(value)) size += key.length + 4 + measure(member, depth + 1);
  return size;
}

function doesNotApply(): StatusError {
  return new StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

function failedTest(): StatusError {
  const error = doesNotApply();
  failedTests.add(error);
  return error;
}
