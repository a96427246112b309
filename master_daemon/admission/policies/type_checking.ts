import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import { type ApiSchema, definitionOf, type SchemaNode } from "../../../core/api/schema.ts";
import { escapeName, type StructuralSchema, typeOfSchema } from "../../../core/cel/mod.ts";
import {
  bool,
  bytes,
  type CelField,
  type CelType,
  double,
  dyn,
  int,
  intOrString,
  listOf,
  mapOf,
  string,
  timestamp,
} from "../../../core/cel/types.ts";
import type { ValidatingAdmissionPolicy } from "../../../core/kinds/validating_admission_policy.ts";
import { compileVariables } from "./compiled_policy.ts";
import { compileExpression } from "./conditions.ts";
import { policyOffer } from "./environment.ts";

/** One expression that does not fit a type of object that the policy is about. */
export interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

/** Most types that a policy is checked with. @see k8s.io/apiserver/pkg/admission/plugin/policy/validating maxTypesToCheck */
const maxTypes = 10;

/**
 * Compiles a policy's expressions with the types of the objects that its rules name: what is wrong is a warning only,
 * because such an expression may still be right for others.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking
 */
export function typeWarnings(
  { spec = {} }: ValidatingAdmissionPolicy,
  kinds: readonly Kind[],
  schema: ApiSchema,
): readonly ExpressionWarning[] {
  const { validations = [], variables = [] } = spec;
  const types = namedKinds(spec, kinds)
    .slice(0, maxTypes)
    .flatMap((kind) => {
      const self = typeOfKind(kind, schema);
      return self ? [{ self, name: `${apiVersionOf(kind)}, Kind=${kind.kind}` }] : [];
    });
  const check = (fieldRef: string, expression: string): readonly ExpressionWarning[] => {
    const warning = types.flatMap(({ self, name }) => {
      const base = { self, ...policyOffer(spec) };
      const { type } = compileVariables(variables, base);
      const result = compileExpression(expression, { ...base, variables: type }, []);
      return typeof result === "string" ? [`${name}: ${result.replace(/^compilation failed: /, "")}\n`] : [];
    });
    return warning.length > 0 ? [{ fieldRef, warning: warning.join("\n") }] : [];
  };
  return validations.flatMap(({ expression, messageExpression }, index) => [
    ...check(`spec.validations[${index}].expression`, expression),
    ...(messageExpression ? check(`spec.validations[${index}].messageExpression`, messageExpression) : []),
  ]);
}

/** The kinds that rules without wildcards name. */
function namedKinds(
  { matchConstraints = {} }: NonNullable<ValidatingAdmissionPolicy["spec"]>,
  kinds: readonly Kind[],
): readonly Kind[] {
  const named = (matchConstraints.resourceRules ?? []).flatMap(
    ({ apiGroups = [], apiVersions = [], resources = [] }) => {
      if ([...apiGroups, ...apiVersions, ...resources].some((text) => text.includes("*"))) return [];
      return kinds.filter(
        ({ group, version, plural }) =>
          apiGroups.includes(group) && apiVersions.includes(version) && resources.includes(plural),
      );
    },
  );
  return [...new Set(named)].sort((a, b) => (gvk(a) < gvk(b) ? -1 : 1));
}

const gvk = ({ group, version, kind }: Kind) => `${group}/${version}/${kind}`;

function typeOfKind({ custom, schema: id }: Kind, schema: ApiSchema): CelType | undefined {
  if (custom) return typeOfSchema(custom.schema as StructuralSchema, true);
  return definitionOf(schema, id) && referenced(id, schema, new Map());
}

/** The type of a definition; those that contain themselves are the same type again. */
function referenced(id: string, schema: ApiSchema, known: Map<string, CelType>): CelType {
  const before = known.get(id);
  if (before) return before;
  const node = definitionOf(schema, id);
  if (!node?.properties) return node ? typeOfNode(node, schema, known) : dyn;
  const fields = new Map<string, CelField>();
  const type: CelType = { kind: "object", name: id, fields };
  known.set(id, type);
  for (const [name, property] of Object.entries(node.properties)) {
    const field = { name, type: typeOfNode(property, schema, known) };
    // Objects of policies are read as they are: `object.metadata.namespace` needs no escape.
    fields.set(name, field);
    const escaped = escapeName(name);
    if (escaped !== undefined) fields.set(escaped, field);
  }
  return type;
}

const formats: ReadonlyMap<string, CelType> = new Map([
  ["int-or-string", intOrString],
  ["byte", bytes],
  ["date-time", timestamp],
]);

function typeOfNode(node: SchemaNode, schema: ApiSchema, known: Map<string, CelType>): CelType {
  if (node.$ref) return referenced(node.$ref.slice(node.$ref.lastIndexOf("/") + 1), schema, known);
  const byFormat = formats.get(node.format ?? "");
  if (byFormat) return byFormat;
  switch (node.type) {
    case "array":
      return listOf(node.items ? typeOfNode(node.items, schema, known) : dyn);
    case "object":
      return node.additionalProperties ? mapOf(string, typeOfNode(node.additionalProperties, schema, known)) : dyn;
    case "string":
      return string;
    case "integer":
      return int;
    case "number":
      return double;
    case "boolean":
      return bool;
    default:
      // Quantities are text, or numbers that are read as text.
      return node.oneOf ? string : dyn;
  }
}
