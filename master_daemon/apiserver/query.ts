import { checkFieldSelector, escapeValue, parseFieldSelector } from "../../core/api/fields.ts";
import type { Kind } from "../../core/api/kind.ts";
import { parseLabelSelector } from "../../core/api/labels.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { type FieldError, fieldError, StatusError } from "../../core/api/status.ts";
import type { Selection } from "../registry/registry.ts";

/** How unknown and repeated fields of a body are answered. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** Options of writes, as the query gives them. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

/** Reads a boolean as Kubernetes does: present means true, unless it says `false` or `0`. */
export function booleanParameter(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value.toLowerCase() !== "false" && value !== "0";
}

/** Reads a whole number. @throws StatusError BadRequest for anything else */
export function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  if (!/^[+-]?\d{1,15}$/.test(value))
    throw StatusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value.slice(0, 64))}: invalid syntax`);
  return Number(value);
}

/** Reads a resourceVersion. @throws StatusError BadRequest when it is none of this server's */
export function resourceVersionParameter(query: URLSearchParams): string | undefined {
  const value = query.get("resourceVersion");
  if (value === null || value === "") return undefined;
  if (!/^\d{1,15}$/.test(value))
    throw StatusError.badRequest(
      `Invalid value: ${JSON.stringify(value.slice(0, 64))}: resource version must be a non-negative integer`,
    );
  return value;
}

/**
 * Reads the options of a create, update or patch.
 *
 * @param type Kubernetes' name of the options, for messages; `ApplyOptions` are PatchOptions of an apply
 * @throws StatusError Invalid
 * @see k8s.io/apimachinery/pkg/apis/meta/v1/validation ValidatePatchOptions
 */
export function writeOptions(
  query: URLSearchParams,
  type: "CreateOptions" | "UpdateOptions" | "PatchOptions" | "ApplyOptions",
): WriteOptions {
  const errors: FieldError[] = [];
  const manager = query.get("fieldManager") ?? "";
  if (type === "PatchOptions" && query.has("force"))
    errors.push(fieldError.forbidden("force", "may not be specified for non-apply patch"));
  if (type === "ApplyOptions" && manager === "")
    errors.push(fieldError.required("fieldManager", "is required for apply patch"));
  // A character is at most three bytes for each unit of UTF-16.
  if (manager.length > 42 && new TextEncoder().encode(manager).length > 128)
    errors.push(fieldError.tooLong("fieldManager", 128));
  if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(manager))
    errors.push(fieldError.invalid("fieldManager", manager, "should only contain printable characters"));
  errors.push(...dryRunErrors(query.getAll("dryRun")));
  const validation = query.get("fieldValidation") ?? "";
  if (!["", "Strict", "Warn", "Ignore"].includes(validation))
    errors.push(fieldError.notSupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]));
  const kind = type === "ApplyOptions" ? "PatchOptions" : type;
  if (errors.length > 0) throw StatusError.invalid({ group: "meta.k8s.io", kind }, "", errors);
  return {
    dryRun: query.getAll("dryRun").includes("All"),
    fieldValidation: (validation || "Warn") as FieldValidation,
  };
}

/** What is wrong with a `dryRun` option. */
export function dryRunErrors(values: readonly string[]): readonly FieldError[] {
  return values.some((value) => value !== "All") ? [fieldError.notSupported("dryRun", values, ["All"])] : [];
}

/**
 * Reads the selectors of a list, watch or deletecollection.
 *
 * @param name the only object that is meant, if the path names one
 * @throws StatusError BadRequest for a selector that cannot be read, or a field that the kind does not offer
 */
export function selection(
  kind: Kind,
  namespace: string | undefined,
  query: URLSearchParams,
  name?: string | undefined,
): Selection {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fieldText = query.get("fieldSelector") ?? "";
  const named = name === undefined ? [] : [`metadata.name=${escapeValue(name)}`];
  const fields = parseFieldSelector([...named, ...(fieldText ? [fieldText] : [])].join(","));
  if (!fields.empty) checkFieldSelector(fields, fieldNames(kind), kind.custom !== undefined);
  if (labels.empty && fields.empty) return { namespace };
  const exact = fields.terms.find(({ operator }) => operator === "=");
  // Objects of other kinds may be stored in a version whose fields are others.
  const only = kind.custom ? undefined : exact;
  return {
    namespace,
    matches: ({ object }) =>
      (labels.empty || labels.matches(object.metadata.labels)) &&
      (fields.empty || fields.matches(fieldsOf(kind, object))),
    ...(only ? { only: { ...only, read: ({ object }) => own(fieldsOf(kind, object), only.field) } } : {}),
  };
}

function own(fields: Readonly<Record<string, string>>, name: string): string {
  return (Object.hasOwn(fields, name) ? fields[name] : undefined) ?? "";
}

/** Made once for each state of an object: every node's watch looks at every pod. */
const knownFields = new WeakMap<KubeObject, Readonly<Record<string, string>>>();

function fieldsOf(kind: Kind, object: KubeObject): Readonly<Record<string, string>> {
  let values = knownFields.get(object);
  if (!values) {
    const { name = "", namespace = "" } = object.metadata;
    // Spread last: what is added after a spread would give each of these a hidden class of its own.
    values = { "metadata.name": name, "metadata.namespace": namespace, ...kind.strategy.fields(object) };
    knownFields.set(object, values);
  }
  return values;
}

/** The fields that selectors may name: those that an object of the kind shows. */
function fieldNames(kind: Kind): readonly string[] {
  const empty = { apiVersion: "", kind: kind.kind, metadata: {}, spec: {}, status: {} };
  return Object.keys(kind.strategy.fields(empty));
}
