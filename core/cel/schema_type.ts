import {
  bool,
  bytes,
  type CelField,
  type CelType,
  double,
  duration,
  int,
  intOrString,
  type ListOrder,
  listOf,
  mapOf,
  string,
  timestamp,
} from "./types.ts";

/** One rule of `x-kubernetes-validations`. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** What of a structural schema matters to expressions: the `openAPIV3Schema` of a CustomResourceDefinition, as it is written. */
export interface StructuralSchema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: boolean | StructuralSchema;
  readonly items?: StructuralSchema;
  readonly allOf?: readonly StructuralSchema[];
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly maxProperties?: number;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
}

/** Deepest schema that is followed. */
const maxDepth = 100;

/**
 * The type of the values of a schema, or undefined where it does not tell: such a field cannot be named in expressions.
 *
 * @param isRoot whether it is of a whole object, which has `apiVersion`, `kind`, `metadata.name` and `metadata.generateName`
 * @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-type-integration
 */
export function typeOfSchema(schema: StructuralSchema, isRoot = false, depth = 0): CelType | undefined {
  if (depth > maxDepth) return undefined;
  if (schema["x-kubernetes-int-or-string"]) return intOrString;
  switch (schema.type) {
    case "array":
      return listType(schema, depth);
    case "object":
      return objectType(schema, isRoot, depth);
    case "string":
      return textTypes.get(schema.format ?? "") ?? string;
    case "boolean":
      return bool;
    case "number":
      return double;
    case "integer":
      return int;
    default:
      return undefined;
  }
}

const textTypes: ReadonlyMap<string, CelType> = new Map([
  ["byte", bytes],
  ["duration", duration],
  ["date", timestamp],
  ["date-time", timestamp],
]);

function typeBelow(schema: StructuralSchema, depth: number): CelType | undefined {
  return typeOfSchema(schema, schema["x-kubernetes-embedded-resource"], depth + 1);
}

function listType(schema: StructuralSchema, depth: number): CelType | undefined {
  const element = schema.items && typeBelow(schema.items, depth);
  return element && listOf(element, orderOf(schema));
}

function orderOf(schema: StructuralSchema): ListOrder | undefined {
  const type = schema["x-kubernetes-list-type"];
  if (type === "set") return { type };
  return type === "map" ? { type, keys: schema["x-kubernetes-list-map-keys"] ?? [] } : undefined;
}

function objectType(schema: StructuralSchema, isRoot: boolean, depth: number): CelType | undefined {
  if (typeof schema.additionalProperties === "object" && !isRoot) {
    const value = typeBelow(schema.additionalProperties, depth);
    return value && mapOf(string, value);
  }
  const fields = new Map<string, CelField>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeName(name);
    const type = escaped === undefined ? undefined : typeBelow(property, depth);
    if (escaped !== undefined && type !== undefined) fields.set(escaped, { name, type });
  }
  if (isRoot)
    for (const [name, type] of rootFields()) if (!fieldIsComplete(fields, name)) fields.set(name, { name, type });
  return { kind: "object", name: "object", fields };
}

/** Longest name of an object. */
const maxNameLength = 253;

/** The schema of a whole object, which has names and a type whatever it says. */
export function withRootFields(schema: StructuralSchema): StructuralSchema {
  const { properties = {} } = schema;
  const text: StructuralSchema = { type: "string" };
  const { properties: members = {}, ...own } = properties["metadata"] ?? {};
  const metadata: StructuralSchema = {
    ...own,
    type: "object",
    properties: {
      ...members,
      name: nameSchema(members["name"], maxNameLength),
      // At least one character is added to it.
      generateName: nameSchema(members["generateName"], maxNameLength - 1),
    },
  };
  return { ...schema, properties: { ...properties, kind: text, apiVersion: text, metadata } };
}

function nameSchema({ maxLength = maxNameLength }: StructuralSchema = {}, most: number): StructuralSchema {
  return { type: "string", maxLength: Math.min(maxLength, most) };
}

/** `metadata: {type: object}` says nothing of the names that every object has. */
function fieldIsComplete(fields: ReadonlyMap<string, CelField>, name: string): boolean {
  const type = fields.get(name)?.type;
  if (name !== "metadata") return type?.kind === "string";
  return type?.kind === "object" && type.fields.has("name") && type.fields.has("generateName");
}

function rootFields(): readonly (readonly [string, CelType])[] {
  const metadata = ["name", "generateName"].map((name): [string, CelField] => [name, { name, type: string }]);
  return [
    ["apiVersion", string],
    ["kind", string],
    ["metadata", { kind: "object", name: "object", fields: new Map(metadata) }],
  ];
}

const reserved: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);
const escapes: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/**
 * The name of a property in expressions, or undefined when it has none.
 *
 * @see https://kubernetes.io/docs/reference/using-api/cel/#escaping
 */
export function escapeName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replace(/__|[./-]/g, (part) => escapes[part] ?? part);
}
