import { asJson, isJsonObject } from "../../../core/api/json_object.ts";
import type { Json, JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { type FieldError, fieldError, StatusError } from "../../../core/api/status.ts";
import type { ApiResponse, UserInfo } from "../../../core/client/transport.ts";
import type { Attributes, Decision } from "../../authorization/authorizer.ts";
import { inNamespace } from "../body.ts";
import { writeOptions } from "../query.ts";
import { documentResponse } from "../respond.ts";
import { readObject } from "../verbs/write.ts";
import type { VirtualRequest, VirtualResource } from "./virtual_resource.ts";

/** A question with its answer: what all reviews are. */
export interface Review extends KubeObject {
  readonly spec?: JsonObject;
}

/** The review that a request sends, as its schema has it. @throws StatusError */
export async function readReview(r: VirtualRequest, resource: VirtualResource): Promise<Review> {
  const options = writeOptions(r.query, "CreateOptions");
  const object = await readObject(r, resource, options.fieldValidation);
  return inNamespace(object, resource, r.route.namespace) as Review;
}

/** The review with its answer. */
export function answerReview(r: VirtualRequest, review: Review, status: JsonObject): ApiResponse {
  return documentResponse({ ...asJson(review), status }, 201, r.form);
}

/** What is asked about, and what is wrong with the question. */
export interface Question {
  readonly attributes: Attributes | undefined;
  readonly errors: readonly FieldError[];
}

/** The attributes of a `SubjectAccessReview` or one of its kin. @param allowed metadata that may be set */
export function questionOf({ metadata, spec = {} }: Review, allowed: readonly string[] = []): Question {
  const errors: FieldError[] = [];
  const resource = memberOf(spec, "resourceAttributes");
  const path = memberOf(spec, "nonResourceAttributes");
  if (resource && path)
    errors.push(
      fieldError.invalid(
        "spec.nonResourceAttributes",
        path,
        "cannot be specified in combination with resourceAttributes",
      ),
    );
  if (!resource && !path)
    errors.push({
      type: "Invalid",
      field: "spec.resourceAttributes",
      message: "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    });
  if (resource) errors.push(...selectorErrors(resource));
  const set = Object.keys(metadata).filter((name) => !allowed.includes(name) && name !== "managedFields");
  if (set.some((name) => !isEmpty(asJson(metadata)[name])))
    errors.push(
      fieldError.invalid(
        "metadata",
        metadata,
        `must be empty${allowed.length > 0 ? ` except for ${allowed.join(", ")}` : ""}`,
      ),
    );
  const attributes = resource ? resourceAttributes(resource) : path && pathAttributes(path);
  return { attributes, errors };
}

function isEmpty(value: Json | undefined): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}

function pathAttributes(path: JsonObject): Attributes {
  return { type: "path", verb: textOf(path, "verb"), path: textOf(path, "path") };
}

function resourceAttributes(resource: JsonObject): Attributes {
  const text = (name: string) => textOf(resource, name);
  return {
    type: "resource",
    verb: text("verb"),
    group: text("group"),
    version: text("version"),
    resource: text("resource"),
    subresource: text("subresource") || undefined,
    namespace: text("namespace") || undefined,
    name: text("name") || undefined,
    fieldSelector: selectorText(memberOf(resource, "fieldSelector"), fieldTerm),
    labelSelector: selectorText(memberOf(resource, "labelSelector"), labelTerm),
  };
}

/** A selector as requests spell it. What cannot be spelled so restricts nothing that is decided on. */
function selectorText(
  selector: JsonObject | undefined,
  term: (key: string, operator: string, values: readonly string[]) => string | undefined,
): string | undefined {
  if (!selector) return undefined;
  const raw = textOf(selector, "rawSelector");
  if (raw !== "") return raw;
  const terms = requirementsOf(selector).flatMap((one) => {
    const text = term(textOf(one, "key"), textOf(one, "operator"), textsOf(one["values"]));
    return text === undefined ? [] : [text];
  });
  return terms.length > 0 ? terms.join(",") : undefined;
}

function fieldTerm(key: string, operator: string, [value = "", ...more]: readonly string[]): string | undefined {
  const sign = new Map([
    ["In", "="],
    ["NotIn", "!="],
  ]).get(operator);
  if (sign === undefined || more.length > 0) return undefined;
  return `${key}${sign}${value.replace(/[\\,=]/g, "\\$&")}`;
}

function labelTerm(key: string, operator: string, values: readonly string[]): string | undefined {
  const texts = new Map([
    ["In", `${key} in (${values.join(",")})`],
    ["NotIn", `${key} notin (${values.join(",")})`],
    ["Exists", key],
    ["DoesNotExist", `!${key}`],
  ]);
  return texts.get(operator);
}

function selectorErrors(resource: JsonObject): readonly FieldError[] {
  return ["fieldSelector", "labelSelector"].flatMap((name) => {
    const selector = memberOf(resource, name);
    if (!selector) return [];
    const field = `spec.resourceAttributes.${name}`;
    const raw = textOf(selector, "rawSelector");
    const requirements = requirementsOf(selector);
    if (raw !== "" && requirements.length > 0)
      return [fieldError.invalid(`${field}.rawSelector`, raw, "may not specified at the same time as requirements")];
    if (raw === "" && requirements.length === 0)
      return [
        fieldError.required(
          `${field}.requirements`,
          `when ${field} is specified, requirements or rawSelector is required`,
        ),
      ];
    return requirements.flatMap((one, index) => requirementErrors(one, `${field}.requirements[${index}]`));
  });
}

function requirementErrors(requirement: JsonObject, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (textOf(requirement, "key") === "") errors.push(fieldError.required(`${field}.key`, "must be specified"));
  const operator = textOf(requirement, "operator");
  const values = textsOf(requirement["values"]);
  if ((operator === "In" || operator === "NotIn") && values.length === 0)
    errors.push(fieldError.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0)
    errors.push(
      fieldError.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
    );
  if (!["In", "NotIn", "Exists", "DoesNotExist"].includes(operator))
    errors.push(fieldError.invalid(`${field}.operator`, operator, "not a valid selector operator"));
  return errors;
}

function requirementsOf(selector: JsonObject): readonly JsonObject[] {
  const list = selector["requirements"];
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

/** Whom a `SubjectAccessReview` is about, and what is wrong with it. */
export function subjectOf({ spec = {} }: Review): { readonly user: UserInfo; readonly errors: readonly FieldError[] } {
  const username = textOf(spec, "user");
  const uid = textOf(spec, "uid");
  const groups = textsOf(spec["groups"]);
  const extra = Object.entries(memberOf(spec, "extra") ?? {}).map(([key, values]) => [key, textsOf(values)] as const);
  const errors =
    username === "" && groups.length === 0
      ? [fieldError.invalid("spec.user", username, "at least one of user or group must be specified")]
      : [];
  return {
    user: {
      username,
      groups,
      ...(uid ? { uid } : {}),
      ...(extra.length > 0 ? { extra: Object.fromEntries(extra) } : {}),
    },
    errors,
  };
}

/** @throws StatusError Invalid when there are errors */
export function refuseInvalid({ kind, group }: VirtualResource, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw StatusError.invalid({ group, kind }, "", errors);
}

/** The answer to a question about rights. */
export function decisionStatus({ allowed, denied, reason, error }: Decision): JsonObject {
  return {
    allowed,
    ...(denied ? { denied } : {}),
    ...(reason ? { reason } : {}),
    ...(error ? { evaluationError: error } : {}),
  };
}

/** A user as the API tells of one. */
export function userInfoObject({ username, uid, groups, extra }: UserInfo): JsonObject {
  return {
    username,
    ...(uid ? { uid } : {}),
    groups,
    ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
  } as JsonObject;
}

/** A member that is an object. */
export function memberOf(object: JsonObject, name: string): JsonObject | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return value !== undefined && isJsonObject(value) ? value : undefined;
}

/** A member that is a text; empty when it is not there. */
export function textOf(object: JsonObject, name: string): string {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return typeof value === "string" ? value : "";
}

/** The texts of a list. */
export function textsOf(list: Json | undefined): readonly string[] {
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === "string") : [];
}
