import type { Declaration } from "./declaration.ts";
import { CompileError } from "./errors.ts";
import { fieldPathOf } from "./field_path.ts";
import { compile, type Program } from "./program.ts";
import type { StructuralSchema, ValidationRule } from "./schema_type.ts";
import { type CelType, optionalOf, string } from "./types.ts";

/** A rule with its expressions, or why it cannot be used. */
export type CompiledRule =
  | { readonly source: ValidationRule; readonly error: string; readonly part: "rule" | "messageExpression" }
  | {
      readonly source: ValidationRule;
      readonly program: Program;
      readonly message: Program | undefined;
      readonly usesOldSelf: boolean;
      /** JSON type of the value, shown in errors. */
      readonly valueType: string;
      /** Where below the value the error is told: `.spec.x`, or empty. */
      readonly fieldPath: string;
    };

/** Compiles one rule for values of a type. @param self how large they are, where costs are to be estimated */
export function compileRule(
  source: ValidationRule,
  type: CelType,
  schema: StructuralSchema,
  self?: Declaration,
): CompiledRule {
  const variables = new Map([
    ["self", type],
    ["oldSelf", source.optionalOldSelf ? optionalOf(type) : type],
  ]);
  const program = tryCompile(source.rule, variables, self);
  if (typeof program === "string") return { source, error: `compilation failed: ${program}`, part: "rule" };
  if (program.type.kind !== "bool") return { source, error: "cel expression must evaluate to a bool", part: "rule" };
  const message = source.messageExpression ? tryCompile(source.messageExpression, variables, self) : undefined;
  if (typeof message === "string")
    return { source, error: `messageExpression compilation failed: ${message}`, part: "messageExpression" };
  if (message && message.type.kind !== string.kind)
    return { source, error: "messageExpression must evaluate to a string", part: "messageExpression" };
  return {
    source,
    program,
    message,
    usesOldSelf: program.uses.has("oldSelf"),
    valueType: schema.type ?? "",
    fieldPath: source.fieldPath ? (fieldPathOf(source.fieldPath, schema) ?? "") : "",
  };
}

function tryCompile(
  source: string,
  variables: ReadonlyMap<string, CelType>,
  self: Declaration | undefined,
): Program | string {
  try {
    return compile(source, variables, { self });
  } catch (error) {
    if (error instanceof CompileError) return error.message;
    throw error;
  }
}
