import { CelError, CompileError, CostExceeded, compile, fromJson, type Program } from "../../core/cel/mod.ts";
import { parse } from "../../core/cel/parse.ts";
import { type CelType, dyn, listOf, mapOf, objectOf, string } from "../../core/cel/types.ts";
import { isList, type Value } from "../../core/cel/values.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import type { Claims } from "./claims.ts";

const claimsType = mapOf(string, dyn);
const userType = objectOf("kubernetes.UserInfo", {
  username: string,
  uid: string,
  groups: listOf(string),
  extra: mapOf(string, listOf(string)),
});

/** An expression over a token's claims, or over the user that was made of them. */
export interface Expression {
  readonly source: string;
  readonly program: Program;
}

/** Compiles an expression; a text says why it is none. @param wanted kinds of types that its value may have */
export function compileExpression(
  source: string,
  variable: "claims" | "user",
  wanted: readonly CelType["kind"][],
): Expression | string {
  try {
    const type = variable === "claims" ? claimsType : userType;
    const program = compile(source, new Map([[variable, type]]));
    const { kind } = program.type;
    if (kind === "dyn" || wanted.includes(kind)) return { source, program };
    return wanted.length === 1 ? `must evaluate to ${wanted[0]}` : `must evaluate to one of [${wanted.join(" ")}]`;
  } catch (error) {
    if (error instanceof CompileError) return `compilation failed: ${error.message}`;
    throw error;
  }
}

/** @throws Error that says what went wrong in the words of Kubernetes */
export function evaluateClaims({ source, program }: Expression, claims: Claims): Value {
  return evaluated(source, () => program.evaluate(new Map([["claims", fromJson(claims, claimsType)]])));
}

/** See {@linkcode evaluateClaims}. */
export function evaluateUser(
  { source, program }: Expression,
  { username, uid = "", groups, extra = {} }: UserInfo,
): Value {
  const user = { username, uid, groups, extra };
  return evaluated(source, () => program.evaluate(new Map([["user", fromJson(user, userType)]])));
}

function evaluated(source: string, evaluate: () => Value): Value {
  try {
    return evaluate();
  } catch (error) {
    if (!(error instanceof CelError || error instanceof CostExceeded)) throw error;
    throw new Error(`expression '${source}' resulted in error: ${error.message}`);
  }
}

/** A text, or texts; none for null. Empty ones are left out. @throws Error for other values */
export function textsOf(value: Value): readonly string[] {
  if (value === null) return [];
  const values = isList(value) ? value : [value];
  return values.flatMap((one) => {
    if (typeof one !== "string") throw new Error("expression must return a string or a list of strings");
    return one === "" ? [] : [one];
  });
}

/** Whether an expression reads one member of `claims`. */
export function readsClaim(source: string, name: string): boolean {
  return contains(parse(source), name);
}

function contains(node: unknown, name: string): boolean {
  if (typeof node !== "object" || node === null) return false;
  const { op, field, operand } = node as {
    readonly op?: unknown;
    readonly field?: unknown;
    readonly operand?: unknown;
  };
  if (op === "select" && field === name && isClaims(operand)) return true;
  return Object.values(node).some((part) => contains(part, name));
}

function isClaims(node: unknown): boolean {
  const { op, name } = (node ?? {}) as { readonly op?: unknown; readonly name?: unknown };
  return op === "ident" && name === "claims";
}
