import { type FieldError, fieldError } from "../api/status.ts";
import { type CompiledRule, compileRule } from "./_compiled_rule.ts";
import { times } from "./_estimate_calls.ts";
import { cardinalityBelow, mostInRequest, RuleCosts } from "./_rule_costs.ts";
import { type Declaration, declarationOf } from "./declaration.ts";
import { fieldPathOf } from "./field_path.ts";
import { type StructuralSchema, typeOfSchema, type ValidationRule } from "./schema_type.ts";
import type { CelType } from "./types.ts";

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/**
 * What is wrong with the rules of a structural schema that is about to be used, its expressions included.
 *
 * @param path of the schema: `spec.versions[0].schema.openAPIV3Schema`
 * @param options.root whether the schema is of whole objects. Default true
 * @param options.unchanged whether the same schema was there before: no rule of it is refused for what it costs. Default false
 * @see k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation
 */
export function checkRules(
  schema: StructuralSchema,
  path: string,
  { root = true, unchanged = false }: { readonly root?: boolean; readonly unchanged?: boolean } = {},
): readonly FieldError[] {
  const ruleCosts = new RuleCosts({ perRule: !unchanged });
  const errors = checkNode({
    schema,
    spine: schema,
    path,
    uncorrelatable: undefined,
    root,
    depth: 0,
    present: 1,
    ruleCosts,
  });
  return [...errors, ...ruleCosts.conclude(path)];
}

interface Node {
  readonly schema: StructuralSchema;
  /** The schema that gives the types: inside `allOf` that around it. */
  readonly spine: StructuralSchema;
  readonly path: string;
  /** The nearest part above in which old and new values cannot be matched. */
  readonly uncorrelatable: string | undefined;
  readonly root: boolean;
  readonly depth: number;
  /** How many such values an object can have; undefined: nothing bounds it. */
  readonly present: number | undefined;
  readonly ruleCosts: RuleCosts;
}

function checkNode(node: Node): readonly FieldError[] {
  const { schema, spine, path, depth } = node;
  if (depth > 100) return [];
  const rules = schema["x-kubernetes-validations"] ?? [];
  const below = (
    next: StructuralSchema | undefined,
    types: StructuralSchema | undefined,
    at: string,
    uncorrelatable = node.uncorrelatable,
  ) =>
    next && types
      ? checkNode({
          schema: next,
          spine: types,
          path: at,
          uncorrelatable,
          root: types["x-kubernetes-embedded-resource"] ?? false,
          depth: depth + 1,
          present: cardinalityBelow(spine, node.present),
          ruleCosts: node.ruleCosts,
        })
      : [];
  const nested = [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
      const own = spine.properties && Object.hasOwn(spine.properties, name) ? spine.properties[name] : undefined;
      return below(property, own, `${path}.properties[${name}]`);
    }),
    ...below(
      asSchema(schema.additionalProperties),
      asSchema(spine.additionalProperties),
      `${path}.additionalProperties`,
    ),
    ...below(
      schema.items,
      spine.items,
      `${path}.items`,
      spine["x-kubernetes-list-type"] === "map" ? node.uncorrelatable : (node.uncorrelatable ?? path),
    ),
    ...(schema.allOf ?? []).flatMap((part, index) =>
      checkNode({ ...node, schema: part, path: `${path}.allOf[${index}]`, depth: depth + 1 }),
    ),
  ];
  if (rules.length === 0) return nested;
  const forms = rules.flatMap((rule, index) => checkForm(rule, spine, `${path}.x-kubernetes-validations[${index}]`));
  const problems = [...nested, ...forms];
  const type = problems.length === 0 ? typeOfSchema(spine, node.root) : undefined;
  const self = type && declarationOf(spine, node.root);
  if (!type || !self) return problems;
  return rules.flatMap((rule, index) =>
    checkExpressions(rule, { type, self }, node, `${path}.x-kubernetes-validations[${index}]`),
  );
}

function asSchema(schema: boolean | StructuralSchema | undefined): StructuralSchema | undefined {
  return typeof schema === "object" ? schema : undefined;
}

/** What can be seen without compiling anything. */
function checkForm(rule: ValidationRule, schema: StructuralSchema, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { message = "", messageExpression = "", fieldPath = "" } = rule;
  const text = rule.rule.trim();
  if (text === "") errors.push(fieldError.required(`${path}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "")
    errors.push(fieldError.invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (message.trim().includes("\n"))
    errors.push(fieldError.invalid(`${path}.message`, message, "must not contain line breaks"));
  else if (text.includes("\n") && message.trim() === "")
    errors.push(fieldError.required(`${path}.message`, "message must be specified if rule contains line breaks"));
  if (messageExpression !== "" && messageExpression.trim() === "")
    errors.push(fieldError.required(`${path}.messageExpression`, "messageExpression must be non-empty if specified"));
  if (rule.reason !== undefined && !reasons.includes(rule.reason))
    errors.push(fieldError.notSupported(`${path}.reason`, rule.reason, reasons));
  if (fieldPath !== "" && fieldPath.trim() === "")
    errors.push(fieldError.invalid(`${path}.fieldPath`, fieldPath, "must be non-empty if specified"));
  if (fieldPath.includes("\n"))
    errors.push(fieldError.invalid(`${path}.fieldPath`, fieldPath, "must not contain line breaks"));
  if (fieldPath !== "" && fieldPathOf(fieldPath, schema) === undefined)
    errors.push(fieldError.invalid(`${path}.fieldPath`, fieldPath, "must be a valid path"));
  return errors;
}

function checkExpressions(
  rule: ValidationRule,
  { type, self }: { readonly type: CelType; readonly self: Declaration },
  { spine, uncorrelatable, present, ruleCosts }: Node,
  path: string,
): readonly FieldError[] {
  const compiled: CompiledRule = compileRule(rule, type, spine, self);
  if ("error" in compiled)
    return [
      {
        type: "Invalid",
        field: `${path}.${compiled.part}`,
        message: `Invalid value: ${goRule(rule)}: ${compiled.error}`,
      },
    ];
  const { program, message, usesOldSelf } = compiled;
  const errors = [
    ...ruleCosts.add(
      `${path}.rule`,
      times(program.maxCost ?? 0, present ?? mostInRequest(self)),
      "estimated rule cost",
    ),
    ...(message
      ? ruleCosts.add(`${path}.messageExpression`, message.maxCost ?? 0, "estimated messageExpression cost")
      : []),
  ];
  if (usesOldSelf && uncorrelatable !== undefined)
    errors.push(
      fieldError.invalid(
        `${path}.rule`,
        rule.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`,
      ),
    );
  if (!usesOldSelf && rule.optionalOldSelf !== undefined)
    errors.push(
      fieldError.invalid(
        `${path}.optionalOldSelf`,
        rule.optionalOldSelf,
        "may not be set if oldSelf is not used in rule",
      ),
    );
  return errors;
}

/** A rule as Kubernetes shows it in errors: Go's notation of its structure. */
function goRule({ rule, message = "", messageExpression = "", fieldPath = "" }: ValidationRule): string {
  const members = [
    ["Rule", rule],
    ["Message", message],
    ["MessageExpression", messageExpression],
  ].map(([name, text]) => `${name}:${JSON.stringify(text)}`);
  return `apiextensions.ValidationRule{${members.join(", ")}, Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:${JSON.stringify(fieldPath)}, OptionalOldSelf:(*bool)(nil)}`;
}
