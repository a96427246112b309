import { checkDepth, isJsonObject } from "../json_object.ts";
import { jsonText } from "../json_text.ts";
import type { Json, JsonObject } from "../meta.ts";
import { type ListType, type MapType, type MergeType, shapeOf } from "./merge_type.ts";
import { elementText, itemElement, pathText } from "./path_element.ts";

/** Clients are told this many mistakes and no more. */
const maxErrors = 100;
/** Most characters of one mistake: it shows a value, which may be as large as a body. */
const maxErrorLength = 1024;

/**
 * What is wrong with an object that somebody applies, in Kubernetes' words; undefined when it fits its type.
 *
 * @see sigs.k8s.io/structured-merge-diff typed/validate.go
 */
export function checkApplied(object: JsonObject, type: MergeType): string | undefined {
  const errors: string[] = [];
  check(object, type, [], errors);
  if (errors.length === 0) return undefined;
  return errors.length === 1 ? errors[0] : ["errors:", ...errors.map((error) => `  ${error}`)].join("\n");
}

type Path = readonly string[];

function report(errors: string[], path: Path, message: string): void {
  if (errors.length >= maxErrors) return;
  const text = path.length === 0 ? message : `${pathText(path)}: ${message}`;
  errors.push(text.length > maxErrorLength ? `${text.slice(0, maxErrorLength)}...` : text);
}

function check(value: Json, type: MergeType, path: Path, errors: string[]): void {
  checkDepth(path.length);
  if (value === null) return;
  const shape = shapeOf(type, value);
  if (shape === "map" && type.map) checkMap(value, type.map, path, errors);
  else if (shape === "list" && type.list) checkList(value, type.list, path, errors);
  else checkScalar(value, type.scalar, path, errors);
}

function checkMap(value: Json, map: MapType, path: Path, errors: string[]): void {
  if (!isJsonObject(value)) {
    report(errors, path, `expected map, got ${goPointer(value)}`);
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const type = map.field(name) ?? map.values();
    const at = [...path, `f:${name}`];
    if (type) check(member, type, at, errors);
    else report(errors, at, "field not declared in schema");
  }
}

function checkList(value: Json, list: ListType, path: Path, errors: string[]): void {
  if (!Array.isArray(value)) {
    report(errors, path, `expected list, got ${goPointer(value)}`);
    return;
  }
  const seen = new Set<string>();
  for (const [index, item] of (value as readonly Json[]).entries()) {
    let element = `i:${index}`;
    if (list.owned !== "atomic") {
      const key = itemElement(list, item);
      if (typeof key !== "string") {
        report(errors, path, `element ${index}: ${key.error}`);
        return;
      }
      element = key;
      if (seen.has(element)) report(errors, path, `duplicate entries for key ${elementText(element)}`);
      seen.add(element);
    }
    check(item, list.items(), [...path, element], errors);
  }
}

function checkScalar(value: Json, scalar: MergeType["scalar"], path: Path, errors: string[]): void {
  if (scalar === "numeric" && typeof value !== "number" && typeof value !== "bigint")
    report(errors, path, `expected numeric (int or float), got ${goType(value)}`);
  else if (scalar === "string" && typeof value !== "string")
    report(errors, path, `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
  else if (scalar === "boolean" && typeof value !== "boolean")
    report(errors, path, `expected boolean, got ${goPointer(value)}`);
  else if (typeof value === "object") report(errors, path, `expected any scalar, got ${goPointer(value)}`);
}

/** A value's type as Go prints it. */
function goType(value: Json): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (typeof value === "bigint") return "int64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

/** A value behind a pointer as Go prints it. */
function goPointer(value: Json): string {
  return `&{${goText(value)}}`;
}

function goText(value: Json): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map((item: Json) => goText(item)).join(" ")}]`;
  if (!isJsonObject(value)) return String(value);
  return `map[${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${name}:${goText(member)}`)
    .join(" ")}]`;
}

/** A value in Go's syntax. */
function goSyntax(value: Json): string {
  if (value === null) return "interface {}(nil)";
  if (Array.isArray(value)) return `[]interface {}{${value.map((item: Json) => goSyntax(item)).join(", ")}}`;
  if (!isJsonObject(value)) return jsonText(value);
  return `map[string]interface {}{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${goSyntax(member)}`)
    .join(", ")}}`;
}
