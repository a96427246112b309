import { dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { checkStructural, unsupportedError } from "../api/structural/check_structural.ts";
import { type JsonSchemaProps, schemaHas } from "../api/structural/json_schema_props.ts";
import type { StructuralSchema } from "../cel/schema_type.ts";
import { checkApproval } from "./custom_resource_approval.ts";
import { checkConversion, hasUnknownReviewVersions, isPem } from "./custom_resource_conversion_validation.ts";
import {
  type CustomResourceDefinition,
  type CustomResourceDefinitionSpec,
  type CustomResourceDefinitionVersion,
  conversionOf,
  isTrue,
} from "./custom_resource_definition.ts";
import {
  checkColumn,
  checkNames,
  checkSelectableFields,
  checkSubresources,
} from "./custom_resource_names_validation.ts";
import { checkDefaults, visitDefaults } from "./json_schema_defaults.ts";
import { allRules, isStructural, keptRules, type SchemaRules } from "./json_schema_ratcheting.ts";
import { checkSchema } from "./json_schema_validation.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkImmutable, checkRequired, checkRequiredOneOf, dns1035LabelError } from "./validators.ts";

/**
 * What is wrong with a definition. What was wrong before, in ways that Kubernetes once allowed, may stay.
 *
 * @see k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation
 */
export async function validateDefinition(
  next: CustomResourceDefinition,
  previous: CustomResourceDefinition | undefined,
): Promise<readonly FieldError[]> {
  const errors = checkDefinition(next, previous);
  return errors.length > 0 ? errors : await checkExpressions(next.spec.versions);
}

/** The rules of the schemas: only when nothing else is wrong, for they rely on it. */
async function checkExpressions(versions: readonly CustomResourceDefinitionVersion[]): Promise<readonly FieldError[]> {
  const isCommon = commonTo(versions).has("schema");
  const errors: FieldError[] = [];
  for (const [index, version] of (isCommon ? versions.slice(0, 1) : versions).entries()) {
    const schema = schemaOf(version);
    if (!schema || !schemaHas(schema, hasRules) || !isStructural(schema)) continue;
    const { schemaPath } = isCommon ? topPaths : paths(`spec.versions[${index}]`);
    const { checkRules, compileRules } = await import("../cel/mod.ts");
    const found = checkRules(schema as StructuralSchema, schemaPath);
    errors.push(...found);
    if (found.length > 0) continue;
    errors.push(
      ...visitDefaults(schema, schemaPath, (own, value, path) =>
        schemaHas(own, hasRules)
          ? (compileRules(own as StructuralSchema, { root: own === schema })?.validate(value, undefined, path) ?? [])
          : [],
      ),
    );
  }
  return errors;
}

function hasRules(schema: JsonSchemaProps): boolean {
  return (schema["x-kubernetes-validations"] ?? []).length > 0;
}

function checkDefinition(
  next: CustomResourceDefinition,
  previous: CustomResourceDefinition | undefined,
): readonly FieldError[] {
  const { spec, status = {} } = next;
  const errors: FieldError[] = [...checkName(next), ...checkSpec(spec, previous)];
  if (previous) {
    if (isTrue(previous, "Established")) {
      errors.push(...checkImmutable("spec.scope", spec.scope, previous.spec.scope));
      errors.push(...checkImmutable("spec.names.kind", spec.names.kind, previous.spec.names.kind));
    }
    errors.push(...checkImmutable("spec.group", spec.group, previous.spec.group));
    errors.push(...checkImmutable("spec.names.plural", spec.names.plural, previous.spec.names.plural));
  }
  errors.push(...checkNames(status.acceptedNames ?? {}, "status.acceptedNames"));
  errors.push(...checkStoredVersions(status.storedVersions ?? [], spec.versions ?? []));
  errors.push(...checkApproval(next, previous));
  if (spec.preserveUnknownFields && !previous?.spec.preserveUnknownFields) {
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    errors.push(fieldError.invalid("spec.preserveUnknownFields", true, detail));
  }
  return errors;
}

function checkName({ metadata, spec }: CustomResourceDefinition): readonly FieldError[] {
  const { name = "" } = metadata;
  if (name === `${spec.names.plural}.${spec.group}`) return [];
  return [fieldError.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')];
}

function checkStoredVersions(
  stored: readonly string[],
  versions: readonly CustomResourceDefinitionVersion[],
): readonly FieldError[] {
  const field = "status.storedVersions";
  if (stored.length === 0) return [fieldError.invalid(field, stored, "must have at least one stored version")];
  const names = versions.map(({ name }) => name);
  return stored.flatMap((name, index) => {
    if (names.includes(name)) return [];
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    return [fieldError.invalid(`${field}[${index}]`, name, detail)];
  });
}

function checkSpec(
  spec: CustomResourceDefinitionSpec,
  previous: CustomResourceDefinition | undefined,
): readonly FieldError[] {
  const { group = "", versions = [], names } = spec;
  const errors: FieldError[] = [...checkGroup(group)];
  errors.push(...checkRequiredOneOf("spec.scope", spec.scope, ["Cluster", "Namespaced"]));
  errors.push(...checkVersions(versions, previous));
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    errors.push(fieldError.invalid("spec.versions", versions, "must contain unique version names"));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(
      fieldError.invalid("spec.versions", versions, "must have exactly one version marked as storage version"),
    );
  // Kubernetes keeps the first version at the top as well, and names it there too.
  const first = versions[0]?.name;
  const reason = first ? dns1035LabelError(first) : undefined;
  if (reason !== undefined) errors.push(fieldError.invalid("spec.version", first, reason));
  for (const name of ["plural", "singular", "kind", "listKind"] as const)
    errors.push(...checkRequired(`spec.names.${name}`, names[name]));
  errors.push(...checkNames(names, "spec.names"));
  errors.push(
    ...checkConversion(conversionOf(spec), "spec.conversion", {
      unknownReviewVersions: previous !== undefined && hasUnknownReviewVersions(conversionOf(previous.spec)),
      invalidCaBundle: mayHaveInvalidCaBundle(previous),
    }),
  );
  return errors;
}

/** Certificates may be filled in later, as long as nobody depends on them. */
function mayHaveInvalidCaBundle(previous: CustomResourceDefinition | undefined): boolean {
  if (!previous || !isTrue(previous, "Established")) return true;
  const { caBundle } = conversionOf(previous.spec).webhook?.clientConfig ?? {};
  return caBundle !== undefined && !isPem(caBundle);
}

function checkGroup(group: string): readonly FieldError[] {
  const field = "spec.group";
  const reason = dnsSubdomainError(group);
  if (group !== "" && reason === undefined && !group.includes("."))
    return [fieldError.invalid(field, group, "should be a domain with at least one dot")];
  return checkRequired(field, group, () => reason);
}

function checkVersions(
  versions: readonly CustomResourceDefinitionVersion[],
  previous: CustomResourceDefinition | undefined,
): readonly FieldError[] {
  const rules = previous ? keptRules(schemasOf(previous.spec)) : allRules;
  const errors: FieldError[] = [];
  const hasStatus = versions.some(({ subresources }) => subresources?.status !== undefined);
  // What all versions have in common Kubernetes moves to the top, and names it there.
  const common = commonTo(versions);
  const [first] = versions;
  versions.forEach((version, index) => {
    const path = `spec.versions[${index}]`;
    const reason = dns1035LabelError(version.name ?? "");
    if (reason !== undefined) errors.push(fieldError.invalid(`${path}.name`, version.name, reason));
    if (!version.schema?.openAPIV3Schema) errors.push(fieldError.required(`${path}.schema.openAPIV3Schema`));
    errors.push(...checkDeprecation(version, path));
    const own = { ...version, ...Object.fromEntries([...common].map((name) => [name, undefined])) };
    const status = common.has("subresources") ? hasStatus : version.subresources?.status !== undefined;
    errors.push(...checkVersion(own, { ...paths(path), status, rules, schema: schemaOf(version) }));
  });
  if (first) {
    const own = Object.fromEntries([...common].map((name) => [name, first[name]]));
    errors.push(...checkVersion(own, { ...topPaths, status: hasStatus, rules, schema: schemaOf(first) }));
  }
  return errors;
}

type Shared = "schema" | "subresources" | "additionalPrinterColumns" | "selectableFields";
const shared: readonly Shared[] = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"];

function commonTo(versions: readonly CustomResourceDefinitionVersion[]): ReadonlySet<Shared> {
  const [first] = versions;
  return new Set(shared.filter((name) => versions.every((version) => semanticEqual(version[name], first?.[name]))));
}

interface VersionPlace {
  readonly schemaPath: string;
  readonly path: string;
  readonly status: boolean;
  readonly rules: SchemaRules;
  /** The version's schema, wherever it is checked. */
  readonly schema: JsonSchemaProps | undefined;
}

const paths = (path: string) => ({ path, schemaPath: `${path}.schema.openAPIV3Schema` });
const topPaths = { path: "spec", schemaPath: "spec.validation.openAPIV3Schema" };

function checkVersion(
  version: Partial<Pick<CustomResourceDefinitionVersion, Shared>>,
  { path, schemaPath, status, rules, schema }: VersionPlace,
): readonly FieldError[] {
  const { subresources, additionalPrinterColumns = [], selectableFields = [] } = version;
  const own = version.schema?.openAPIV3Schema;
  const errors: FieldError[] = own ? [...checkVersionSchema(own, schemaPath, { status, rules })] : [];
  if (subresources) errors.push(...checkSubresources(subresources, `${path}.subresources`));
  for (const [index, column] of additionalPrinterColumns.entries())
    errors.push(...checkColumn(column, `${path}.additionalPrinterColumns[${index}]`));
  if (selectableFields.length > 0) {
    const field = `${path}.selectableFields`;
    if (schema) errors.push(...checkSelectableFields(selectableFields, schema, field));
    else {
      const detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
      errors.push(fieldError.invalid(field, "", detail));
    }
  }
  return errors;
}

function schemaOf({ schema }: CustomResourceDefinitionVersion): JsonSchemaProps | undefined {
  return schema?.openAPIV3Schema;
}

function schemasOf({ versions }: CustomResourceDefinitionSpec): readonly JsonSchemaProps[] {
  return versions.flatMap((version) => schemaOf(version) ?? []);
}

function checkDeprecation(
  { deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion,
  path: string,
): readonly FieldError[] {
  if (text === undefined) return [];
  const reasons: string[] = [];
  if (!deprecated) reasons.push("can only be set for deprecated versions");
  else {
    if (new TextEncoder().encode(text).length > 256) reasons.push("must be <= 256 characters long");
    if (text.length === 0) reasons.push("must not be an empty string");
    const bad = text.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
    if (bad >= 0)
      reasons.push(`must only contain printable UTF-8 characters; non-printable character found at index ${bad}`);
  }
  return reasons.map((reason) => fieldError.invalid(`${path}.deprecationWarning`, text, reason));
}

/** What may stand at the root of a schema whose status is written by itself. */
const rootFields = new Map([
  ["description", "Description"],
  ["type", "Type"],
  ["format", "Format"],
  ["title", "Title"],
  ["maximum", "Maximum"],
  ["exclusiveMaximum", "ExclusiveMaximum"],
  ["minimum", "Minimum"],
  ["exclusiveMinimum", "ExclusiveMinimum"],
  ["maxLength", "MaxLength"],
  ["minLength", "MinLength"],
  ["pattern", "Pattern"],
  ["maxItems", "MaxItems"],
  ["minItems", "MinItems"],
  ["uniqueItems", "UniqueItems"],
  ["multipleOf", "MultipleOf"],
  ["required", "Required"],
  ["items", "Items"],
  ["properties", "Properties"],
  ["externalDocs", "ExternalDocs"],
  ["example", "Example"],
  ["x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"],
  ["x-kubernetes-validations", "XValidations"],
]);

function checkVersionSchema(
  schema: JsonSchemaProps,
  path: string,
  { status, rules }: Pick<VersionPlace, "status" | "rules">,
): readonly FieldError[] {
  const errors: FieldError[] = status ? [...checkRoot(schema, path)] : [];
  if (schema.nullable) errors.push(fieldError.forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  const unsupported = unsupportedError(schema);
  if (rules.structural && unsupported === undefined) {
    const structural = checkStructural(schema, path);
    errors.push(
      ...(structural.length > 0 ? structural : checkDefaults(schema, path, { mustBePruned: rules.prunedDefaults })),
    );
  }
  errors.push(...checkSchema(schema, path, rules));
  if (errors.length === 0 && rules.structural && unsupported !== undefined)
    errors.push(fieldError.invalid(path, "", unsupported));
  return errors;
}

function checkRoot(schema: JsonSchemaProps, path: string): readonly FieldError[] {
  const { type, ...rest } = schema;
  if (type && type !== "object") {
    const detail =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    return [fieldError.invalid(`${path}.type`, type, detail)];
  }
  const other = Object.entries(rest).find(([name, value]) => value !== false && value !== "" && !rootFields.has(name));
  if (!other) return [];
  const allowed = [...rootFields.values()].join(" ");
  const detail = `only [${allowed}] fields are allowed at the root of the schema if the status subresource is enabled`;
  return [fieldError.invalid(path, schema, detail)];
}
