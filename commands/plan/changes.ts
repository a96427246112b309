import { lastAppliedAnnotation } from "../../core/api/apply/apply_configuration.ts";
import { asJson, isJsonObject, jsonEqual } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import type { Json, JsonObject, KubeObject } from "../../core/api/meta.ts";

/** What an apply would do to one object. */
export interface PlannedChange {
  readonly kind: "create" | "change" | "none";
  /** What changes, e.g. `spec.replicas: 1 -> 2`. */
  readonly fields: readonly string[];
  /** Pods that are replaced by it. */
  readonly restarts: number;
}

const maxValueLength = 80;

/** The difference between an object as it is, and as it would be. Pure. */
export function planChange(before: KubeObject | undefined, after: KubeObject): PlannedChange {
  if (!before) return { kind: "create", fields: [], restarts: 0 };
  const [from, to] = [essence(before), essence(after)];
  const fields = differences(from, to, "");
  if (fields.length === 0) return { kind: "none", fields, restarts: 0 };
  const replaced = !jsonEqual(templateOf(from), templateOf(to));
  return { kind: "change", fields, restarts: replaced ? podsOf(before) : 0 };
}

/** The object without what servers keep of their own accord. */
function essence(object: KubeObject): JsonObject {
  const { status: _status, metadata: _metadata, ...rest } = asJson(object);
  const { labels = {}, annotations = {} } = object.metadata;
  const { [lastAppliedAnnotation]: _, ...own } = annotations;
  return { ...rest, metadata: { labels, annotations: own } };
}

function templateOf({ spec }: JsonObject): Json | undefined {
  return isJsonObject(spec) ? spec["template"] : undefined;
}

/** How many pods a workload has that a change of its template replaces. */
function podsOf({ apiVersion, kind, ...object }: KubeObject): number {
  if (!apiVersion.startsWith("apps/")) return 0;
  const { spec, status } = asJson(object);
  const number = (value: Json | undefined, name: string) => {
    const found = isJsonObject(value) ? value[name] : undefined;
    return typeof found === "number" ? found : undefined;
  };
  if (kind === "DaemonSet") return number(status, "desiredNumberScheduled") ?? 0;
  return kind === "Deployment" || kind === "StatefulSet" ? (number(spec, "replicas") ?? 1) : 0;
}

function differences(from: Json | undefined, to: Json | undefined, path: string): readonly string[] {
  if (jsonEqual(from, to)) return [];
  if (isJsonObject(from) && isJsonObject(to)) {
    const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return names.flatMap((name) => differences(ownOf(from, name), ownOf(to, name), path ? `${path}.${name}` : name));
  }
  if (Array.isArray(from) && Array.isArray(to)) {
    const [old, next] = [keyed(from), keyed(to)];
    if (old && next)
      return [...new Set([...old.keys(), ...next.keys()])].flatMap((key) =>
        differences(old.get(key), next.get(key), `${path}[${key}]`),
      );
  }
  return [`${path}: ${shown(from)} -> ${shown(to)}`];
}

function ownOf(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The items of a list by their names; undefined when they have none. */
function keyed(list: readonly Json[]): ReadonlyMap<string, Json> | undefined {
  const byName = new Map<string, Json>();
  for (const item of list) {
    const name = isJsonObject(item) ? item["name"] : undefined;
    if (typeof name !== "string" || byName.has(name)) return undefined;
    byName.set(name, item);
  }
  return byName;
}

function shown(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "string" ? value : jsonText(value);
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text;
}
