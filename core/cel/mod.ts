/**
 * The Common Expression Language, as Kubernetes speaks it.
 *
 * - An expression is read and its types are checked once; what is not understood is refused then, never guessed.
 * - Every evaluation has a budget, in Kubernetes' units. What is about to be done is paid first, so that no expression and
 *   no value can hold the process up or fill its memory. Regular expressions take time linear in the text.
 * - Values are read from plain JSON, member by member. Members are own members: `__proto__` is a name like any other.
 * - This folder is loaded by `import()` where a rule, policy or condition needs it, and by nothing else.
 */
export { Budget, perCallLimit } from "./budget.ts";
export { checkRules } from "./check_rules.ts";
export { CelError, CompileError, CostExceeded } from "./errors.ts";
export { fromJson } from "./json_value.ts";
export { compile, type Program } from "./program.ts";
export { compileRules, type RuleSet } from "./rules.ts";
export { escapeName, type StructuralSchema, typeOfSchema, type ValidationRule } from "./schema_type.ts";
