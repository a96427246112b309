import type { JsonObject } from "../../core/api/meta.ts";
import { type FieldError, fieldError } from "../../core/api/status.ts";
import { CelError, CompileError, CostExceeded, compile, fromJson, type Program } from "../../core/cel/mod.ts";
import { listOf, mapOf, objectOf, string } from "../../core/cel/types.ts";

/** Tells whether a webhook is to be asked about the `spec` of a SubjectAccessReview. */
export type MatchConditions = (spec: JsonObject) => { readonly holds: boolean } | { readonly error: string };

const requirements = (name: string) =>
  objectOf(name, {
    rawSelector: string,
    requirements: listOf(objectOf(`${name}Requirement`, { key: string, operator: string, values: listOf(string) })),
  });

/** The type of the variable `request`. @see k8s.io/apiserver/pkg/authorization/cel/compile.go */
const requestType = objectOf("kubernetes.SubjectAccessReviewSpec", {
  resourceAttributes: objectOf("kubernetes.ResourceAttributes", {
    namespace: string,
    verb: string,
    group: string,
    version: string,
    resource: string,
    subresource: string,
    name: string,
    fieldSelector: requirements("kubernetes.FieldSelectorAttributes"),
    labelSelector: requirements("kubernetes.LabelSelectorAttributes"),
  }),
  nonResourceAttributes: objectOf("kubernetes.NonResourceAttributes", { path: string, verb: string }),
  user: string,
  groups: listOf(string),
  extra: mapOf(string, listOf(string)),
  uid: string,
});

const variables = new Map([["request", requestType]]);

/** What an expression makes of texts that are empty: Kubernetes leaves these out of JSON, but not out of the variable. */
const emptyAttributes = { namespace: "", verb: "", group: "", version: "", resource: "", subresource: "", name: "" };

/**
 * Compiles the conditions of one webhook. One that does not hold decides, also among others that fail.
 *
 * @param field path of the list, for errors
 */
export function compileMatchConditions(
  expressions: readonly string[],
  field: string,
): { readonly conditions: MatchConditions | undefined; readonly errors: readonly FieldError[] } {
  const programs: { readonly expression: string; readonly program: Program }[] = [];
  const errors: FieldError[] = [];
  for (const [index, expression] of expressions.entries()) {
    const at = `${field}[${index}].expression`;
    if (expression.trim() === "") errors.push(fieldError.required(at));
    else if (expressions.indexOf(expression) !== index) errors.push(fieldError.duplicate(at, expression));
    else {
      const program = compileCondition(expression);
      if (typeof program === "string") errors.push(fieldError.invalid(at, expression, program));
      else programs.push({ expression, program });
    }
  }
  return { conditions: programs.length > 0 ? conditionsOf(programs) : undefined, errors };
}

function compileCondition(expression: string): Program | string {
  try {
    const program = compile(expression, variables);
    return program.type.kind === "bool" || program.type.kind === "dyn" ? program : "must evaluate to bool";
  } catch (error) {
    if (error instanceof CompileError) return `compilation failed: ${error.message}`;
    throw error;
  }
}

function conditionsOf(
  programs: readonly { readonly expression: string; readonly program: Program }[],
): MatchConditions {
  return (spec) => {
    const { resourceAttributes } = spec;
    const request = {
      user: "",
      uid: "",
      groups: [],
      extra: {},
      ...spec,
      ...(resourceAttributes
        ? { resourceAttributes: { ...emptyAttributes, ...(resourceAttributes as JsonObject) } }
        : {}),
    };
    const values = new Map([["request", fromJson(request, requestType)]]);
    const errors: string[] = [];
    for (const { expression, program } of programs) {
      try {
        if (program.evaluate(values) !== true) return { holds: false };
      } catch (error) {
        if (!(error instanceof CelError || error instanceof CostExceeded)) throw error;
        errors.push(`cel evaluation error: expression '${expression}' resulted in error: ${error.message}`);
      }
    }
    if (errors.length === 0) return { holds: true };
    return { error: errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]` };
  };
}
