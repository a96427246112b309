import { asJson, jsonEqual } from "../../core/api/json_object.ts";
import { parseJsonPath } from "../../core/api/json_path.ts";
import { jsonText } from "../../core/api/json_text.ts";
import type { ResourceStrategy } from "../../core/api/kind.ts";
import type { Json, JsonObject, KubeObject } from "../../core/api/meta.ts";
import { type FieldError, fieldError } from "../../core/api/status.ts";
import { validateEmbeddedResources } from "../../core/api/structural/embedded_resources.ts";
import { type JsonSchemaProps, objectAt, propertyOf } from "../../core/api/structural/json_schema_props.ts";
import { validateListTypes } from "../../core/api/structural/list_types.ts";
import { validateValue } from "../../core/api/structural/validate_value.ts";
import type { RuleSet } from "../../core/cel/mod.ts";
import type { CustomResourceDefinitionVersion } from "../../core/kinds/custom_resource_definition.ts";
import { valueAt } from "./custom_columns.ts";
import { schemaOf, withDefaults } from "./custom_schema.ts";

type CustomResource = KubeObject & { readonly status?: Json };

/** What is particular to the objects of a version of a definition when they are written. */
export function customStrategy(
  version: CustomResourceDefinitionVersion,
  rules: RuleSet | undefined,
): Partial<ResourceStrategy> {
  const schema = schemaOf(version);
  const hasStatus = version.subresources?.status !== undefined;
  const selectable = (version.selectableFields ?? []).map(({ jsonPath }) => ({
    name: jsonPath.replace(/^\./, ""),
    path: parseJsonPath(`{${jsonPath}}`, { allowMissingKeys: true }),
  }));
  return {
    applyDefaults: (object) => withDefaults(object, schema),
    prepareForCreate: (object) => {
      const { status: _status, ...rest } = object as CustomResource;
      const kept = hasStatus ? (rest as KubeObject) : object;
      return { ...kept, metadata: { ...kept.metadata, generation: 1 } };
    },
    prepareForUpdate: (next, previous) =>
      // Without a status of its own everything but metadata counts as what is wanted.
      hasStatus || sameStatus(next, previous) ? next : withNextGeneration(next, previous),
    validate: (object, _context, previous) =>
      withRuleErrors(rules, object, previous, [
        ...validateValue(json(object), schema, { old: previous && { value: json(previous) } }),
        ...scaleErrors(json(object), version, "spec and status"),
        ...validateEmbeddedResources(json(object), schema),
        ...newListErrors(object, previous, schema),
      ]),
    validateStatusUpdate: (next, previous) =>
      withRuleErrors(rules, next, previous, [
        ...statusErrors(json(next), json(previous), schema),
        ...scaleErrors(json(next), version, "status"),
        ...newListErrors(next, previous, schema),
      ]),
    warnings: (object, previous) => finalizerWarnings(object, previous),
    fields: (object) =>
      Object.fromEntries(
        selectable.map(({ name, path }) => {
          const value = valueAt(path, object);
          return [name, value === undefined || value === null ? "" : String(value)];
        }),
      ),
  };
}

/** Errors that leave rules nothing to rely on. */
const blocking: ReadonlySet<FieldError["type"]> = new Set(["Required", "TooLong", "TooMany", "TypeInvalid"]);
const rulesNotChecked = fieldError.invalid(
  "<nil>",
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

function withRuleErrors(
  rules: RuleSet | undefined,
  object: KubeObject,
  previous: KubeObject | undefined,
  errors: readonly FieldError[],
): readonly FieldError[] {
  if (!rules) return errors;
  if (errors.some(({ type }) => blocking.has(type))) return [...errors, rulesNotChecked];
  return [...errors, ...rules.validate(object, previous, "")];
}

const standardFinalizers: ReadonlySet<string> = new Set(["orphan", "foregroundDeletion", "kubernetes"]);

/** Advice about new finalizers whose names others may use as well. */
function finalizerWarnings(object: KubeObject, previous: KubeObject | undefined): readonly string[] {
  const known = previous?.metadata.finalizers ?? [];
  return (object.metadata.finalizers ?? [])
    .filter((name) => !known.includes(name) && !name.includes("/") && !standardFinalizers.has(name))
    .map((name) => {
      const form = name.includes(".") ? "finalizer name including a path (/)" : "finalizer name";
      return `metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified ${form} to avoid accidental conflicts with other finalizer writers`;
    });
}

function json(object: KubeObject): JsonObject {
  return asJson(object);
}

function sameStatus(next: KubeObject, previous: KubeObject): boolean {
  return jsonEqual((next as CustomResource).status, (previous as CustomResource).status);
}

function withNextGeneration(next: KubeObject, previous: KubeObject): KubeObject {
  const { generation = 0 } = previous.metadata;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}

/** What occurs twice in a list, unless something did before. */
function newListErrors(
  object: KubeObject,
  previous: KubeObject | undefined,
  schema: JsonSchemaProps,
): readonly FieldError[] {
  const errors = validateListTypes(json(object), schema);
  if (errors.length === 0 || !previous) return errors;
  return validateListTypes(json(previous), schema).length === 0 ? errors : [];
}

function statusErrors(next: JsonObject, previous: JsonObject, schema: JsonSchemaProps): readonly FieldError[] {
  const own = propertyOf(schema, "status");
  const value = next["status"];
  if (!own || value === undefined) return [];
  const before = previous["status"];
  return validateValue(value, own, { path: "status", old: before === undefined ? undefined : { value: before } });
}

const maxInt32 = 2 ** 31 - 1;

function scaleErrors(
  object: JsonObject,
  { subresources }: CustomResourceDefinitionVersion,
  what: "spec and status" | "status",
): readonly FieldError[] {
  const { scale } = subresources ?? {};
  if (!scale) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...(what === "status" ? [] : checkReplicas(object, specReplicasPath)),
    ...checkReplicas(object, statusReplicasPath),
    ...(labelSelectorPath ? checkSelector(object, labelSelectorPath) : []),
  ];
}

function checkReplicas(object: JsonObject, path: string): readonly FieldError[] {
  const value = memberAt(object, path);
  if (value === undefined) return [];
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isInteger(value)))
    return [fieldError.invalid(path, 0, wrongType(path, value, "int64"))];
  if (value < 0) return [fieldError.invalid(path, value, "should be a non-negative integer")];
  return value > maxInt32 ? [fieldError.invalid(path, value, `should be less than or equal to ${maxInt32}`)] : [];
}

function checkSelector(object: JsonObject, path: string): readonly FieldError[] {
  const value = memberAt(object, path);
  return value === undefined || typeof value === "string"
    ? []
    : [fieldError.invalid(path, "", wrongType(path, value, "string"))];
}

function wrongType(path: string, value: Json, wanted: string): string {
  const type =
    value === null
      ? "<nil>"
      : Array.isArray(value)
        ? "[]interface {}"
        : ({ string: "string", boolean: "bool", number: "float64", bigint: "int64" }[typeof value as "string"] ??
          "map[string]interface {}");
  const shown = typeof value === "object" ? jsonText(value) : String(value);
  return `${path} accessor error: ${shown} is of the type ${type}, expected ${wanted}`;
}

function memberAt(object: JsonObject, path: string): Json | undefined {
  const steps = path.split(".").slice(1);
  const last = steps.pop() ?? "";
  let holder: JsonObject | undefined = object;
  for (const step of steps) holder = holder && objectAt(holder, step);
  return holder && Object.hasOwn(holder, last) ? holder[last] : undefined;
}
