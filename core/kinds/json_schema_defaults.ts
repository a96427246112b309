import type { Json, JsonObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { keyPath, readEmbeddedResources, validateEmbeddedResources } from "../api/structural/embedded_resources.ts";
import { asResource, itemsOf, type JsonSchemaProps, metaFields } from "../api/structural/json_schema_props.ts";
import { validateValue } from "../api/structural/validate_value.ts";
import { isPruned } from "./json_schema_ratcheting.ts";

/** A default together with what would stand around it. */
type Surround = (value: Json) => JsonObject;

interface Place {
  readonly path: string;
  /** The resource that encloses the value. */
  readonly resource: JsonSchemaProps;
  readonly surround: Surround;
  readonly insideMetadata: boolean;
  readonly mustBePruned: boolean;
}

const validation = { apiVersion: "validation/v1", kind: "Validation" };
const rootSurround: Surround = (value) => ({ ...validation, ...(value as JsonObject) });

/** What is wrong with the defaults of a structural schema: they must be valid by it, and hold nothing that it does not know. */
export function checkDefaults(
  schema: JsonSchemaProps,
  path: string,
  options: { readonly mustBePruned: boolean },
): readonly FieldError[] {
  const resource = asResource(schema);
  return visit(resource, { ...options, path, resource, surround: rootSurround, insideMetadata: false });
}

function visit(schema: JsonSchemaProps, outer: Place): readonly FieldError[] {
  const isResource = schema["x-kubernetes-embedded-resource"] === true;
  const place = isResource ? { ...outer, insideMetadata: false, surround: rootSurround, resource: schema } : outer;
  const { path, surround, insideMetadata } = place;
  const errors: FieldError[] = schema.default === undefined ? [] : [...checkDefault(schema, schema.default, place)];
  const items = itemsOf(schema);
  if (items) errors.push(...visit(items, { ...place, path: `${path}.items`, surround: (value) => surround([value]) }));
  for (const [name, own] of Object.entries(schema.properties ?? {}))
    errors.push(
      ...visit(own, {
        ...place,
        path: keyPath(`${path}.properties`, name),
        surround: (value) => surround(Object.fromEntries([[name, value]])),
        insideMetadata: insideMetadata || (isResource && metaFields.has(name)),
      }),
    );
  return errors;
}

function checkDefault(schema: JsonSchemaProps, value: Json, place: Place): readonly FieldError[] {
  const path = `${place.path}.default`;
  if (place.insideMetadata) {
    const problem = metadataProblem(value, place);
    if (problem !== undefined) return [fieldError.invalid(path, value, `must result in valid metadata: ${problem}`)];
    return validateValue(value, schema, { path });
  }
  const errors: FieldError[] = [];
  if (place.mustBePruned && !isPruned(schema))
    errors.push(fieldError.invalid(path, value, "must not have unknown fields"));
  const read = readEmbeddedResources(value as JsonObject, schema, path);
  if (read.error) return [...errors, read.error];
  const embedded = validateEmbeddedResources(value, schema, path);
  return [...errors, ...(embedded.length > 0 ? embedded : validateValue(value, schema, { path }))];
}

function metadataProblem(value: Json, { surround, resource }: Place): string | undefined {
  const object = surround(value);
  const { error } = readEmbeddedResources(object, resource);
  const errors = error ? [error] : validateEmbeddedResources(object, resource);
  if (errors.length === 0) return undefined;
  const texts = errors.map(({ field, message }) => `${field}: ${message}`);
  return texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
}

/** What `check` finds in every default of a schema. */
export function visitDefaults(
  schema: JsonSchemaProps,
  path: string,
  check: (schema: JsonSchemaProps, value: Json, path: string) => readonly FieldError[],
): readonly FieldError[] {
  const items = itemsOf(schema);
  return [
    ...(schema.default === undefined ? [] : check(schema, schema.default, `${path}.default`)),
    ...(items ? visitDefaults(items, `${path}.items`, check) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, own]) =>
      visitDefaults(own, keyPath(`${path}.properties`, name), check),
    ),
  ];
}
