import type { ConfigurationReader } from "../../core/api/configuration_reader.ts";
import { fieldError } from "../../core/api/status.ts";
import type { CelType } from "../../core/cel/types.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { domainPrefixedPathErrors } from "../../core/kinds/validators.ts";
import { type Claims, claimOf, groupsClaim, requireClaim, usernameClaim } from "./claims.ts";
import {
  compileExpression,
  type Expression,
  evaluateClaims,
  evaluateUser,
  readsClaim,
  textsOf,
} from "./jwt_expressions.ts";

/** Reads something of a token's claims. @throws Error when it cannot be read */
type Mapping<T> = (claims: Claims) => T;

/** Kinds of types whose values are one text, or several. */
const listKinds: readonly CelType["kind"][] = ["string", "list", "null"];

/**
 * How users are made of claims, as one entry of `jwt` says: names, groups and more are read, then the rules are asked
 * that claims and users must keep.
 */
export function readUserMapping(reader: ConfigurationReader): (claims: Claims) => UserInfo {
  const expressions: string[] = [];
  const claimRules = readClaimRules(reader, expressions);
  const mappings = reader.object("claimMappings");
  if (!mappings)
    reader.note(fieldError.required(`${reader.at("claimMappings")}.username`, "claim or expression is required"));
  const username = mappings && readUsername(mappings);
  const groups = mappings && readGroups(mappings);
  const uid = mappings && readUid(mappings);
  const extra = mappings ? readExtra(mappings, expressions) : [];
  if (mappings) noteUnverifiedAddress(mappings, expressions);
  const userRules = readUserRules(reader);
  return (claims) => {
    const name = username?.(claims) ?? "";
    const id = uid?.(claims) ?? "";
    const more = extra.flatMap(([key, read]): [string, readonly string[]][] => {
      const values = read(claims);
      return values.length > 0 ? [[key, values]] : [];
    });
    if (name === "") throw new Error("oidc: the token names no user");
    const user: UserInfo = {
      username: name,
      ...(id === "" ? {} : { uid: id }),
      groups: groups?.(claims) ?? [],
      ...(more.length > 0 ? { extra: Object.fromEntries(more) } : {}),
    };
    for (const check of claimRules) check(claims);
    for (const check of userRules) check(user);
    return user;
  };
}

function readUsername(mappings: ConfigurationReader): Mapping<string> | undefined {
  const mapping = mappings.object("username");
  const expression = readExpression(mapping, ["string"]);
  if (expression) return (claims) => textOf(expression, claims, "username");
  const claim = mapping?.text("claim") ?? "";
  if (!mapping || (claim === "" && !mapping.has("expression")))
    mappings.note(fieldError.required(mappings.at("username"), "claim or expression is required"));
  if (claim === "") return undefined;
  const prefix = readPrefix(mapping);
  return (claims) => `${prefix}${usernameClaim(claims, claim)}`;
}

function readGroups(mappings: ConfigurationReader): Mapping<readonly string[]> | undefined {
  const mapping = mappings.object("groups");
  const expression = readExpression(mapping, listKinds);
  if (expression) return (claims) => textsIn(expression, claims, "group");
  const claim = mapping?.text("claim") ?? "";
  if (claim === "") return undefined;
  const prefix = readPrefix(mapping);
  return (claims) => groupsClaim(claims, claim, prefix);
}

function readUid(mappings: ConfigurationReader): Mapping<string> | undefined {
  const mapping = mappings.object("uid");
  const expression = readExpression(mapping, ["string"]);
  if (expression) return (claims) => textOf(expression, claims, "uid");
  const claim = mapping?.text("claim") ?? "";
  if (claim === "") return undefined;
  return (claims) => {
    const uid = claimOf(claims, claim);
    if (typeof uid !== "string") throw new Error(`oidc: parse uid claim ${JSON.stringify(claim)}: claim not present`);
    return uid;
  };
}

function readExtra(
  mappings: ConfigurationReader,
  expressions: string[],
): readonly (readonly [key: string, Mapping<readonly string[]>])[] {
  const keys = new Set<string>();
  return mappings.objects("extra").flatMap((mapping): (readonly [string, Mapping<readonly string[]>])[] => {
    const key = mapping.text("key");
    const at = mapping.at("key");
    mapping.note(...domainPrefixedPathErrors(at, key));
    if (key !== key.toLowerCase()) mapping.note(fieldError.invalid(at, key, "must be lowercase"));
    if (/^([^/]*\.)?(kubernetes|k8s)\.io\//.test(key))
      mapping.note(
        fieldError.invalid(at, key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"),
      );
    if (keys.has(key)) mapping.note(fieldError.duplicate(at, key));
    keys.add(key);
    const source = mapping.text("valueExpression");
    if (source === "") mapping.note(fieldError.required(mapping.at("valueExpression")));
    const expression = compiled(mapping, "valueExpression", "claims", listKinds);
    if (!expression) return [];
    expressions.push(source);
    return [[key, (claims) => textsIn(expression, claims, "extra")]];
  });
}

function readClaimRules(reader: ConfigurationReader, expressions: string[]): readonly ((claims: Claims) => void)[] {
  const seen = new Set<string>();
  return reader.objects("claimValidationRules").flatMap((rule): ((claims: Claims) => void)[] => {
    const [claim, source, message] = [rule.text("claim"), rule.text("expression"), rule.text("message")];
    const value = rule.text("requiredValue");
    if (claim !== "" && source !== "")
      rule.note(fieldError.invalid(rule.path, claim, "claim and expression can't both be set"));
    else if (claim === "" && source === "")
      rule.note(fieldError.required(rule.path, "claim or expression is required"));
    const name = claim === "" ? "expression" : "claim";
    const text = claim || source;
    if (text !== "" && seen.has(`${name} ${text}`)) rule.note(fieldError.duplicate(rule.at(name), text));
    seen.add(`${name} ${text}`);
    if (claim !== "") {
      if (message !== "")
        rule.note(fieldError.invalid(rule.at("message"), message, "may not be specified when claim is set"));
      return [(claims) => requireClaim(claims, claim, value)];
    }
    if (value !== "")
      rule.note(fieldError.invalid(rule.at("requiredValue"), value, "may not be specified when expression is set"));
    const expression = compiled(rule, "expression", "claims", ["bool"]);
    if (!expression) return [];
    expressions.push(source);
    return [
      (claims) => hold(expression, message, "claim validation expression", () => evaluateClaims(expression, claims)),
    ];
  });
}

function readUserRules(reader: ConfigurationReader): readonly ((user: UserInfo) => void)[] {
  const seen = new Set<string>();
  return reader.objects("userValidationRules").flatMap((rule): ((user: UserInfo) => void)[] => {
    const [source, message] = [rule.text("expression"), rule.text("message")];
    if (source === "") rule.note(fieldError.required(rule.at("expression")));
    else if (seen.has(source)) rule.note(fieldError.duplicate(rule.at("expression"), source));
    seen.add(source);
    const expression = compiled(rule, "expression", "user", ["bool"]);
    if (!expression) return [];
    return [(user) => hold(expression, message, "user info validation rule", () => evaluateUser(expression, user))];
  });
}

/** An address is only somebody's when the provider has verified it: whoever reads it by an expression has to look. */
function noteUnverifiedAddress(mappings: ConfigurationReader, expressions: readonly string[]): void {
  const username = mappings.object("username");
  const source = username?.text("expression") ?? "";
  if (!username || !reads(source, "email") || [source, ...expressions].some((one) => reads(one, "email_verified")))
    return;
  username.note(
    fieldError.invalid(
      username.at("expression"),
      source,
      "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression",
    ),
  );
}

function reads(source: string, claim: string): boolean {
  try {
    return readsClaim(source, claim);
  } catch {
    // That it is no expression was noted where it was compiled.
    return false;
  }
}

/** The expression of a mapping that may have a claim instead. */
function readExpression(
  mapping: ConfigurationReader | undefined,
  wanted: readonly CelType["kind"][],
): Expression | undefined {
  if (!mapping?.has("expression")) return undefined;
  if (mapping.text("claim") !== "")
    mapping.note(fieldError.invalid(mapping.path, "", "claim and expression can't both be set"));
  if (mapping.has("prefix"))
    mapping.note(
      fieldError.invalid(mapping.at("prefix"), mapping.text("prefix"), "may not be specified when expression is set"),
    );
  return compiled(mapping, "expression", "claims", wanted);
}

function compiled(
  reader: ConfigurationReader,
  name: string,
  variable: "claims" | "user",
  wanted: readonly CelType["kind"][],
): Expression | undefined {
  const source = reader.text(name);
  if (source === "") return undefined;
  const expression = compileExpression(source, variable, wanted);
  if (typeof expression !== "string") return expression;
  reader.note(fieldError.invalid(reader.at(name), source, expression));
  return undefined;
}

function readPrefix(mapping: ConfigurationReader | undefined): string {
  if (mapping && !mapping.has("prefix"))
    mapping.note(
      fieldError.required(
        mapping.at("prefix"),
        "prefix is required when claim is set. It can be set to an empty string to disable prefixing",
      ),
    );
  return mapping?.text("prefix") ?? "";
}

function textOf(expression: Expression, claims: Claims, what: string): string {
  const value = told(`${what} claim expression`, () => evaluateClaims(expression, claims));
  if (typeof value === "string") return value;
  throw new Error(`oidc: error evaluating ${what} claim expression: ${what} claim expression must return a string`);
}

function textsIn(expression: Expression, claims: Claims, what: string): readonly string[] {
  return told(`${what} claim expression`, () => textsOf(evaluateClaims(expression, claims)));
}

/** @throws Error unless a rule holds */
function hold({ source }: Expression, message: string, what: string, evaluate: () => unknown): void {
  told(what, () => {
    if (evaluate() !== true)
      throw new Error(`validation expression '${source}' failed${message === "" ? "" : `: ${message}`}`);
  });
}

function told<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`oidc: error evaluating ${what}: ${(error as Error).message}`);
  }
}
